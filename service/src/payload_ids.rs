//! [`PayloadIds`]: recognizes events that are posted again.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

/// The ids of the last payloads of events. An SDK that has no answer posts a payload again, with the
/// same id, and it must count once.
///
/// ```
/// use vexil_service::PayloadIds;
///
/// let mut ids = PayloadIds::new(2);
/// assert!(ids.insert("a") && ids.insert("b"));
/// assert!(!ids.insert("a"), "posted again");
/// // The oldest id is forgotten.
/// assert!(ids.insert("c") && ids.insert("a"));
/// ```
#[derive(Clone, Debug)]
pub struct PayloadIds {
    max: usize,
    known: HashSet<Arc<str>>,
    order: VecDeque<Arc<str>>,
}

impl PayloadIds {
    /// Creates an empty set that remembers at most this many ids.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self {
            max,
            known: HashSet::new(),
            order: VecDeque::new(),
        }
    }

    /// Remembers an id. Returns whether it is new.
    pub fn insert(&mut self, id: &str) -> bool {
        if self.known.contains(id) {
            return false;
        }
        let id: Arc<str> = id.into();
        self.known.insert(Arc::clone(&id));
        self.order.push_back(id);
        if self.order.len() > self.max
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}
