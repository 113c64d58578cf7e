//! [`lacks`]: reports a harness without a method that its clauses need.

/// Fails a clause of `group`, for which a harness must implement an optional method.
#[expect(clippy::panic, reason = "the end of a test that cannot run")]
pub(super) fn lacks(group: &str, ability: &str) -> ! {
    panic!("the group `{group}` needs a harness that {ability}")
}
