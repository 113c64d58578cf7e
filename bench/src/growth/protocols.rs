//! Complete data and changes in both protocols, as functions of the number of flags.

use std::error::Error;

use super::{Curve, curve};
use crate::change_sets;
use crate::effort::Effort;
use crate::workload::generate;

const ROUNDS: u32 = 3;

fn sizes(effort: Effort) -> &'static [u32] {
    effort.choose(&[100, 1_000], &[100, 1_000, 10_000, 100_000])
}

/// Varies the number of flags of a payload.
pub(super) fn payload(effort: Effort) -> Result<Curve, Box<dyn Error>> {
    let about = (
        "payload",
        "A start of ours, by the flags of the payload",
        ["flags", "ms until ready"],
    );
    let series = [
        "classic stream",
        "change sets, streamed",
        "change sets, polled",
    ];
    curve(about, series, sizes(effort), |flags| {
        let times = change_sets::complete(&generate(flags), ROUNDS)?;
        Ok(times.map(|time| time.median))
    })
}

/// Varies the number of flags of which one is changed at a time.
pub(super) fn changes(effort: Effort) -> Result<Curve, Box<dyn Error>> {
    let about = (
        "changes",
        "Changes that ours can apply, by the number of flags",
        ["flags", "thousand changes a second"],
    );
    let series = ["patches of the classic stream", "change sets"];
    curve(about, series, sizes(effort), |flags| {
        let nanos = change_sets::changes(&generate(flags), ROUNDS)?;
        Ok(nanos.map(|nanos| 1e6 / nanos.median))
    })
}
