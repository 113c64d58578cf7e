//! [`LogOnce`]: logs each evaluation problem once.
//!
//! A malformed flag is evaluated as often as a valid one, and one log line per evaluation would
//! flood the log. A problem is therefore logged once, and again after the flag has changed.
//!
//! Unknown flag keys may come from outside the application, in any number and length. Only a hash
//! of each problem is stored, and their number is bounded. Beyond the bound, problems are counted
//! instead of logged, and the count is logged at each power of ten. Problems of existing flags are
//! stored separately, so that a flood of unknown keys cannot hide them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use vexil_eval::model::DataKind;
use vexil_eval::{ContextError, EvalErrorKind, TypeMismatch, key_hash};

use crate::store::StoreError;

/// Maximum number of stored problems, for known and for unknown flags each.
const MEMORY: usize = 10_000;

/// Maximum length of a logged key, in bytes.
const LOGGED_KEY: usize = 200;

#[derive(Debug, Default)]
pub(crate) struct LogOnce {
    known_flags: Memory,
    unknown_keys: Memory,
    not_ready: AtomicBool,
    invalid_context: AtomicBool,
}

impl LogOnce {
    /// Logs that no flag could be evaluated under this key.
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

    /// Logs that this version of a flag could not be evaluated.
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

    /// Logs that this version of a flag has a value of another type than the requested one.
    pub(super) fn wrong_type(
        &self,
        key: &str,
        version: u64,
        mismatch: &TypeMismatch,
        error: Option<&str>,
    ) {
        if self
            .known_flags
            .is_new(key, EvalErrorKind::WrongType, version)
        {
            tracing::error!(
                flag.key = &*shortened(key),
                flag.version = version,
                expected = mismatch.expected,
                found = mismatch.found,
                error,
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

/// The problems that have been logged.
#[derive(Debug, Default)]
struct Memory {
    /// Locked only for a look-up, when a problem occurs.
    logged: Mutex<Logged>,
}

#[derive(Debug, Default)]
struct Logged {
    /// Flag version by the hash of the key and the kind of problem. A hash collision costs at most
    /// one log line.
    versions: HashMap<(u64, EvalErrorKind), u64>,
    /// Number of problems that were neither stored nor logged.
    suppressed: u64,
}

impl Memory {
    /// Records a problem and returns whether it has to be logged.
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
        // Logged after the lock is released: a subscriber may run arbitrary code.
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

/// The key in the form in which it is logged.
fn shortened(key: &str) -> Cow<'_, str> {
    let start = (0..=LOGGED_KEY).rev().find_map(|end| key.get(..end));
    match start {
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
    fn problems_beyond_the_bound_are_counted_instead_of_logged() {
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
            "a problem beyond the bound must not be logged"
        );
        let logged = memory.logged.lock().unwrap();
        assert_eq!((logged.versions.len(), logged.suppressed), (MEMORY, 6));
    }

    #[test]
    fn a_long_key_is_truncated_in_the_log() {
        assert_eq!(shortened("key"), "key");
        let long = "€".repeat(1_000);
        assert_eq!(
            shortened(&long),
            format!("{}… (3000 bytes)", "€".repeat(66))
        );
    }

    #[test]
    fn powers_of_ten_are_recognised() {
        let powers: Vec<_> = (0..=1_000)
            .filter(|number| is_power_of_ten(*number))
            .collect();
        assert_eq!(powers, [1, 10, 100, 1_000]);
    }
}
