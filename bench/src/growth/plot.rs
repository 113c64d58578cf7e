//! Draws a curve as SVG. Both axes are logarithmic, so that a constant cost is a horizontal line
//! and a linear cost a diagonal one.

use std::error::Error;
use std::ops::Range;

use plotters::prelude::*;

use super::Curve;

const SIZE: (u32, u32) = (720, 460);
const FONT: &str = "sans-serif";
const COLOURS: [RGBColor; 4] = [
    RGBColor(0, 90, 181),
    RGBColor(220, 50, 32),
    RGBColor(90, 160, 230),
    RGBColor(240, 150, 120),
];

pub(super) fn svg(curve: &Curve) -> Result<String, Box<dyn Error>> {
    let mut text = String::new();
    draw(
        curve,
        &SVGBackend::with_string(&mut text, SIZE).into_drawing_area(),
    )
    .map_err(|error| error.to_string())?;
    Ok(text)
}

fn draw<B: DrawingBackend>(
    curve: &Curve,
    area: &DrawingArea<B, plotters::coord::Shift>,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    let points = || curve.series.iter().flat_map(|series| &series.points);
    let horizontal = around(points().map(|point| point.0), [1.2, 1.2]);
    // Leaves space for the legend above the curves.
    let vertical = around(points().map(|point| point.1), [2.0, 30.0]);
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(area)
        .caption(curve.title, (FONT, 22))
        .margin(12)
        .x_label_area_size(50)
        .y_label_area_size(96)
        .build_cartesian_2d(horizontal.log_scale(), vertical.log_scale())?;
    let [across, up] = curve.axes;
    let number = |number: &f64| crate::layout::grouped(*number);
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .x_desc(across)
        .y_desc(up)
        .label_style((FONT, 15))
        .axis_desc_style((FONT, 17))
        .x_label_formatter(&number)
        .y_label_formatter(&number)
        .draw()?;
    for (series, colour) in curve.series.iter().zip(COLOURS.into_iter().cycle()) {
        chart
            .draw_series(
                LineSeries::new(series.points.iter().copied(), colour.stroke_width(2))
                    .point_size(3),
            )?
            .label(series.name.as_str())
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .label_font((FONT, 15))
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.3))
        .draw()?;
    area.present()
}

/// Returns the range of the numbers, extended by these factors.
fn around(numbers: impl Iterator<Item = f64>, [below, above]: [f64; 2]) -> Range<f64> {
    let (least, greatest) = numbers.fold(
        (f64::INFINITY, 0.0),
        |(least, greatest): (f64, f64), number| (least.min(number), greatest.max(number)),
    );
    // Without points, returns a fixed range for an empty plot.
    if least.is_finite() {
        least / below..greatest * above
    } else {
        1.0..10.0
    }
}

#[cfg(test)]
mod tests {
    use super::super::Series;
    use super::*;

    #[test]
    fn a_plot_names_its_axes_and_its_series() {
        let series = Series {
            name: "ours".into(),
            points: vec![(10.0, 5.0), (1_000.0, 500.0)],
        };
        let curve = Curve {
            name: "a",
            title: "A title",
            axes: ["flags", "ns"],
            series: vec![series],
        };
        let text = svg(&curve).unwrap();
        for word in ["<svg", "A title", "flags", "ns", "ours", "polyline"] {
            assert!(text.contains(word), "{word}: {text}");
        }
    }

    #[test]
    fn a_curve_without_points_is_drawn_too() {
        let curve = Curve {
            name: "a",
            title: "",
            axes: ["", ""],
            series: vec![],
        };
        assert!(svg(&curve).unwrap().contains("</svg>"));
    }
}
