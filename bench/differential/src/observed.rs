//! The result of an evaluation, in a form that can be compared between evaluators.

use serde_json::{Value, json};

/// The outcome of one evaluation, or its failure.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Observed {
    /// The value of the variation; `None` if the caller's default would be used.
    pub value: Option<Value>,
    /// The index of the variation.
    pub index: Option<i64>,
    /// The reason, as an SDK reports it.
    pub reason: Value,
}

impl Observed {
    pub(crate) fn new(value: Option<Value>, index: Option<i64>, reason: Value) -> Self {
        Self {
            value: value.map(as_doubles),
            index,
            reason,
        }
    }

    /// No evaluation took place: the data was rejected, or the evaluator panicked.
    pub(crate) fn failed(how: &str, why: &str) -> Self {
        Self::new(None, None, json!({ "kind": how, "message": why }))
    }

    /// Whether an evaluation took place.
    pub(crate) fn is_evaluation(&self) -> bool {
        self.reason.get("message").is_none()
    }

    pub(crate) fn drop_big_segments_status(&mut self) {
        if let Some(reason) = self.reason.as_object_mut() {
            reason.remove("bigSegmentsStatus");
        }
    }

    /// Returns the reason in one line, for counting.
    #[must_use]
    pub fn label(&self) -> String {
        let text = |member: &str| self.reason.get(member).and_then(Value::as_str);
        let mut label = text("kind").unwrap_or("NO REASON").to_owned();
        if let Some(error) = text("errorKind") {
            label = format!("{label} {error}");
        }
        if self.reason.get("inExperiment") == Some(&Value::Bool(true)) {
            label.push_str(" inExperiment");
        }
        label
    }
}

/// Converts all numbers to doubles, so that `1` and `1.0` are the same value.
fn as_doubles(value: Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().map_or(Value::Null, Value::from),
        Value::Array(items) => items.into_iter().map(as_doubles).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| (name, as_doubles(value)))
            .collect(),
        other => other,
    }
}
