//! [`Groups`]: evaluated flags that streams share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use vexil_service::{ClientFlags, Memberships, ValueStream};

use super::snapshot::Snapshot;

/// Beyond this number of groups, the groups whose streams have ended are removed.
const PRUNE_ABOVE: usize = 64;

/// The groups of streams that have the same context, by [`ValueStream::view`]. A group exists as long
/// as one of its streams.
#[derive(Debug, Default)]
pub(super) struct Groups(Mutex<HashMap<String, Weak<Group>>>);

/// The values of the flags for one context.
#[derive(Debug, Default)]
pub(super) struct Group(OnceLock<Mutex<ClientFlags>>);

impl Groups {
    /// Returns the group of a stream.
    pub(super) fn of(&self, stream: &ValueStream) -> Arc<Group> {
        let mut groups = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let view = stream.view();
        if let Some(group) = groups.get(&view).and_then(Weak::upgrade) {
            return group;
        }
        if groups.len() >= PRUNE_ABOVE && groups.len().is_power_of_two() {
            groups.retain(|_, group| group.strong_count() > 0);
        }
        let group = Arc::new(Group::default());
        groups.insert(view, Arc::downgrade(&group));
        group
    }
}

impl Group {
    /// Reads the values at a snapshot, or at a later one that another stream of the group has seen.
    pub(super) fn read<T>(
        &self,
        stream: &ValueStream,
        memberships: Option<&Memberships>,
        snapshot: &Snapshot,
        read: impl FnOnce(&ClientFlags) -> T,
    ) -> T {
        let flags = self
            .0
            .get_or_init(|| Mutex::new(stream.evaluate(snapshot.served(memberships))));
        let mut flags = flags.lock().unwrap_or_else(PoisonError::into_inner);
        if flags.revision() < snapshot.revision() {
            if let Some(memberships) = memberships {
                flags.set_memberships(memberships.clone());
            }
            flags.update(&snapshot.rules);
        }
        read(&flags)
    }
}
