//! [`Warnings`]: warnings about contexts, each logged once.
//!
//! A context is converted for each evaluation, so a warning per conversion would flood the log.

use std::sync::atomic::{AtomicBool, Ordering};

/// A problem with a field of an evaluation context.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Problem {
    /// The context has a field `key` in addition to its targeting key.
    TwoKeys,
    /// The field does not accept a value of this type.
    NotThisType,
    /// The value is of an unsupported type.
    UnknownType,
    /// A field of a multi-kind context is not a structure.
    NoStructure,
}

/// Which warnings were logged already.
#[derive(Debug, Default)]
pub(crate) struct Warnings {
    two_keys: AtomicBool,
    not_this_type: AtomicBool,
    unknown_type: AtomicBool,
    no_structure: AtomicBool,
}

impl Warnings {
    /// Logs the first problem of each kind. `field` is the name of the field.
    pub(crate) fn log_once(&self, field: &str, problem: Problem) {
        let (made, message) = match problem {
            Problem::TwoKeys => (&self.two_keys, "the targeting key takes precedence"),
            Problem::NotThisType => (
                &self.not_this_type,
                "the field does not accept a value of this type",
            ),
            Problem::UnknownType => (&self.unknown_type, "the value is of an unsupported type"),
            Problem::NoStructure => (
                &self.no_structure,
                "every field of a multi-kind context must be a structure",
            ),
        };
        if !made.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                field,
                "ignoring a context field: {message}; further occurrences are not logged"
            );
        }
    }
}
