//! Rewrites data that the peer cannot read.

use serde_json::{Value, json};

use crate::case::Case;
use crate::shape::{Shape, named_kind, visit};

/// A valid kind that no context has.
pub(super) const NOWHERE: &str = "nowhere";

/// Inserts the defaults of members that are missing or null.
pub(super) fn complete(case: &mut Case) {
    visit(case, &mut |shape, object| {
        for (member, default) in shape.defaults() {
            if object.get(member).is_none_or(Value::is_null) {
                object.insert(member.into(), default);
            }
        }
    });
}

/// Replaces `1.0` by `1` where an integer is expected.
pub(super) fn write_integers(case: &mut Case) {
    visit(case, &mut |shape, object| {
        for member in shape.integers() {
            let written_as_float = object.get(*member).filter(|value| value.is_f64());
            if let Some(number) = written_as_float.and_then(Value::as_f64) {
                // Exact: the generator converts integers up to 2^53 only.
                object.insert((*member).into(), json!(number as i64));
            }
        }
    });
}

/// Removes tombstones.
pub(super) fn drop_tombstones(case: &mut Case) {
    case.flags.retain(|_, flag| !Case::is_deleted(flag));
    case.segments
        .retain(|_, segment| !Case::is_deleted(segment));
}

/// Replaces unparsable kinds by a valid kind without contexts, and an empty kind by none.
pub(super) fn replace_unusable_kinds(case: &mut Case) {
    visit(case, &mut |shape, object| {
        let Some(member) = shape.kind_member() else {
            return;
        };
        match named_kind(object, member) {
            Some(kind) if is_usable(kind) => {}
            Some(_) => {
                object.insert(member.into(), json!(NOWHERE));
            }
            None if shape == Shape::SegmentTarget => {
                object.insert(member.into(), json!("user"));
            }
            None => {
                object.remove(member);
            }
        }
    });
}

fn is_usable(kind: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    kind != "kind" && kind != "multi" && kind.chars().all(allowed)
}
