//! Cases with the results on which both evaluators agree, to be kept as test data.

use serde_json::{Map, Value, json};

use crate::case::Case;
use crate::deviation::DeviationSet;
use crate::observed::Observed;
use crate::{ours, peer};

/// Returns the case as one line of JSON: `flags`, `segments`, `context`, and for each flag on which the
/// unmodified peer agrees with us, its result in `results`.
#[must_use]
pub fn line(case: &Case) -> Value {
    let ours = ours::evaluate_all(case);
    let peers = peer::evaluate_all(case, DeviationSet::NONE);
    let results: Map<_, _> = case
        .flag_keys()
        .zip(ours.iter().zip(&peers))
        .filter(|(_, (ours, peer))| ours.is_evaluation() && agree(ours, peer))
        .map(|(key, (ours, _))| {
            let result = json!({ "value": ours.value, "index": ours.index, "reason": ours.reason });
            (key.to_owned(), result)
        })
        .collect();
    json!({
        "flags": case.flags,
        "segments": case.segments,
        "context": case.context,
        "results": results,
    })
}

/// Whether the results are equal, apart from the status of big segments, which the peer does not have.
fn agree(ours: &Observed, peer: &Observed) -> bool {
    let mut ours = ours.clone();
    ours.drop_big_segments_status();
    ours == *peer
}
