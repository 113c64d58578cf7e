//! [`Complaints`]: warnings about contexts, each logged once.
//!
//! A context is converted for each evaluation, so a warning per conversion would flood the log.

use std::sync::atomic::{AtomicBool, Ordering};

/// A problem with a field of an evaluation context.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Complaint {
    /// The context has a field `key` in addition to its targeting key.
    TwoKeys,
    /// The field does not accept a value of this type.
    NotThisType,
    /// The value is of an unsupported type.
    UnknownType,
    /// A field of a multi-kind context is not a structure.
    NoStructure,
}

/// The complaints that were logged.
#[derive(Debug, Default)]
pub(crate) struct Complaints {
    two_keys: AtomicBool,
    not_this_type: AtomicBool,
    unknown_type: AtomicBool,
    no_structure: AtomicBool,
}

impl Complaints {
    /// Logs the first complaint of each sort. `field` is the name of the field.
    pub(crate) fn about(&self, field: &str, complaint: Complaint) {
        let (made, message) = match complaint {
            Complaint::TwoKeys => (&self.two_keys, "the targeting key takes precedence"),
            Complaint::NotThisType => (
                &self.not_this_type,
                "the field does not accept a value of this type",
            ),
            Complaint::UnknownType => (&self.unknown_type, "the value is of an unsupported type"),
            Complaint::NoStructure => (
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
