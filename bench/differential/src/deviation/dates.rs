//! Dates that only one of the evaluators accepts.
//!
//! They occur only among the values of `before` and `after`, and in one attribute that no other
//! operator tests. Changing them therefore affects only how dates are read.

use serde_json::{Value, json};

use super::structure::each_member;
use crate::case::Case;
use crate::generate::{MOMENT, pool};
use crate::shape::{Shape, visit};

/// Makes loose dates invalid for the peer too.
pub(super) fn spoil_loose(case: &mut Case) {
    replace(case, &|value| {
        let text = value.as_str()?;
        pool::LOOSE_DATES.contains(&text).then(|| json!("no date"))
    });
}

/// Replaces dates beyond the peer's calendar by its last milliseconds, in the same order.
pub(super) fn bring_near(case: &mut Case) {
    const WITHIN: [f64; 6] = [-8.33e15, -8.32e15, -8.31e15, 8.19e15, 8.2e15, 8.21e15];
    replace(case, &|value| {
        let number = value.as_f64()?;
        let is_this = |far: &str| pool::literal(far).as_f64() == Some(number);
        let rank = pool::FAR_DATES.iter().position(|far| is_this(far))?;
        WITHIN.get(rank).map(|near| json!(near))
    });
}

fn replace(case: &mut Case, change: &dyn Fn(&Value) -> Option<Value>) {
    visit(case, &mut |shape, object| {
        let operator = object.get("op").and_then(Value::as_str);
        if shape == Shape::Clause
            && matches!(operator, Some("before" | "after"))
            && let Some(values) = object.get_mut("values")
        {
            apply(values, change);
        }
    });
    each_member(&mut case.context, &mut |member| {
        if let Some(moment) = member.get_mut(MOMENT) {
            apply(moment, change);
        }
    });
}

fn apply(value: &mut Value, change: &dyn Fn(&Value) -> Option<Value>) {
    if let Value::Array(items) = value {
        items.iter_mut().for_each(|item| apply(item, change));
    } else if let Some(changed) = change(value) {
        *value = changed;
    }
}
