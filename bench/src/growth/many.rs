//! Many clients in one process, and up to a million flags in one client.

use std::error::Error;

use super::{Curve, curve};
use crate::effort::Effort;
use crate::many_clients::{self, Kind};
use crate::many_flags::{self, Measured};

/// Varies the number of clients in one process.
pub(super) fn clients(effort: Effort) -> Result<Curve, Box<dyn Error>> {
    let about = (
        "clients",
        "Memory of a client of ours, by the clients of the process",
        ["clients", "KiB each, with the data of 10 flags"],
    );
    let series = ["no events", "default settings"];
    let sizes: &[u32] = effort.choose(&[10, 50], &[10, 100, 1_000]);
    curve(about, series, sizes, |clients| {
        Ok([
            many_clients::run(Kind::Handed, clients)?.kib,
            many_clients::run(Kind::Streaming, clients)?.kib,
        ])
    })
}

/// Varies the number of flags of which one is patched at a time.
pub(super) fn patch(effort: Effort) -> Result<Curve, Box<dyn Error>> {
    let about = (
        "patch-of-flags",
        "A patch of ours, by the number of flags",
        ["flags", "ns per patch"],
    );
    let rounds = effort.choose(1, 5);
    curve(about, ["a patch"], sizes(effort), |flags| {
        Ok([many_flags::run(flags, rounds)?.patch().median])
    })
}

/// Varies the number of flags that a client starts with.
pub(super) fn start(effort: Effort) -> Result<Curve, Box<dyn Error>> {
    let about = (
        "start-of-flags",
        "A start of ours, by the number of flags",
        ["flags", "ms from the text until ready"],
    );
    curve(about, ["a start"], sizes(effort), |flags| {
        let Measured { start_millis, .. } = many_flags::run(flags, 0)?;
        Ok([start_millis])
    })
}

fn sizes(effort: Effort) -> &'static [u32] {
    effort.choose(&[100, 1_000], &[1_000, 10_000, 100_000, 1_000_000])
}
