//! Prerequisites that are themselves malformed.
//!
//! An index out of range, a missing outcome, a malformed `bucketBy`: for a prerequisite these mean
//! that it has no variation and has therefore failed. The peer propagates the error. In its copy
//! such flags get additional variations that no prerequisite requires, and every defect is
//! redirected to one of them.

use serde_json::{Map, Value, json};

use super::segment::has_valid_bucket_by;
use crate::shape::{Object, Shape, descend};

/// A variation that every compensated flag has and no prerequisite requires.
pub(crate) const UNDEMANDED_INDEX: i64 = 32;
const COUNT: usize = 64;

/// Redirects every defect of the flags to a variation that no prerequisite requires.
pub(super) fn accept_local_errors(flags: &mut Map<String, Value>) {
    for flag in flags.values_mut() {
        let Some(Value::Array(variations)) = flag.get_mut("variations") else {
            continue;
        };
        let known = variations.len() as i64;
        variations.resize(COUNT, Value::Null);
        descend(Shape::Flag, flag, &mut |shape, object| match shape {
            Shape::Flag => redirect(object, "offVariation", known),
            Shape::Target | Shape::WeightedVariation => redirect(object, "variation", known),
            Shape::Rule | Shape::Fallthrough => {
                if leads_nowhere(object) {
                    object.insert("variation".into(), json!(UNDEMANDED_INDEX));
                }
                redirect(object, "variation", known);
            }
            _ => {}
        });
    }
}

/// Redirects an index out of range to an unrequired one. Distinct indexes stay distinct, because
/// targets are matched by them.
fn redirect(object: &mut Object, member: &str, known: i64) {
    let Some(index) = object.get(member).and_then(Value::as_i64) else {
        return;
    };
    if !(0..known).contains(&index) && index != UNDEMANDED_INDEX {
        // The generator produces -1, 0 to 8 and 99.
        let distinct = UNDEMANDED_INDEX + 1 + (index + 1).min(20);
        object.insert(member.into(), json!(distinct));
    }
}

fn leads_nowhere(object: &Object) -> bool {
    if object.get("variation").is_some_and(Value::is_number) {
        return false;
    }
    let Some(Value::Object(rollout)) = object.get("rollout") else {
        return true;
    };
    let is_experiment = rollout.get("kind").and_then(Value::as_str) == Some("experiment");
    let is_empty = |list: &Value| list.as_array().is_none_or(Vec::is_empty);
    rollout.get("variations").is_none_or(is_empty)
        || (!is_experiment && !has_valid_bucket_by(rollout, "contextKind"))
}
