//! The specification: what may be seen, what must be announced, what must be delivered.
//!
//! Each function states one promise and panics if it is broken.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;
use vexil::Client;
use vexil::status::{
    DataSourceState, DataSourceStatus, DataStoreErrorInfo, DataStoreErrorKind, DataStoreStatus,
};

use crate::client::{Evaluated, Storage};
use crate::events::Counts;
use crate::store::{Read, Stored};
use crate::world::{Environment, FLAGS, Inner};

/// How long a call may take until the client reports that it was not answered: the timeout of an
/// init, and of the probe that follows.
const LATEST_REPORT: Duration = Duration::from_secs(75);

/// In daemon mode a flag that is missing was not deleted before this time (STO-9.4).
const SHORTEST_LOSS: Duration = Duration::from_secs(2);
/// The same if every flag is missing.
const SHORTEST_TOTAL_LOSS: Duration = Duration::from_secs(60);

/// What the client has announced.
#[derive(Debug, Default)]
pub(crate) struct Observed {
    source: Option<DataSourceStatus>,
    store: Option<DataStoreStatus>,
    /// The number of changes of each flag between the states that the client has received.
    pub(crate) changes: BTreeMap<u32, u64>,
    /// The number of changes of each flag that were announced.
    pub(crate) announced: BTreeMap<u32, u64>,
    /// The outages of the database that were announced.
    pub(crate) outages: u64,
    /// What was announced in the wrong order. Listeners cannot panic.
    broken: Vec<String>,
}

impl Observed {
    fn unless(&mut self, holds: bool, rule: impl FnOnce() -> String) {
        if !holds {
            self.broken.push(rule());
        }
    }
}

/// SRC-4.1 and SRC-4.2: a source begins as initializing and never returns to it, is valid only with
/// data, and is off for good.
pub(crate) fn source_status(world: &mut Inner, storage: Storage, next: DataSourceStatus) {
    use DataSourceState::{Initializing, Off, Valid};
    let before = world.observed.source.as_ref().map(|status| status.state);
    let has_data = world.committed.is_some() || storage.is_daemon();
    let is_legal = match (before.unwrap_or(Initializing), next.state) {
        (Off, _) => false,
        (_, Valid) => has_data,
        (Initializing, Initializing) => next.error.is_some(),
        (_, Initializing) => false,
        _ => true,
    };
    world.note(|| format!("the source is {next:?}"));
    let observed = &mut world.observed;
    observed.unless(is_legal, || format!("{next:?} after {before:?}"));
    observed.source = Some(next);
}

/// STO-5.3: a store is reported unavailable only if a call has failed.
pub(crate) fn store_status(world: &mut Inner, next: DataStoreStatus) {
    let has_failed = world
        .database
        .last_failure
        .is_some_and(|at| at.elapsed() < LATEST_REPORT);
    world.note(|| format!("the store is {next:?}"));
    let observed = &mut world.observed;
    let was_available = observed
        .store
        .as_ref()
        .is_none_or(|status| status.available);
    observed.outages += u64::from(was_available && !next.available);
    observed.unless(next.available || has_failed, || {
        format!("{next:?} without a failure")
    });
    observed.store = Some(next);
}

/// A flag has changed.
pub(crate) fn announced(world: &mut Inner, key: &str) {
    let flag = key.strip_prefix("flag-").unwrap().parse().unwrap();
    *world.observed.announced.entry(flag).or_default() += 1;
}

/// SRC-4.2: the status that was announced last is the one that a caller reads. Nothing was
/// announced that must not be.
pub(crate) fn statuses(world: &Inner, client: &Client) {
    let observed = &world.observed;
    assert_eq!(observed.broken, [""; 0], "announcements");
    if let Some(last) = &observed.source {
        assert_eq!(*last, client.data_source_status().status(), "data source");
    }
    if let Some(last) = &observed.store {
        // The times of an error are not announced.
        let essence = |status: &DataStoreStatus| {
            let error = status.error.as_ref();
            let error = error.map(|error| (error.kind, error.ended.is_some()));
            (status.available, status.stale, status.initialized, error)
        };
        assert_eq!(
            essence(last),
            essence(&client.data_store_status().status()),
            "data store"
        );
    }
}

