//! Adds users to the lists of a segment.

use serde_json::Value;

use super::targets::kind_of;
use super::{OverrideError, USER};

/// The lists that decide that a context belongs to a segment, and those that decide that it does not.
const INCLUDED: [&str; 2] = ["included", "includedContexts"];
const EXCLUDED: [&str; 2] = ["excluded", "excludedContexts"];

pub(super) fn list(
    segment: &mut Value,
    include: &[String],
    exclude: &[String],
) -> Result<(), OverrideError> {
    if segment.get("unbounded").and_then(Value::as_bool) == Some(true) {
        return Err(OverrideError::BigSegment);
    }
    move_to(segment, include, INCLUDED, EXCLUDED);
    move_to(segment, exclude, EXCLUDED, INCLUDED);
    Ok(())
}

fn move_to(segment: &mut Value, users: &[String], to: [&str; 2], from: [&str; 2]) {
    let [keys, of_contexts] = from;
    remove(segment.get_mut(keys), users);
    let lists = segment.get_mut(of_contexts).and_then(Value::as_array_mut);
    for list in lists.into_iter().flatten() {
        if kind_of(list) == USER {
            remove(list.get_mut("values"), users);
        }
    }
    let [keys, _] = to;
    let mut list = match segment.get_mut(keys).map(Value::take) {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    };
    for user in users {
        if !list.iter().any(|known| known == user) {
            list.push(user.as_str().into());
        }
    }
    segment[keys] = list.into();
}

fn remove(list: Option<&mut Value>, users: &[String]) {
    if let Some(list) = list.and_then(Value::as_array_mut) {
        list.retain(|known| users.iter().all(|user| known != user));
    }
}
