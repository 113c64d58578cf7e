//! Growth: the same cost at many sizes, as a table and as a plot.
//!
//! Each curve is drawn into a file of its own under [`FOLDER`], from where the documentation shows
//! it.

mod load;
mod patches;
mod plot;
mod size;

use std::error::Error;
use std::fs;
use std::path::Path;

use crate::effort::Effort;
use crate::layout;
use crate::report::Report;

/// Where plots are written, under the folder in which the program runs.
const FOLDER: &str = "docs/performance";

/// How a cost grows with something.
struct Curve {
    /// The name of the file, without its ending.
    name: &'static str,
    title: &'static str,
    /// What the cost grows with, and the cost.
    axes: [&'static str; 2],
    series: Vec<Series>,
}

struct Series {
    name: String,
    points: Vec<(f64, f64)>,
}

impl Series {
    fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            points: Vec::new(),
        }
    }

    fn at(&self, x: f64) -> Option<f64> {
        self.points
            .iter()
            .find(|point| point.0 == x)
            .map(|point| point.1)
    }
}

/// The curve of a cost that is measured for all its series at once, at each of the sizes.
fn curve<const N: usize>(
    (name, title, axes): (&'static str, &'static str, [&'static str; 2]),
    series: [&str; N],
    sizes: &[u32],
    mut cost: impl FnMut(u32) -> Result<[f64; N], Box<dyn Error>>,
) -> Result<Curve, Box<dyn Error>> {
    let mut series = series.map(Series::new);
    for &size in sizes {
        for (series, cost) in series.iter_mut().zip(cost(size)?) {
            if cost.is_finite() {
                series.points.push((f64::from(size), cost));
            }
        }
    }
    Ok(Curve {
        name,
        title,
        axes,
        series: series.into(),
    })
}

pub(crate) fn reports(effort: Effort, each: &mut impl FnMut(Report)) -> Result<(), Box<dyn Error>> {
    for measure in [
        size::flags,
        size::clause,
        size::segment,
        load::contexts,
        load::threads,
        patches::patches,
    ] {
        let curve = measure(effort)?;
        // A brief run says nothing that should replace what a full one has drawn.
        if effort == Effort::Full {
            fs::create_dir_all(FOLDER)?;
            fs::write(
                Path::new(FOLDER).join(curve.name).with_extension("svg"),
                plot::svg(&curve)?,
            )?;
        }
        each(Report {
            text: table(&curve),
            findings: Vec::new(),
        });
    }
    Ok(())
}

fn table(curve: &Curve) -> String {
    let mut sizes: Vec<f64> = curve
        .series
        .iter()
        .flat_map(|series| series.points.iter().map(|point| point.0))
        .collect();
    sizes.sort_by(f64::total_cmp);
    sizes.dedup();
    let rows: Vec<_> = sizes
        .into_iter()
        .map(|size| {
            let cells = curve.series.iter().map(|series| {
                series
                    .at(size)
                    .map_or(layout::NOTHING.into(), layout::grouped)
            });
            std::iter::once(layout::grouped(size))
                .chain(cells)
                .collect::<Vec<_>>()
        })
        .collect();
    let names = curve.series.iter().map(|series| series.name.clone());
    let headings: Vec<_> = std::iter::once(curve.axes[0].to_owned())
        .chain(names)
        .collect();
    format!(
        "{} ({})\n{}",
        curve.title,
        curve.axes[1],
        layout::columns(&headings, &rows)
    )
}
