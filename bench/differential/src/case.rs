//! One generated question: a data set and a context.
//!
//! Every flag of the set is evaluated for the context, so that the cost of parsing is shared and
//! flags made to be prerequisites are also asked directly. The case is kept as JSON, because JSON
//! is what both evaluators agree to read, and because a difference is then reported in a form one
//! can replay by hand.

use serde_json::{Map, Value, json};

/// A data set, a context, and the seed they came from.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Case {
    /// The seed that generates exactly this case.
    pub seed: u64,
    /// Flags by key.
    pub flags: Map<String, Value>,
    /// Segments by key.
    pub segments: Map<String, Value>,
    /// The context, in any of the forms an SDK accepts.
    pub context: Value,
}

impl Case {
    /// Whether the flag is a tombstone, which nobody evaluates.
    pub(crate) fn is_deleted(flag: &Value) -> bool {
        flag.get("deleted") == Some(&Value::Bool(true))
    }

    /// The keys of the flags that are evaluated, in order.
    pub fn flag_keys(&self) -> impl Iterator<Item = &str> {
        self.flags
            .iter()
            .filter(|(_, flag)| !Self::is_deleted(flag))
            .map(|(key, _)| key.as_str())
    }

    /// The data set as the service would send it.
    #[must_use]
    pub fn data_set(&self) -> Value {
        json!({ "flags": self.flags, "segments": self.segments })
    }

    /// Whether evaluations may have to report how far big segments can be trusted.
    pub(crate) fn has_big_segments(&self) -> bool {
        let is_big = |segment: &Value| segment.get("unbounded") == Some(&Value::Bool(true));
        self.segments.values().any(is_big)
    }

    /// The key of the context's member of this kind, if it has one.
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
