//! [`StoreCalls`]: how often a store was called, and what goes wrong when it is.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use vexil::store::StoreError;

use crate::observed::Observed;

/// The methods of stores that faults can be in.
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
    /// `close` of both
    Close,
}

/// What goes wrong when a method is called. [`StoreMethod::Close`] can give no error: there, only
/// delays, hanging and panics are faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreFault {
    /// Nothing is done, and the error is [`StoreError::Unavailable`].
    Fail,
    /// Nothing is done, and the error is [`StoreError::Auth`].
    Refuse,
    /// Nothing is done, and the error is [`StoreError::Timeout`].
    TimeOut,
    /// It is done, and the error is [`StoreError::Unavailable`]: the answer was lost.
    LoseAnswer,
    /// It is done, but so much later, by Tokio's clock.
    Delay(Duration),
    /// It is done when the store's faults are next changed, and not before.
    Hang,
    /// The method panics.
    Panic,
}

/// The calls of one store: they are counted, and can be made to go wrong.
#[derive(Debug)]
pub struct StoreCalls(Observed<State>);

#[derive(Debug, Default)]
struct State {
    faults: HashMap<StoreMethod, StoreFault>,
    /// For the next calls, before `faults`.
    next: HashMap<StoreMethod, VecDeque<StoreFault>>,
    all: Option<StoreFault>,
    /// How often faults were changed: what hangs waits for the next time.
    changes: u64,
    counts: HashMap<StoreMethod, u64>,
}

impl StoreCalls {
    pub(super) fn new() -> Self {
        Self(Observed::new(State::default()))
    }

    /// From now on, this goes wrong whenever the method is called.
    pub fn fault(&self, method: StoreMethod, fault: StoreFault) {
        self.change(|state| state.faults.extend([(method, fault)]));
    }

    /// This goes wrong the next time the method is called. Several wait for their turn.
    pub fn fault_next(&self, method: StoreMethod, fault: StoreFault) {
        self.change(|state| state.next.entry(method).or_default().push_back(fault));
    }

    /// From now on, this goes wrong whenever any method is called that has no fault of its own.
    pub fn fault_all(&self, fault: StoreFault) {
        self.change(|state| state.all = Some(fault));
    }

    /// Ends all faults. What hangs goes on.
    pub fn heal(&self) {
        self.change(|state| {
            state.faults.clear();
            state.next.clear();
            state.all = None;
        });
    }

    /// How often a method was called, with or without success.
    #[must_use]
    pub fn count(&self, method: StoreMethod) -> u64 {
        self.0.look(|state| state.count(method))
    }

    /// Waits until a method was called so often, since the store was made. There is no end to this:
    /// a test gives it a limit.
    pub async fn reached(&self, method: StoreMethod, count: u64) {
        self.0
            .until(|state| (state.count(method) >= count).then_some(()))
            .await;
    }

    /// Counts a call and has its fault happen. With `Ok`, the deed is done next; then [`Answer::give`].
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
            Some(StoreFault::Refuse) => return Err(StoreError::auth("the test has it refused")),
            Some(StoreFault::TimeOut) => return Err(StoreError::Timeout),
            Some(StoreFault::LoseAnswer) => return Ok(Answer::Lost),
            Some(StoreFault::Delay(time)) => tokio::time::sleep(time).await,
            Some(StoreFault::Hang) => {
                self.0
                    .until(|state| (state.changes != now).then_some(()))
                    .await
            }
            #[expect(clippy::panic, reason = "it is what the test has asked for")]
            Some(StoreFault::Panic) => panic!("the test has the store panic"),
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

/// What becomes of the answer to a call whose deed is done.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
    Given,
    Lost,
}

impl Answer {
    pub(super) fn give<T>(self, answer: T) -> Result<T, StoreError> {
        match self {
            Self::Given => Ok(answer),
            Self::Lost => Err(StoreError::unavailable("the test has the answer lost")),
        }
    }
}
