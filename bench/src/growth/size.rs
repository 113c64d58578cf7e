//! One evaluation without events, as a function of the size of its data.

use std::error::Error;

use super::{Curve, curve};
use crate::effort::Effort;
use crate::measure::{Batch, batch, in_turns};
use crate::ours::Ours;
use crate::peer::Peer;
use crate::sdk::Sdk;
use crate::workload::{Data, LARGE_CLAUSE, LARGE_SEGMENT, USER, clause_of, generate, segment_of};

const UNIT: &str = "ns per evaluation";

/// Varies the number of flags in the environment; evaluates one flag repeatedly, or every fifth.
pub(super) fn flags(effort: Effort) -> Result<Curve, Box<dyn Error>> {
    let about = (
        "flags",
        "An evaluation, by the number of flags",
        ["flags", UNIT],
    );
    let series = [
        "ours, one flag",
        "peer, one flag",
        "ours, many flags in turn",
        "peer, many flags in turn",
    ];
    curve(
        about,
        series,
        effort.choose(&[100, 1_000], &[100, 1_000, 10_000, 100_000]),
        |count| {
            let json = generate(count).to_json()?;
            let mut one = sides(&json, &["bench-simple".into()])?;
            // Flags that are on and serve the same variation to every context.
            let keys: Vec<_> = (0..count)
                .filter(|number| (2..6).contains(&(number % 20)))
                .map(|number| format!("flag-{number:05}"))
                .collect();
            let mut many = sides(&json, &keys)?;
            let ([one_of_ours, one_of_peer], [many_of_ours, many_of_peer]) =
                (one.each_mut(), many.each_mut());
            let times = in_turns(
                [one_of_ours, one_of_peer, many_of_ours, many_of_peer],
                effort.pace(),
            );
            Ok(times.map(|time| time.median))
        },
    )
}

/// Varies the number of values in the flag's clause.
pub(super) fn clause(effort: Effort) -> Result<Curve, Box<dyn Error>> {
    let about = (
        "flag-size",
        "An evaluation, by the values of the flag's clause",
        ["values", UNIT],
    );
    curve(
        about,
        ["ours", "peer"],
        effort.choose(&[10, 1_000], &[10, 100, 1_000, 10_000, 100_000]),
        |values| one(&clause_of(values), LARGE_CLAUSE, effort),
    )
}

/// Varies the number of keys in a segment.
pub(super) fn segment(effort: Effort) -> Result<Curve, Box<dyn Error>> {
    let about = (
        "segment-size",
        "An evaluation, by the keys of the flag's segment",
        ["keys", UNIT],
    );
    let sizes: &[u32] = effort.choose(&[10, 1_000], &[10, 100, 1_000, 10_000, 100_000, 1_000_000]);
    curve(about, ["ours", "peer"], sizes, |keys| {
        one(&segment_of(keys), LARGE_SEGMENT, effort)
    })
}

fn one(data: &Data, flag: &str, effort: Effort) -> Result<[f64; 2], Box<dyn Error>> {
    let mut sides = sides(&data.to_json()?, &[flag.into()])?;
    Ok(in_turns(sides.each_mut(), effort.pace()).map(|time| time.median))
}

/// Returns batches for both sides that evaluate these flags in turn.
fn sides(json: &[u8], keys: &[String]) -> Result<[Batch; 2], Box<dyn Error>> {
    Ok([side::<Ours>(json, keys)?, side::<Peer>(json, keys)?])
}

fn side<S: Sdk>(json: &[u8], keys: &[String]) -> Result<Batch, Box<dyn Error>> {
    let client = S::client(&S::test_data(S::parse(json)?))?;
    let user = S::context(&USER)?;
    let keys = keys.to_vec();
    let mut index = 0;
    Ok(batch(move || {
        index = if index + 1 < keys.len() { index + 1 } else { 0 };
        keys.get(index)
            .is_some_and(|key| S::bool_variation(&client, key, &user))
    }))
}
