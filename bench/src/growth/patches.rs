//! Evaluations while patches arrive, as a function of the patch rate.

use std::error::Error;

use super::{Curve, curve};
use crate::effort::Effort;
use crate::probe;
use crate::service::Service;
use crate::under_patches::{Called, Calls};
use crate::workload::generate;

/// Varies the patches per second; measures the median and the slow evaluations. A side that does
/// not receive all patches in time has no point.
pub(super) fn patches(effort: Effort) -> Result<Curve, Box<dyn Error>> {
    let service = Service::start(&generate(10_000))?;
    let about = (
        "patches",
        "An evaluation while flags change, by patches a second",
        ["patches a second", "ns per evaluation"],
    );
    let series = ["ours, p50", "peer, p50", "ours, p99.9", "peer, p99.9"];
    curve(
        about,
        series,
        effort.choose(&[10, 100], &[10, 100, 1_000, 5_000]),
        |rate| {
            let calls = Calls {
                url: service.url().to_owned(),
                rate,
                seconds: effort.choose(0.2, 1.5),
            };
            let numbers = |called: Result<Called, Box<dyn Error>>| match called {
                Ok(called) => [called.nanos[0] as f64, called.nanos[2] as f64],
                Err(_) => [f64::NAN; 2],
            };
            let ([ours, ours_slow], [peer, peer_slow]) =
                (numbers(probe::ours(&calls)), numbers(probe::peer(&calls)));
            Ok([ours, peer, ours_slow, peer_slow])
        },
    )
}