/// SRC-5.4: exactly the flags that differ between two states are announced.
pub(crate) fn changes(world: &Inner) -> bool {
    world.observed.announced == world.observed.changes
}

/// What evaluations may see.
pub(crate) fn seen(world: &Inner, storage: Storage, evaluated: &Evaluated) {
    let (seen, received) = (&evaluated.flags, world.received());
    match storage {
        Storage::Memory => is_received(seen, received),
        // FDV2-8.2, STO-9.3: the database counts until the source has delivered.
        Storage::Behind { .. } | Storage::ReadOnly(None) => match received {
            None => was_read(seen, &world.database.reads),
            received => is_received(seen, received),
        },
        Storage::HandOver(_) | Storage::ReadOnly(Some(_)) => match received {
            received if evaluated.committed == Some(world.committed) && received.is_some() => {
                is_received(seen, received);
            }
            _ => was_held(world, seen),
        },
        Storage::Cached(_) | Storage::CachedDaemon(_) => was_held(world, seen),
        Storage::Daemon => may_remain(seen, &world.database.reads),
    }
}

/// Exactly the data that was received last.
fn is_received(seen: &Environment, received: Option<&Environment>) {
    assert_eq!(*seen, received.cloned().unwrap_or_default(), "received");
}

/// Nothing, or what the database held at a read that found the marker.
fn was_read(seen: &Environment, reads: &[Read]) {
    let reads = reads.iter().filter(|read| read.has_marker);
    let was_read = reads.map(Read::environment).any(|read| read == *seen);
    assert!(seen.is_empty() || was_read, "never read: {seen:?}");
}

/// Each value is one that the flag has had, in the database or at the source.
fn was_held(world: &Inner, seen: &Environment) {
    for (flag, value) in seen {
        let was_held = world.database.held.contains(&(*flag, *value));
        let states = &world.states;
        let was_sent = states.iter().any(|state| state.get(flag) == Some(value));
        assert!(was_held || was_sent, "flag {flag} never had {value}");
    }
}

/// STO-9.4: what the last read holds is used at once. What it lacks remains, unless it has been
/// missing for some time and the marker is there.
fn may_remain(seen: &Environment, reads: &[Read]) {
    let Some(last) = reads.last() else {
        assert!(seen.is_empty(), "seen before it was read: {seen:?}");
        return;
    };
    for flag in 0..FLAGS {
        let value = seen.get(&flag).copied();
        match last.items.get(&flag) {
            Some(Stored::Flag(stored)) => assert_eq!(value, Some(*stored), "flag {flag}"),
            Some(Stored::Tombstone(_)) => assert_eq!(value, None, "flag {flag} is deleted"),
            Some(Stored::Corrupt) => remains(flag, value, reads, true),
            None => remains(flag, value, reads, may_be_deleted(flag, reads)),
        }
    }
}

/// The flag has its last good value, or is missing if that is permitted.
fn remains(flag: u32, value: Option<usize>, reads: &[Read], may_be_missing: bool) {
    let good = |read: &Read| match read.items.get(&flag) {
        Some(Stored::Flag(value)) => Some(Some(*value)),
        Some(Stored::Tombstone(_)) => Some(None),
        Some(Stored::Corrupt) | None => None,
    };
    let last_good = reads.iter().rev().find_map(good).flatten();
    let is_right = value == last_good || (value.is_none() && may_be_missing);
    assert!(is_right, "flag {flag} is {value:?}, not {last_good:?}");
}

