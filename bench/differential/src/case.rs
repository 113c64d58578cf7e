//! One generated case: a data set and a context.
//!
//! Every flag of the set is evaluated for the context, so that parsing is paid once and flags
//! generated as prerequisites are also evaluated directly. A case is kept as JSON, because both
//! evaluators read JSON, and because a reported difference can then be replayed by hand.

use serde_json::{Map, Value, json};

/// A data set, a context, and the seed from which they were generated.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Case {
    /// The seed that generates this case.
    pub seed: u64,
    /// Flags by key.
    pub flags: Map<String, Value>,
    /// Segments by key.
    pub segments: Map<String, Value>,
    /// The context, in any of the formats that an SDK accepts.
    pub context: Value,
}

impl Case {
    /// Whether the flag is a tombstone, which is not evaluated.
    pub(crate) fn is_deleted(flag: &Value) -> bool {
        flag.get("deleted") == Some(&Value::Bool(true))
    }

    /// Returns the keys of the evaluated flags, in order.
    pub fn flag_keys(&self) -> impl Iterator<Item = &str> {
        self.flags
            .iter()
            .filter(|(_, flag)| !Self::is_deleted(flag))
            .map(|(key, _)| key.as_str())
    }

    /// Returns the data set in the format of the service.
    #[must_use]
    pub fn data_set(&self) -> Value {
        json!({ "flags": self.flags, "segments": self.segments })
    }

    /// Whether evaluations may have to report a big-segment status.
    pub(crate) fn has_big_segments(&self) -> bool {
        let is_big = |segment: &Value| segment.get("unbounded") == Some(&Value::Bool(true));
        self.segments.values().any(is_big)
    }

    /// Returns the key of the context's member of this kind, if it has one.
    pub(crate) fn key_of_kind(&self, kind: &str) -> Option<&str> {
        let member = match self.context.get("kind").and_then(Value::as_str) {
            None if kind == "user" => Some(&self.context),
            Some("multi") => self.context.get(kind),
            Some(own) if own == kind => Some(&self.context),
            _ => None,
        };
        member?.get("key")?.as_str()
    }
}
