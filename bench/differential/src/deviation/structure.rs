//! Minor deviations in clauses, rollouts and targets.

use serde_json::{Value, json};

use crate::case::Case;
use crate::generate::BIG_INTEGER;
use crate::shape::{Object, Shape, visit};

/// Removes an empty `bucketBy`, which means the default.
pub(super) fn drop_empty_bucket_by(case: &mut Case) {
    visit(case, &mut |_, object| {
        if object.get("bucketBy").and_then(Value::as_str) == Some("") {
            object.remove("bucketBy");
        }
    });
}

/// Replaces unknown rollout kinds: everything that is not an experiment is a plain rollout.
pub(super) fn replace_unknown_rollout_kinds(case: &mut Case) {
    visit(case, &mut |shape, object| {
        let kind = object.get("kind").and_then(Value::as_str);
        if shape == Shape::Rollout && kind.is_some_and(|kind| kind != "experiment") {
            object.insert("kind".into(), json!("rollout"));
        }
    });
}

/// Removes operands of `in` that can never match.
pub(super) fn drop_structures(case: &mut Case) {
    visit(case, &mut |shape, object| {
        if shape == Shape::Clause
            && object.get("op").and_then(Value::as_str) == Some("in")
            && let Some(Value::Array(values)) = object.get_mut("values")
        {
            values.retain(|value| value.is_boolean() || value.is_number() || value.is_string());
        }
    });
}

/// Replaces an integer by a string of its digits, which has the same bucket. Only `bucketBy` uses
/// the attribute.
pub(super) fn bucket_by_text(case: &mut Case) {
    each_member(&mut case.context, &mut |member| {
        if let Some(number) = member.get(BIG_INTEGER).and_then(Value::as_i64) {
            member.insert(BIG_INTEGER.into(), json!(number.to_string()));
        }
    });
}

/// Keeps the first entry of `targets` per variation, the only one that context targets refer to.
pub(super) fn keep_first_targets(case: &mut Case) {
    for flag in case.flags.values_mut() {
        let refers = |list: &Value| list.as_array().is_some_and(|list| !list.is_empty());
        if !flag.get("contextTargets").is_some_and(refers) {
            continue;
        }
        if let Some(Value::Array(targets)) = flag.get_mut("targets") {
            let mut seen = Vec::new();
            targets.retain(|target| {
                let variation = target.get("variation").and_then(Value::as_f64);
                let is_first = !seen.contains(&variation);
                seen.push(variation);
                is_first
            });
        }
    }
}

/// Calls `see` with the attributes of every member of a context.
pub(super) fn each_member(context: &mut Value, see: &mut dyn FnMut(&mut Object)) {
    let is_multi = context.get("kind").and_then(Value::as_str) == Some("multi");
    let is_old_user = context.get("kind").is_none();
    let Some(context) = context.as_object_mut() else {
        return;
    };
    if is_multi {
        context
            .values_mut()
            .filter_map(Value::as_object_mut)
            .for_each(see);
    } else if is_old_user {
        context
            .get_mut("custom")
            .and_then(Value::as_object_mut)
            .into_iter()
            .for_each(see);
    } else {
        see(context);
    }
}
