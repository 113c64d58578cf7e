//! [`Store`]: a persistent store over a [`Database`] that fails in every way.

use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use vexil::model::DataKind;
use vexil::store::{
    Collection, PersistentDataStore, StoreError, StoredDataSet, StoredItem, WriteOutcome,
};
use vexil::{Text, async_trait};

use crate::world::{Chance, Defect, Environment, Inner, World};

/// A database of flags.
#[derive(Debug)]
pub(crate) struct Database {
    /// What goes wrong here.
    pub(crate) chance: Chance,
    pub(crate) items: Items,
    /// Whether the marker of a complete data set is there.
    pub(crate) has_marker: bool,
    /// What fails until further notice.
    pub(crate) outage: Option<Outage>,
    /// When a call has failed last, or was not answered.
    pub(crate) last_failure: Option<Instant>,
    /// The values that it has ever held.
    pub(crate) held: BTreeSet<(u32, usize)>,
    /// What the client has read as a whole, with its time and whether the marker was there.
    pub(crate) reads: Vec<Read>,
    pub(crate) writes: u64,
}

/// Stored items by flag.
pub(crate) type Items = BTreeMap<u32, Stored>;

/// A stored item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stored {
    Flag(usize),
    Tombstone(usize),
    /// Not JSON.
    Corrupt,
}

/// A read of everything.
#[derive(Clone, Debug)]
pub(crate) struct Read {
    pub(crate) at: Instant,
    pub(crate) items: Items,
    pub(crate) has_marker: bool,
}

/// A lasting failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outage {
    /// Every call fails.
    Down,
    /// No call is answered.
    Silent,
    /// Writes are refused, because the database is read-only.
    ReadOnly,
    /// Writes fail, because the database is full.
    Full,
}

impl Stored {
    fn version(&self) -> usize {
        match self {
            Self::Flag(version) | Self::Tombstone(version) => *version,
            Self::Corrupt => 0,
        }
    }

    fn encode(&self, flag: u32) -> StoredItem {
        StoredItem::new(match self {
            Self::Flag(value) => Inner::flag(flag, *value),
            Self::Tombstone(version) => format!(r#"{{"version":{version},"deleted":true}}"#),
            Self::Corrupt => "{corrupt".to_owned(),
        })
    }

    /// What a client writes. An item that differs from the one that the service sent is corrupt.
    fn decode(flag: u32, item: &StoredItem) -> Self {
        let version = usize::try_from(item.version.unwrap()).unwrap();
        if item.deleted == Some(true) {
            return Self::Tombstone(version);
        }
        let sent = Inner::flag(flag, version);
        // Neutral defaults may follow (STO-1.2).
        let is_whole = item.body.starts_with(&sent.as_bytes()[..sent.len() - 1]);
        if is_whole {
            Self::Flag(version)
        } else {
            Self::Corrupt
        }
    }
}

impl Read {
    /// The flags that can be used.
    pub(crate) fn environment(&self) -> Environment {
        environment(&self.items)
    }
}

fn environment(items: &Items) -> Environment {
    let flag = |(flag, stored): (&u32, &Stored)| match stored {
        Stored::Flag(value) => Some((*flag, *value)),
        Stored::Tombstone(_) | Stored::Corrupt => None,
    };
    items.iter().filter_map(flag).collect()
}

impl Database {
    pub(crate) fn new(chance: Chance) -> Self {
        Self {
            chance,
            items: Items::new(),
            has_marker: false,
            outage: None,
            last_failure: None,
            held: BTreeSet::new(),
            reads: Vec::new(),
            writes: 0,
        }
    }

    /// The flags that can be used.
    pub(crate) fn environment(&self) -> Environment {
        environment(&self.items)
    }

    /// Whether it holds exactly this, and the marker.
    pub(crate) fn holds(&self, environment: &Environment) -> bool {
        let is_readable = !self.items.values().any(|item| *item == Stored::Corrupt);
        self.has_marker && is_readable && self.environment() == *environment
    }

    pub(crate) fn heal(&mut self) {
        (self.chance.is_healthy, self.outage) = (true, None);
    }

    pub(crate) fn put(&mut self, flag: u32, item: Stored) {
        if let Stored::Flag(value) = item {
            self.held.insert((flag, value));
        }
        self.items.insert(flag, item);
    }

    /// Replaces everything, with the marker.
    pub(crate) fn replace(&mut self, environment: &Environment) {
        self.items.clear();
        for (flag, value) in environment {
            self.put(*flag, Stored::Flag(*value));
        }
        self.has_marker = true;
    }

    pub(crate) fn clear(&mut self) {
        self.items.clear();
        self.has_marker = false;
    }

    /// Any flag that is stored.
    pub(crate) fn any(&mut self) -> Option<u32> {
        let flags: Vec<u32> = self.items.keys().copied().collect();
        self.chance.rng.choice(flags)
    }

    fn fail(&mut self) {
        self.last_failure = Some(Instant::now());
    }
}

/// What becomes of a call that has reached the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Works,
    /// A write is done to one half, and the call fails.
    HalfDone,
    /// The call has its effect and fails.
    AnswerLost,
    /// The call has its effect and is not answered.
    Silent,
}

/// The store of a client, which fails as chance decides.
#[derive(Clone, Debug)]
pub(crate) struct Store(pub(crate) World);