/// Whether a flag has been missing for so long that it was deleted.
fn may_be_deleted(flag: u32, reads: &[Read]) -> bool {
    let lacks = |read: &Read| !read.items.contains_key(&flag);
    let confirms = |read: &Read, since: Instant| {
        let mut until = reads.iter().take_while(|earlier| earlier.at <= read.at);
        let had_marker = until.any(|read| read.has_marker);
        let shortest = match (read.items.is_empty(), had_marker) {
            (true, _) => SHORTEST_TOTAL_LOSS,
            (false, true) => SHORTEST_LOSS,
            // Without a marker until now, nothing distinguishes a loss from a deletion.
            (false, false) => Duration::ZERO,
        };
        (read.has_marker || !had_marker) && read.at.duration_since(since) >= shortest
    };
    // A flag that was deleted once stays deleted until it is back, and can be read.
    let is_readable = |read: &Read| {
        let item = read.items.get(&flag);
        matches!(item, Some(Stored::Flag(_) | Stored::Tombstone(_)))
    };
    let gone = reads.rsplit(is_readable).next().unwrap_or_default();
    let runs = gone.split(|read| !lacks(read));
    let mut runs = runs.filter(|run| !run.is_empty());
    runs.any(|run| run.iter().any(|read| confirms(read, run[0].at)))
}

/// Whether a client that has recovered shows everything that it must.
pub(crate) fn is_current(
    world: &Inner,
    storage: Storage,
    seen: &Environment,
    client: &Client,
) -> bool {
    let current = &world.states[world.current()];
    // A database that is not read as a whole does not prove that all its items are readable.
    let is_past = |error: DataStoreErrorInfo| {
        let is_of_item = error.kind == DataStoreErrorKind::Corrupt;
        error.ended.is_some() || (is_of_item && !storage.is_read_or_written_as_a_whole())
    };
    let is_received = storage.is_daemon() || world.received() == Some(current);
    let is_seen = storage.caches_for_ever() || seen == current;
    let is_stored = !storage.writes() || world.database.holds(current);
    let source = client.data_source_status().status();
    let store = client.data_store_status().status();
    is_received
        && is_seen
        && is_stored
        && source.state == DataSourceState::Valid
        && source.error.is_none_or(|error| error.ended.is_some())
        // Every outage that was reported has ended.
        && store.available
        && !store.stale
        && store.error.is_none_or(is_past)
}

/// EVT-1.1, EVT-3.6: what was recorded was delivered, or its payload is reported as dropped.
pub(crate) fn events(world: &Inner, client: &Client) {
    let (ledger, stats) = (&world.ledger, client.event_stats());
    let sent: Counts = [ledger.counts(true), ledger.counts(false)]
        .into_iter()
        .sum();
    let dropped = stats.dropped_events;
    match ledger.refused {
        None => {
            assert_eq!(sent, ledger.made, "recorded and sent");
            assert_eq!(dropped, 0, "{stats:?}");
        }
        // After a refusal nothing more is sent, and what is not sent is reported.
        Some(made) => {
            assert!(
                sent.evaluations <= made.evaluations && sent.custom <= made.custom,
                "{sent:?} sent of {made:?}"
            );
            let later = ledger.made.total() - made.total();
            let pending = made.total() - sent.total();
            // The evaluations that were pending are one summary, and may have introduced contexts.
            let reported = later + u64::from(pending > 0)..=later + 2 * pending;
            assert!(reported.contains(&dropped), "{reported:?}, {stats:?}");
        }
    }
    assert_eq!(ledger.forged, 0, "a payload is repeated as it is, once");
    let payloads = || ledger.payloads.values();
    let confirmed = payloads().filter(|payload| payload.is_confirmed);
    let delivered: u64 = confirmed.map(|payload| payload.events).sum();
    assert_eq!(stats.delivered_events, delivered, "{stats:?}");
    let lost = payloads().filter(|payload| !payload.is_confirmed).count();
    assert_eq!(stats.dropped_payloads, lost as u64, "{stats:?}");
    let arrivals: u64 = payloads().map(|payload| payload.arrivals).sum();
    assert_eq!(stats.attempts, arrivals, "{stats:?}");
    assert_eq!(
        stats.retries,
        arrivals - ledger.payloads.len() as u64,
        "{stats:?}"
    );
    assert_eq!(stats.dropped_counts, 0, "{stats:?}");
}
