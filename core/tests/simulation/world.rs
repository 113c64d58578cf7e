//! [`World`]: what exists outside the client, and what of it the client has received.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::events::Ledger;
use crate::model::Observed;
use crate::store::Database;

/// Flags by number, with their values.
pub(crate) type Environment = BTreeMap<u32, usize>;

/// The number of flags that may exist.
pub(crate) const FLAGS: u32 = 5;

/// A defect of one of the parts, which the model must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defect {
    /// The transport alters a value.
    AlteredPayload,
    /// The store reports success, but loses all full writes and some writes of items.
    LostWrite,
    /// Events are dropped before they are sent, and count as accepted.
    LostEvents,
    /// A flag change is not announced.
    LostAnnouncement,
}

/// What exists outside the client. Shared by the service, the database and the model.
#[derive(Clone, Debug)]
pub(crate) struct World(Arc<Mutex<Inner>>);

#[derive(Debug)]
pub(crate) struct Inner {
    /// What goes wrong at the service.
    pub(crate) chance: Chance,
    /// The history of the environment.
    pub(crate) states: Vec<Environment>,
    /// Whether the environment changes no more. What the database has lost then comes back only if
    /// the client writes or requests it.
    is_quiet: bool,
    /// The state that the client has received last.
    pub(crate) committed: Option<usize>,
    /// How many states the client has received.
    pub(crate) commits: u64,
    /// Whether each change of a flag is a state of its own, as in the classic protocol.
    pub(crate) is_classic: bool,
    /// Whether versions are compared, as databases do. The second protocol does not compare them.
    pub(crate) compares_versions: bool,
    pub(crate) database: Database,
    pub(crate) ledger: Ledger,
    /// What the client has announced.
    pub(crate) observed: Observed,
    pub(crate) defect: Option<Defect>,
    /// What happened. `None` unless it is to be printed.
    log: Option<Vec<String>>,
}

impl World {
    pub(crate) fn new(seed: u64, defect: Option<Defect>, is_logged: bool) -> Self {
        // Each part draws from a generator of its own, so that the order in which parts run at the
        // same instant does not matter.
        let inner = Inner {
            chance: Chance::new(seed, 0),
            states: vec![Environment::new()],
            is_quiet: false,
            committed: None,
            commits: 0,
            is_classic: false,
            compares_versions: false,
            database: Database::new(Chance::new(seed, 1)),
            ledger: Ledger::new(Chance::new(seed, 2)),
            observed: Observed::default(),
            defect,
            log: is_logged.then(Vec::new),
        };
        Self(Arc::new(Mutex::new(inner)))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Changes the environment, and returns its state, unless it is quiet. Values are unique in the history, so that a
    /// mixture of two states is recognised.
    pub(crate) fn advance(&mut self) -> usize {
        if self.is_quiet {
            return self.current();
        }
        let mut next = self.states.last().cloned().unwrap_or_default();
        let state = self.states.len();
        let changes = if self.is_classic {
            1
        } else {
            self.chance.rng.usize(1..=3)
        };
        for _ in 0..changes {
            let flag = self.chance.rng.u32(0..FLAGS);
            if self.chance.rng.u8(0..4) == 0 {
                next.remove(&flag);
            } else {
                next.insert(flag, state);
            }
        }
        // An environment may be empty. In the classic protocol that would be several changes.
        if !self.is_classic && self.chance.rng.u8(0..20) == 0 {
            next.clear();
        }
        self.states.push(next);
        state
    }

    /// The current state.
    pub(crate) fn current(&self) -> usize {
        self.states.len() - 1
    }

    /// The data of the state that the client has received last.
    pub(crate) fn received(&self) -> Option<&Environment> {
        self.committed.map(|state| &self.states[state])
    }

    /// Ends all faults, and often all changes.
    pub(crate) fn heal(&mut self) {
        self.is_quiet = self.chance.rng.bool();
        self.chance.is_healthy = true;
        self.database.heal();
        self.ledger.chance.is_healthy = true;
        self.note(|| "everything is healthy".to_owned());
    }

    /// Whether something of this rarity goes wrong at the service now.
    pub(crate) fn fails(&mut self, one_in: u32) -> bool {
        self.chance.fails(one_in)
    }

    /// Whether a part with this defect fails now.
    pub(crate) fn has(&mut self, defect: Defect) -> bool {
        self.defect == Some(defect) && self.chance.rng.u8(0..10) == 0
    }

    /// Records that the client has received a whole state.
    pub(crate) fn commit(&mut self, state: usize) {
        for (flag, _) in self.difference(self.committed, state) {
            *self.observed.changes.entry(flag).or_default() += 1;
        }
        self.committed = Some(state);
        self.commits += 1;
        self.note_with(|world| format!("commit of state {state}: {:?}", world.states[state]));
    }

    pub(crate) fn note(&mut self, what: impl FnOnce() -> String) {
        self.note_with(|_| what());
    }

    fn note_with(&mut self, what: impl FnOnce(&Self) -> String) {
        if self.log.is_some() {
            let line = what(self);
            self.log.get_or_insert_default().push(line);
        }
    }

    pub(crate) fn log(&self) -> &[String] {
        self.log.as_deref().unwrap_or_default()
    }

    /// The flag as JSON.
    pub(crate) fn flag(flag: u32, value: usize) -> String {
        format!(
            r#"{{"key":"flag-{flag}","version":{value},"on":true,"variations":[{value}],"fallthrough":{{"variation":0}},"salt":""}}"#
        )
    }

    /// The flag as the service sends it.
    pub(crate) fn sent_flag(&mut self, flag: u32, value: usize) -> String {
        let is_altered = self.has(Defect::AlteredPayload);
        Self::flag(flag, value + usize::from(is_altered))
    }

    /// The version of a delete in the second protocol.
    pub(crate) fn delete_version(&self, state: usize) -> usize {
        if self.compares_versions { state } else { 1 }
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

/// What goes wrong in one part of the world.
#[derive(Debug)]
pub(crate) struct Chance {
    pub(crate) rng: fastrand::Rng,
    /// Whether nothing goes wrong any more.
    pub(crate) is_healthy: bool,
    pub(crate) faults: u64,
}

impl Chance {
    pub(crate) fn new(seed: u64, part: u64) -> Self {
        Self {
            rng: fastrand::Rng::with_seed(seed.wrapping_mul(4).wrapping_add(part)),
            is_healthy: false,
            faults: 0,
        }
    }

    /// Whether something of this rarity goes wrong now.
    pub(crate) fn fails(&mut self, one_in: u32) -> bool {
        let fails = !self.is_healthy && self.rng.u32(0..one_in) == 0;
        self.faults += u64::from(fails);
        fails
    }
}