impl Store {
    /// Waits for the database to begin with a call.
    async fn begin(&self, is_write: bool) -> Result<Fate, StoreError> {
        let delay = {
            let database = &mut self.0.lock().database;
            let longest = if database.chance.fails(12) {
                12_000
            } else {
                20
            };
            // A call that is slow may count as failed.
            if longest > 20 {
                database.fail();
            }
            database.chance.rng.u64(0..longest)
        };
        sleep(Duration::from_millis(delay)).await;
        let fails = {
            let database = &mut self.0.lock().database;
            let fails = match database.outage {
                Some(Outage::Down) => Some(Ok(StoreError::unavailable("connection refused"))),
                Some(Outage::Silent) => Some(Err(())),
                Some(Outage::ReadOnly) if is_write => Some(Ok(StoreError::ReadOnly)),
                Some(Outage::Full) if is_write => {
                    Some(Ok(StoreError::unavailable("out of memory")))
                }
                _ if database.chance.fails(20) => Some(match database.chance.rng.u8(0..4) {
                    0 => Ok(StoreError::auth("wrong password")),
                    1 => Err(()),
                    _ => Ok(StoreError::unavailable("connection reset")),
                }),
                _ => None,
            };
            if fails.is_some() {
                database.fail();
            }
            fails
        };
        match fails {
            Some(Ok(error)) => return Err(error),
            Some(Err(())) => pending().await,
            None => {}
        }
        let database = &mut self.0.lock().database;
        if !database.chance.fails(20) {
            return Ok(Fate::Works);
        }
        database.fail();
        Ok(match database.chance.rng.u8(0..3) {
            0 => Fate::HalfDone,
            1 => Fate::AnswerLost,
            _ => Fate::Silent,
        })
    }

    async fn answer<T>(&self, fate: Fate, answer: T) -> Result<T, StoreError> {
        match fate {
            Fate::Works => Ok(answer),
            Fate::HalfDone | Fate::AnswerLost => Err(StoreError::unavailable("connection reset")),
            Fate::Silent => pending().await,
        }
    }

    /// A call that reads.
    async fn read<T>(&self, read: impl FnOnce(&mut Database) -> T) -> Result<T, StoreError> {
        let fate = self.begin(false).await?;
        let answer = (fate == Fate::Works).then(|| read(&mut self.0.lock().database));
        match answer {
            Some(answer) => Ok(answer),
            None if fate == Fate::Silent => pending().await,
            None => Err(StoreError::unavailable("connection reset")),
        }
    }
}

/// The flag of a key.
fn flag(key: &str) -> Option<u32> {
    key.strip_prefix("flag-")?.parse().ok()
}

fn encoded(items: &Items) -> Vec<(Text, StoredItem)> {
    let one =
        |(flag, stored): (&u32, &Stored)| (format!("flag-{flag}").into(), stored.encode(*flag));
    items.iter().map(one).collect()
}

#[async_trait]
impl PersistentDataStore for Store {
    async fn get(&self, kind: DataKind, key: &str) -> Result<Option<StoredItem>, StoreError> {
        let flag = flag(key).filter(|_| kind == DataKind::Flag);
        self.read(|database| {
            let flag = flag?;
            database.items.get(&flag).map(|stored| stored.encode(flag))
        })
        .await
    }

    async fn get_all(&self, kind: DataKind) -> Result<Vec<(Text, StoredItem)>, StoreError> {
        self.read(|database| match kind {
            DataKind::Flag => encoded(&database.items),
            _ => Vec::new(),
        })
        .await
    }

    async fn is_initialized(&self) -> Result<bool, StoreError> {
        self.read(|database| database.has_marker).await
    }

    async fn init(&self, data: &[Collection]) -> Result<(), StoreError> {
        let fate = self.begin(true).await?;
        {
            let mut world = self.0.lock();
            let is_lost = world.defect == Some(Defect::LostWrite);
            let database = &mut world.database;
            database.writes += 1;
            let items = data.iter().filter(|one| one.kind == DataKind::Flag);
            let items: Vec<_> = items.flat_map(|one| &one.items).collect();
            if fate == Fate::HalfDone {
                for (key, item) in &items[..items.len() / 2] {
                    let flag = flag(key).unwrap();
                    database.put(flag, Stored::decode(flag, item));
                }
            } else if !is_lost {
                database.items.clear();
                for (key, item) in items {
                    let flag = flag(key).unwrap();
                    database.put(flag, Stored::decode(flag, item));
                }
                database.has_marker = true;
            }
            world.note(|| format!("init of the database: {fate:?}"));
        }
        self.answer(fate, ()).await
    }

    async fn upsert(
        &self,
        _: DataKind,
        key: &str,
        item: &StoredItem,
    ) -> Result<WriteOutcome, StoreError> {
        let fate = self.begin(true).await?;
        let outcome = {
            let mut world = self.0.lock();
            let is_lost = world.has(Defect::LostWrite);
            let database = &mut world.database;
            database.writes += 1;
            let flag = flag(key).unwrap();
            let new = Stored::decode(flag, item);
            let stored = database.items.get(&flag);
            let newer = stored.filter(|stored| stored.version() >= new.version());
            let outcome = match newer {
                Some(stored) => WriteOutcome::Superseded(Some(stored.encode(flag))),
                None => WriteOutcome::Written,
            };
            if outcome == WriteOutcome::Written && fate != Fate::HalfDone && !is_lost {
                database.put(flag, new);
            }
            world.note(|| format!("upsert of flag {flag}: {outcome:?}, {fate:?}"));
            outcome
        };
        self.answer(fate, outcome).await
    }

    async fn snapshot(&self) -> Result<StoredDataSet, StoreError> {
        self.read(|database| {
            let read = Read {
                at: Instant::now(),
                items: database.items.clone(),
                has_marker: database.has_marker,
            };
            let flags = Collection::new(DataKind::Flag, encoded(&read.items));
            let snapshot = StoredDataSet::new(vec![flags], read.has_marker);
            database.reads.push(read);
            snapshot
        })
        .await
    }
}
