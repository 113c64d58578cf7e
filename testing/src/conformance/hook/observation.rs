//! Clauses on the arguments of the stages.

use vexil::Value;

use super::HookHarness;
use super::relay::{ABANDONED, Hooked, MEETING, NESTED, THREADS};

/// The result is that of the caller.
pub async fn an_evaluation_is_seen_with_its_result(harness: &dyn HookHarness) {
    let hooked = Hooked::new(harness);
    let result = hooked.evaluate("a");
    assert_eq!(harness.observed(), [("a".to_owned(), result)]);
}

/// Each call of an evaluation method is one series.
pub async fn each_evaluation_is_seen_once(harness: &dyn HookHarness) {
    let hooked = Hooked::new(harness);
    for _ in 0..3 {
        hooked.evaluate("a");
    }
    hooked.client.variation_detail("b", &hooked.ada, false);
    // Has no second stage.
    hooked.evaluate(ABANDONED);
    assert_eq!(keys(harness), ["a", "a", "a", "b"], "the flags seen");
}

/// The caller receives its default.
pub async fn an_unknown_flag_is_seen_with_the_default(harness: &dyn HookHarness) {
    let hooked = Hooked::new(harness);
    hooked.evaluate("unknown");
    assert_eq!(
        harness.observed(),
        [("unknown".to_owned(), Value::from("unknown"))]
    );
}

/// The data of a series belongs to it.
pub async fn nested_series_are_seen_separately(harness: &dyn HookHarness) {
    let hooked = Hooked::new(harness);
    hooked.evaluate(NESTED);
    let mut observed = harness.observed();
    observed.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(
        observed,
        [
            ("a".to_owned(), Value::from("value of a")),
            (NESTED.to_owned(), Value::from("outer"))
        ]
    );
}

/// The data of a series belongs to it, on every thread.
pub async fn concurrent_series_are_seen_separately(harness: &dyn HookHarness) {
    const TIMES: usize = 20;
    let hooked = Hooked::new(harness);
    for _ in 0..TIMES {
        hooked.meet();
    }
    assert_eq!(keys(harness), [MEETING; TIMES * THREADS], "the flags seen");
}

/// Returns the keys of the flags seen, sorted.
fn keys(harness: &dyn HookHarness) -> Vec<String> {
    let observed = harness.observed().into_iter();
    let mut keys: Vec<_> = observed.map(|(key, _)| key).collect();
    keys.sort_unstable();
    keys
}
