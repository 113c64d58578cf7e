//! What an evaluation said, in a form in which two evaluators can be compared.

use serde_json::{Value, json};

/// The outcome of one evaluation, or of the failure to make one.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Observed {
    /// The variation's value; none when the caller's default would be used.
    pub value: Option<Value>,
    /// The variation's index.
    pub index: Option<i64>,
    /// The reason as an SDK reports it.
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

    /// There was no evaluation: the data was refused, or the evaluator panicked.
    pub(crate) fn failed(how: &str, why: &str) -> Self {
        Self::new(None, None, json!({ "kind": how, "message": why }))
    }

    pub(crate) fn drop_big_segments_status(&mut self) {
        if let Some(reason) = self.reason.as_object_mut() {
            reason.remove("bigSegmentsStatus");
        }
    }

    /// The reason in one line, to be counted.
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

/// JSON knows one type of number: `1` and `1.0` are the same value.
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
