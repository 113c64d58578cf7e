//! Growth: a cost as a function of a size, as a table and as a plot.
//!
//! Each curve is drawn into a file under [`FOLDER`], which the documentation shows.

mod load;
mod many;
mod patches;
mod plot;
mod protocols;
mod size;
mod summaries;

use std::error::Error;
use std::fs;
use std::path::Path;

use crate::effort::Effort;
use crate::layout;
use crate::report::Report;

/// The folder of the plots, relative to the working directory.
const FOLDER: &str = "docs/performance";

/// A cost as a function of a size.
struct Curve {
    /// The file name without extension.
    name: &'static str,
    title: &'static str,
    /// The labels of the size and of the cost.
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

/// Measures all series of a curve at each size.
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
        summaries::keys,
        patches::patches,
        protocols::payload,
        protocols::changes,
        many::patch,
        many::start,
        many::clients,
    ] {
        let curve = measure(effort)?;
        // A brief run must not overwrite the plots of a full run.
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
