//! [`Complaints`]: what evaluations have to say to people, said once.
//!
//! A malformed flag is evaluated as often as a good one, and a line of log for each time would bury everything else.
//! So each complaint about a flag is logged once; after very many different ones, all may be logged once more.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::context::ContextError;
use crate::eval::EvalErrorKind;
use crate::model::DataKind;
use crate::store::StoreError;
use crate::text::Text;

/// How many complaints are remembered. Keys come from code, so real programs stay far below.
const MEMORY: usize = 10_000;

#[derive(Debug, Default)]
pub(crate) struct Complaints {
    /// Locked only when there is something to complain about.
    made: Mutex<HashSet<(Text, EvalErrorKind)>>,
    not_ready: AtomicBool,
    invalid_context: AtomicBool,
}

impl Complaints {
    pub(super) fn about_flag(&self, key: &str, kind: EvalErrorKind) {
        if !self.is_new(key, kind) {
            return;
        }
        match kind {
            EvalErrorKind::FlagNotFound => {
                tracing::info!(flag.key = key, "unknown flag; evaluations give the default")
            }
            EvalErrorKind::MalformedFlag => {
                tracing::error!(flag.key = key, "malformed flag; evaluations give the default");
            }
            EvalErrorKind::WrongType => {
                tracing::error!(flag.key = key, "the flag's value is not of the type asked for; the default is given");
            }
            _ => tracing::error!(flag.key = key, "the flag could not be evaluated; the default is given"),
        }
    }

    pub(super) fn fetch_failed(&self, kind: DataKind, key: &Text, error: &StoreError) {
        if self.is_new(key, EvalErrorKind::Exception) {
            let error: &dyn std::error::Error = error;
            tracing::error!(%kind, %key, error, "the data store could not be read; the default is given");
        }
    }

    pub(super) fn fetch_all_failed(&self, error: &StoreError) {
        if self.is_new("", EvalErrorKind::Exception) {
            let error: &dyn std::error::Error = error;
            tracing::error!(error, "the data store could not be read; the state of all flags is not valid");
        }
    }

    pub(super) fn not_ready(&self) {
        if !self.not_ready.swap(true, Ordering::Relaxed) {
            tracing::warn!("flags are evaluated before the client has data; evaluations give the default");
        }
    }

    pub(super) fn not_read(&self) {
        if !self.not_ready.swap(true, Ordering::Relaxed) {
            tracing::warn!("flags are evaluated before the data store was read; evaluations give the default");
        }
    }

    pub(super) fn invalid_context(&self, error: &ContextError) {
        if !self.invalid_context.swap(true, Ordering::Relaxed) {
            tracing::warn!(%error, "flags are evaluated for an invalid context; evaluations give the default");
        }
    }

    fn is_new(&self, key: &str, kind: EvalErrorKind) -> bool {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if made.len() >= MEMORY {
            made.clear();
        }
        made.insert((key.into(), kind))
    }
}
