//! [`World`]: what the service has and has committed, and the source of chance.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Flags by number, with their values.
pub(crate) type Environment = BTreeMap<u32, usize>;

/// The number of flags that may exist.
pub(crate) const FLAGS: u32 = 5;

/// What the service has and has committed. Shared with the transport.
#[derive(Clone, Debug)]
pub(crate) struct World(Arc<Mutex<Inner>>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) rng: fastrand::Rng,
    /// The history of the environment.
    pub(crate) states: Vec<Environment>,
    /// The state that the client was given last.
    pub(crate) committed: Option<usize>,
    /// Whether the service makes no more mistakes.
    pub(crate) is_healthy: bool,
    /// Whether the service speaks the classic protocol only.
    pub(crate) is_classic: bool,
    pub(crate) commits: u64,
    pub(crate) faults: u64,
    pub(crate) log: Vec<String>,
}

impl World {
    pub(crate) fn new(seed: u64, is_classic: bool) -> Self {
        let mut inner = Inner {
            rng: fastrand::Rng::with_seed(seed),
            states: vec![Environment::new()],
            committed: None,
            is_healthy: false,
            is_classic,
            commits: 0,
            faults: 0,
            log: Vec::new(),
        };
        for _ in 0..3 {
            inner.advance();
        }
        Self(Arc::new(Mutex::new(inner)))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Changes the environment, and returns its state. Values are unique in the history, so that a
    /// mixture of two states is recognised.
    pub(crate) fn advance(&mut self) -> usize {
        let mut next = self.states.last().cloned().unwrap_or_default();
        let state = self.states.len();
        // In the classic protocol each changed flag is a state of its own.
        let changes = if self.is_classic {
            1
        } else {
            self.rng.usize(1..=3)
        };
        for _ in 0..changes {
            let flag = self.rng.u32(0..FLAGS);
            if self.rng.u8(0..4) == 0 {
                next.remove(&flag);
            } else {
                next.insert(flag, state);
            }
        }
        self.states.push(next);
        state
    }

    /// The current state.
    pub(crate) fn current(&self) -> usize {
        self.states.len() - 1
    }

    /// Whether something of this rarity goes wrong now.
    pub(crate) fn fails(&mut self, one_in: u32) -> bool {
        let fails = !self.is_healthy && self.rng.u32(0..one_in) == 0;
        self.faults += u64::from(fails);
        fails
    }

    /// Records that the client has received a whole state.
    pub(crate) fn commit(&mut self, state: usize) {
        self.committed = Some(state);
        self.commits += 1;
        self.note(format!("commit of state {state}: {:?}", self.states[state]));
    }

    pub(crate) fn note(&mut self, what: String) {
        self.log.push(what);
    }

    /// The flag as JSON.
    pub(crate) fn flag(flag: u32, value: usize) -> String {
        format!(
            r#"{{"key":"flag-{flag}","version":{value},"on":true,"variations":[{value}],"fallthrough":{{"variation":0}},"salt":""}}"#
        )
    }

    /// What leads from one state to another: the value of each flag, or `None` if it is deleted.
    /// From nothing, everything.
    pub(crate) fn difference(&self, from: Option<usize>, to: usize) -> Vec<(u32, Option<usize>)> {
        let empty = Environment::new();
        let from = from.map_or(&empty, |from| &self.states[from]);
        let to = &self.states[to];
        let changed = (0..FLAGS).filter(|flag| from.get(flag) != to.get(flag));
        changed.map(|flag| (flag, to.get(&flag).copied())).collect()
    }
}
