//! [`Snapshot`]: the items of an environment at one revision.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use vexil_service::{Endpoint, Event, ItemStream, Items, Memberships, Rules, Served};

/// The items of an environment at one revision, with what its streams have sent of them.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) items: Items,
    pub(super) rules: Rules,
    /// The encoded items, which many streams begin with.
    everything: Mutex<HashMap<Endpoint, Bytes>>,
    /// The encoded changes after a revision, which many streams send.
    changes: Mutex<HashMap<(Endpoint, u64), Bytes>>,
}

impl Snapshot {
    pub(super) fn new(items: Items, rules: Rules) -> Self {
        Self {
            items,
            rules,
            everything: Mutex::default(),
            changes: Mutex::default(),
        }
    }

    pub(super) fn revision(&self) -> u64 {
        self.items.revision()
    }

    pub(super) fn served<'s>(&'s self, memberships: Option<&'s Memberships>) -> Served<'s> {
        Served {
            items: &self.items,
            rules: &self.rules,
            memberships,
        }
    }

    /// Returns what a stream begins with.
    pub(super) fn opening(&self, stream: &ItemStream) -> Bytes {
        match stream.basis() {
            None => self.everything(stream),
            Some(_) => encode(&stream.opening(&self.items)),
        }
    }

    /// Returns all items.
    pub(super) fn everything(&self, stream: &ItemStream) -> Bytes {
        let everything = self.everything.lock();
        let mut everything = everything.unwrap_or_else(PoisonError::into_inner);
        let encoded = everything
            .entry(stream.endpoint())
            .or_insert_with(|| encode(&stream.everything(&self.items)));
        encoded.clone()
    }

    /// Returns what a stream sends that has sent everything up to a revision.
    pub(super) fn changes(&self, stream: &ItemStream, since: u64) -> Bytes {
        let mut known = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        let encoded = known
            .entry((stream.endpoint(), since))
            .or_insert_with(|| encode(&stream.changes(&self.items, since)));
        encoded.clone()
    }
}

/// Encodes the events of a stream.
pub(super) fn encode(events: &[Event]) -> Bytes {
    let mut bytes = BytesMut::new();
    for event in events {
        bytes.extend_from_slice(&event.to_sse());
    }
    bytes.freeze()
}
