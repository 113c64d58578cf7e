//! Predicates for serde: members that say nothing are left out.

use crate::text::Text;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
pub(super) fn is_true(value: &bool) -> bool {
    *value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
pub(super) fn is_false(value: &bool) -> bool {
    !*value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
pub(super) fn is_zero(value: &usize) -> bool {
    *value == 0
}

pub(super) fn is_empty(text: &Text) -> bool {
    text.as_str().is_empty()
}
