//! Segments whose membership the peer decides by other rules.

use launchdarkly_server_sdk_evaluation::Reference;
use serde_json::{Value, json};

use super::reading::NOWHERE;
use crate::case::Case;
use crate::shape::{Object, Shape, named_kind, visit};

/// A big segment without a configured store contains no context by key, and its rules apply only
/// if the store would have been queried.
pub(super) fn unbounded_without_store(case: &mut Case) {
    let mut segments = std::mem::take(&mut case.segments);
    for segment in segments.values_mut().filter_map(Value::as_object_mut) {
        if segment.get("unbounded") != Some(&Value::Bool(true)) {
            continue;
        }
        let kind = named_kind(segment, "unboundedContextKind").unwrap_or("user");
        let would_ask = segment.get("generation").is_some_and(Value::is_number)
            && case.key_of_kind(kind).is_some();
        for list in [
            "included",
            "excluded",
            "includedContexts",
            "excludedContexts",
        ] {
            segment.insert(list.into(), json!([]));
        }
        if !would_ask {
            segment.insert("rules".into(), json!([]));
        }
    }
    case.segments = segments;
}

/// Appends a clause that never matches to weighted rules whose kind the context lacks.
///
/// A malformed `bucketBy` is an error before the kind is checked, so such rules are unchanged.
pub(super) fn block_absent_kinds(case: &mut Case) {
    let here = case.clone();
    visit(case, &mut |shape, object| {
        if shape != Shape::SegmentRule || !object.get("weight").is_some_and(Value::is_number) {
            return;
        }
        let kind = named_kind(object, "rolloutContextKind").unwrap_or("user");
        if here.key_of_kind(kind).is_some() || !has_valid_bucket_by(object, "rolloutContextKind") {
            return;
        }
        if let Some(Value::Array(clauses)) = object.get_mut("clauses") {
            clauses.push(json!({
                "contextKind": NOWHERE, "attribute": "key", "op": "in", "values": [], "negate": false,
            }));
        }
    });
}

/// Raises negative weights to zero: no bucket is below zero.
pub(super) fn raise_negative_weights(case: &mut Case) {
    visit(case, &mut |shape, object| {
        let weight = object.get("weight").and_then(Value::as_f64);
        if shape == Shape::SegmentRule && weight.is_some_and(|weight| weight < 0.0) {
            object.insert("weight".into(), json!(0));
        }
    });
}

/// Whether the object has a valid `bucketBy`; without a kind any text is valid.
pub(super) fn has_valid_bucket_by(object: &Object, kind_member: &str) -> bool {
    let Some(attribute) = object.get("bucketBy").and_then(Value::as_str) else {
        return true;
    };
    attribute.is_empty()
        || named_kind(object, kind_member).is_none()
        || Reference::new(attribute).is_valid()
}
