//! [`StoreCalls`]: counts the calls of a store and injects faults.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use vexil::store::StoreError;

use crate::observed::Observed;

/// The store methods that can have faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreMethod {
    /// `PersistentDataStore::get`
    Get,
    /// `PersistentDataStore::get_all`
    GetAll,
    /// `PersistentDataStore::is_initialized`
    IsInitialized,
    /// `PersistentDataStore::init`
    Init,
    /// `PersistentDataStore::upsert`
    Upsert,
    /// `PersistentDataStore::snapshot`
    Snapshot,
    /// `PersistentDataStore::probe`
    Probe,
    /// `BigSegmentStore::membership`
    Membership,
    /// `BigSegmentStore::last_synchronized`
    LastSynchronized,
    /// `close` of either store
    Close,
}

/// A fault of a method. [`StoreMethod::Close`] returns no error: for it, only delays, hanging and
/// panics have an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreFault {
    /// The call is not performed; it returns [`StoreError::Unavailable`].
    Fail,
    /// The call is not performed; it returns [`StoreError::Auth`].
    Refuse,
    /// The call is not performed; it returns [`StoreError::Timeout`].
    TimeOut,
    /// The call is performed but returns [`StoreError::Unavailable`]: the response was lost.
    LoseAnswer,
    /// The call is performed after this delay, by Tokio's clock.
    Delay(Duration),
    /// The call waits until the store's faults are next changed, and is then performed.
    Hang,
    /// The method panics.
    Panic,
}

/// The call counters and faults of one store.
///
/// ```
/// use std::time::Duration;
/// use vexil::Client;
/// use vexil_testing::{MemoryPersistentStore, StoreFault, StoreMethod};
///
/// let database = MemoryPersistentStore::new();
/// database.calls().fault_next(StoreMethod::Snapshot, StoreFault::TimeOut);
/// let client = Client::builder("sdk-key").daemon_mode(database.clone()).without_events().start()?;
/// let status = client.data_store_status();
/// assert!(status.blocking_wait_for(|status| status.error.is_some(), Duration::from_secs(30)));
/// assert!(database.calls().count(StoreMethod::Snapshot) >= 1);
/// # Ok::<(), vexil::config::ConfigError>(())
/// ```
#[derive(Debug)]
pub struct StoreCalls(Observed<State>);

#[derive(Debug, Default)]
struct State {
    faults: HashMap<StoreMethod, StoreFault>,
    /// Faults of the next calls. They take precedence over `faults`.
    next: HashMap<StoreMethod, VecDeque<StoreFault>>,
    all: Option<StoreFault>,
    /// The number of fault changes. Hanging calls wait for it to increase.
    changes: u64,
    counts: HashMap<StoreMethod, u64>,
}

impl StoreCalls {
    pub(super) fn new() -> Self {
        Self(Observed::new(State::default()))
    }

    /// Injects a fault into all later calls of the method.
    pub fn fault(&self, method: StoreMethod, fault: StoreFault) {
        self.change(|state| state.faults.extend([(method, fault)]));
    }

    /// Injects a fault into the next call of the method. Several faults are queued, one for each
    /// call.
    pub fn fault_next(&self, method: StoreMethod, fault: StoreFault) {
        self.change(|state| state.next.entry(method).or_default().push_back(fault));
    }

    /// Injects a fault into all later calls of every method without a separate fault.
    pub fn fault_all(&self, fault: StoreFault) {
        self.change(|state| state.all = Some(fault));
    }

    /// Removes all faults. Hanging calls continue.
    pub fn heal(&self) {
        self.change(|state| {
            state.faults.clear();
            state.next.clear();
            state.all = None;
        });
    }

    /// Returns how often a method was called, successfully or not.
    #[must_use]
    pub fn count(&self, method: StoreMethod) -> u64 {
        self.0.look(|state| state.count(method))
    }

    /// Waits until a method was called `count` times since the store was created. There is no
    /// timeout: the test has to set one.
    pub async fn reached(&self, method: StoreMethod, count: u64) {
        self.0
            .until(|state| (state.count(method) >= count).then_some(()))
            .await;
    }

    /// Counts a call and applies its fault. If it returns `Ok`, the caller performs the operation
    /// and then calls [`Answer::give`].
    pub(super) async fn enter(&self, method: StoreMethod) -> Result<Answer, StoreError> {
        let (fault, now) = self.0.change(|state| {
            *state.counts.entry(method).or_default() += 1;
            let next = state.next.get_mut(&method).and_then(VecDeque::pop_front);
            (
                next.or_else(|| state.faults.get(&method).copied())
                    .or(state.all),
                state.changes,
            )
        });
        match fault {
            None => {}
            Some(StoreFault::Fail) => return Err(StoreError::unavailable("the test has it fail")),
            Some(StoreFault::Refuse) => return Err(StoreError::auth("injected refusal")),
            Some(StoreFault::TimeOut) => return Err(StoreError::Timeout),
            Some(StoreFault::LoseAnswer) => return Ok(Answer::Lost),
            Some(StoreFault::Delay(time)) => tokio::time::sleep(time).await,
            Some(StoreFault::Hang) => {
                self.0
                    .until(|state| (state.changes != now).then_some(()))
                    .await
            }
            #[expect(clippy::panic, reason = "injected by the test")]
            Some(StoreFault::Panic) => panic!("injected panic"),
        }
        Ok(Answer::Given)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        self.0.change(|state| {
            change(state);
            state.changes += 1;
        });
    }
}

impl State {
    fn count(&self, method: StoreMethod) -> u64 {
        self.counts.get(&method).copied().unwrap_or_default()
    }
}

/// The outcome of a call whose operation was performed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
    Given,
    Lost,
}

impl Answer {
    pub(super) fn give<T>(self, answer: T) -> Result<T, StoreError> {
        match self {
            Self::Given => Ok(answer),
            Self::Lost => Err(StoreError::unavailable("injected loss of the response")),
        }
    }
}
