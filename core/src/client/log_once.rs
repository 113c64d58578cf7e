//! [`LogOnce`]: problems of evaluations, each logged once.
//!
//! A malformed flag is evaluated as often as a good one, and a line of log for each time would bury
//! everything else. So a problem is logged once, and again when the flag has changed since.
//!
//! Keys of unknown flags may come from outside the application, in any number and length. What is
//! remembered of a problem is a hash, and only so many problems are remembered; further ones are
//! not logged but counted, and the count is logged whenever it reaches a power of ten. Problems of
//! flags that exist are remembered apart: a flood of unknown keys does not hide them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use vexil_eval::model::DataKind;
use vexil_eval::{ContextError, EvalErrorKind, TypeMismatch, key_hash};

use crate::store::StoreError;

/// How many problems are remembered, of known and of unknown flags each.
const MEMORY: usize = 10_000;

/// The longest part of a key that is logged.
const LOGGED_KEY: usize = 200;

#[derive(Debug, Default)]
pub(crate) struct LogOnce {
    known_flags: Memory,
    unknown_keys: Memory,
    not_ready: AtomicBool,
    invalid_context: AtomicBool,
}

impl LogOnce {
    /// No flag could be evaluated under this key.
    pub(super) fn about_key(&self, key: &str, kind: EvalErrorKind) {
        if !self.unknown_keys.is_new(key, kind, 0) {
            return;
        }
        let key = &*shortened(key);
        match kind {
            EvalErrorKind::FlagNotFound => {
                tracing::info!(flag.key = key, "unknown flag; the default is returned")
            }
            _ => tracing::error!(
                flag.key = key,
                "the flag could not be evaluated; the default is returned"
            ),
        }
    }

    /// A flag of this version could not be evaluated.
    pub(super) fn about_flag(&self, key: &str, version: u64, kind: EvalErrorKind) {
        if !self.known_flags.is_new(key, kind, version) {
            return;
        }
        let key = &*shortened(key);
        match kind {
            EvalErrorKind::MalformedFlag => {
                tracing::error!(
                    flag.key = key,
                    flag.version = version,
                    "malformed flag, or one beyond the limits of an evaluation; the default is returned"
                );
            }
            _ => {
                tracing::error!(
                    flag.key = key,
                    flag.version = version,
                    "the flag could not be evaluated; the default is returned"
                );
            }
        }
    }

    /// A flag of this version has a value of another type than the one requested.
    pub(super) fn wrong_type(&self, key: &str, version: u64, mismatch: &TypeMismatch) {
        if self
            .known_flags
            .is_new(key, EvalErrorKind::WrongType, version)
        {
            tracing::error!(
                flag.key = &*shortened(key),
                flag.version = version,
                expected = mismatch.expected,
                found = mismatch.found,
                error = mismatch.error.as_deref(),
                "the flag's value is not of the requested type; the default is returned"
            );
        }
    }

    pub(super) fn fetch_failed(&self, kind: DataKind, key: &str, error: &StoreError) {
        if self.unknown_keys.is_new(key, EvalErrorKind::Exception, 0) {
            let error: &dyn std::error::Error = error;
            let key = &*shortened(key);
            tracing::error!(%kind, key, error, "the data store could not be read; the default is returned");
        }
    }

    pub(super) fn fetch_all_failed(&self, error: &StoreError) {
        if self.unknown_keys.is_new("", EvalErrorKind::Exception, 0) {
            let error: &dyn std::error::Error = error;
            tracing::error!(
                error,
                "the data store could not be read; the state of all flags is not valid"
            );
        }
    }

    pub(super) fn not_ready(&self) {
        if !self.not_ready.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "flags are evaluated before the client has data; the defaults are returned"
            );
        }
    }

    pub(super) fn not_read(&self) {
        if !self.not_ready.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "flags are evaluated before the data store was read; the defaults are returned"
            );
        }
    }

    pub(super) fn invalid_context(&self, error: &ContextError) {
        if !self.invalid_context.swap(true, Ordering::Relaxed) {
            tracing::warn!(%error, "flags are evaluated for an invalid context; the defaults are returned");
        }
    }
}

/// The problems that were logged.
#[derive(Debug, Default)]
struct Memory {
    /// Locked only when there is a problem, for a look-up.
    logged: Mutex<Logged>,
}

#[derive(Debug, Default)]
struct Logged {
    /// By the hash of a key and the kind of problem: the version of the flag. Two keys with the
    /// same hash cost a line of log at worst.
    versions: HashMap<(u64, EvalErrorKind), u64>,
    /// How often something went wrong that is not remembered.
    suppressed: u64,
}

impl Memory {
    /// Whether a problem of a flag in this version is to be logged.
    fn is_new(&self, key: &str, kind: EvalErrorKind, version: u64) -> bool {
        let suppressed = {
            let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
            let problem = (key_hash(key), kind);
            if let Some(known) = logged.versions.get_mut(&problem) {
                return std::mem::replace(known, version) != version;
            }
            if logged.versions.len() < MEMORY {
                logged.versions.insert(problem, version);
                return true;
            }
            logged.suppressed = logged.suppressed.saturating_add(1);
            logged.suppressed
        };
        // Logged without the lock: a subscriber may do anything.
        if is_power_of_ten(suppressed) {
            tracing::warn!(
                suppressed,
                logged = MEMORY,
                "too many different problems with flags: further ones are not logged"
            );
        }
        false
    }
}

fn is_power_of_ten(number: u64) -> bool {
    number
        .checked_ilog10()
        .is_some_and(|exponent| 10_u64.pow(exponent) == number)
}

/// A key as it is logged.
fn shortened(key: &str) -> Cow<'_, str> {
    match key.get(..key.floor_char_boundary(LOGGED_KEY)) {
        Some(start) if start.len() < key.len() => format!("{start}… ({} bytes)", key.len()).into(),
        _ => key.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_new_once_for_each_version_of_the_flag() {
        let memory = Memory::default();
        let is_new = |key, version| memory.is_new(key, EvalErrorKind::WrongType, version);
        assert_eq!(
            [
                is_new("f", 1),
                is_new("f", 1),
                is_new("f", 2),
                is_new("f", 2)
            ],
            [true, false, true, false]
        );
        assert!(is_new("g", 1));
        assert!(memory.is_new("f", EvalErrorKind::MalformedFlag, 2));
    }

    #[test]
    fn so_many_problems_are_remembered_and_further_ones_counted() {
        let memory = Memory::default();
        let is_new = |n: usize| {
            memory.is_new(
                &format!("{}{n}", "x".repeat(1_000)),
                EvalErrorKind::FlagNotFound,
                0,
            )
        };
        assert_eq!((0..MEMORY + 5).filter(|n| is_new(*n)).count(), MEMORY);
        assert!(
            !is_new(MEMORY + 1),
            "a problem that is not remembered is not logged each time"
        );
        let logged = memory.logged.lock().unwrap();
        assert_eq!((logged.versions.len(), logged.suppressed), (MEMORY, 6));
    }

    #[test]
    fn a_long_key_is_logged_in_part() {
        assert_eq!(shortened("key"), "key");
        let long = "€".repeat(1_000);
        assert_eq!(
            shortened(&long),
            format!("{}… (3000 bytes)", "€".repeat(66))
        );
    }

    #[test]
    fn powers_of_ten_are_told_from_other_numbers() {
        let powers: Vec<_> = (0..=1_000)
            .filter(|number| is_power_of_ten(*number))
            .collect();
        assert_eq!(powers, [1, 10, 100, 1_000]);
    }
}
