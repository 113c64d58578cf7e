//! What happens to the database from outside: outages, losses, and the process that fills it in
//! daemon mode.

use std::time::Duration;

use tokio::time::sleep;

use crate::client::Storage;
use crate::store::{Database, Outage, Stored};
use crate::world::{Environment, World};

/// The shortest outage after which data may be missing. A client that writes notices it, because it
/// checks the database every 15 s (STO-9.3).
const NOTICEABLE: u64 = 60_000;

impl World {
    /// Sleeps for a time that is chosen by the database's generator.
    async fn pause(&self, from: u64, to: u64) {
        let pause = self.lock().database.chance.rng.u64(from..to);
        sleep(Duration::from_millis(pause)).await;
    }
}

/// What a database held before the client started.
pub(crate) fn begin(world: &World) {
    let inner = &mut *world.lock();
    let before = inner.states[1].clone();
    let database = &mut inner.database;
    if database.chance.rng.bool() {
        database.replace(&before);
        database.has_marker = database.chance.rng.u8(0..3) > 0;
        lose(database, &before, &[Loss::Corrupt]);
    }
}

/// What a database can lose.
#[derive(Clone, Copy, Debug)]
enum Loss {
    Nothing,
    Everything,
    Marker,
    /// One item is missing.
    Item,
    /// One item cannot be read.
    Corrupt,
    /// Everything that was written lately.
    Latest,
}

/// Loses one of these. `older` is what the database held earlier.
fn lose(database: &mut Database, older: &Environment, losses: &[Loss]) {
    let Some(loss) = database.chance.rng.choice(losses.iter().copied()) else {
        return;
    };
    database.chance.faults += 1;
    match loss {
        Loss::Nothing => {}
        Loss::Everything => database.clear(),
        Loss::Marker => database.has_marker = false,
        Loss::Item => {
            if let Some(flag) = database.any() {
                database.items.remove(&flag);
            }
        }
        Loss::Corrupt => {
            if let Some(flag) = database.any() {
                database.put(flag, Stored::Corrupt);
            }
        }
        Loss::Latest => database.replace(older),
    }
}

/// Outages and losses, until everything is healthy.
pub(crate) async fn outages(world: World, storage: Storage) {
    let mut older = Environment::new();
    loop {
        world.pause(5_000, 200_000).await;
        if world.lock().database.chance.is_healthy {
            return;
        }
        let outage = {
            let database = &mut world.lock().database;
            database.chance.faults += 1;
            database.outage = match database.chance.rng.u8(0..6) {
                0 | 1 => Some(Outage::Down),
                2 => Some(Outage::Silent),
                3 => Some(Outage::ReadOnly),
                4 => Some(Outage::Full),
                _ => None,
            };
            database.outage
        };
        world
            .lock()
            .note(|| format!("outage of the database: {outage:?}"));
        let losses: &[Loss] = match outage {
            // The database fails over, or comes back empty.
            Some(Outage::Down | Outage::Silent) => {
                world.pause(NOTICEABLE, 200_000).await;
                &[Loss::Nothing, Loss::Everything, Loss::Latest]
            }
            Some(_) => {
                world.pause(1_000, 200_000).await;
                &[]
            }
            None => storage.silent_losses(),
        };
        let mut inner = world.lock();
        if inner.database.chance.is_healthy {
            return;
        }
        inner.database.outage = None;
        lose(&mut inner.database, &older, losses);
        inner.note(|| "end of the outage".to_owned());
        older = inner.database.environment();
    }
}

impl Storage {
    /// The losses that the client repairs, or survives, if they are not announced by an error.
    fn silent_losses(self) -> &'static [Loss] {
        match self {
            Self::Memory => &[Loss::Nothing],
            Self::Behind { reconciles: false } | Self::HandOver(_) | Self::Cached(_) => {
                &[Loss::Everything, Loss::Marker]
            }
            Self::Behind { reconciles: true } => {
                &[Loss::Everything, Loss::Marker, Loss::Item, Loss::Corrupt]
            }
            Self::ReadOnly(_) | Self::Daemon | Self::CachedDaemon(_) => &[
                Loss::Everything,
                Loss::Marker,
                Loss::Item,
                Loss::Corrupt,
                Loss::Latest,
            ],
        }
    }
}

/// Another process that fills the database.
pub(crate) async fn writer(world: World) {
    loop {
        world.pause(100, 60_000).await;
        let is_slow = {
            let mut inner = world.lock();
            if inner.database.chance.is_healthy {
                return;
            }
            let before = inner.states.last().cloned().unwrap_or_default();
            let state = inner.advance();
            let after = inner.states[state].clone();
            let database = &mut inner.database;
            let way = database.chance.rng.u8(0..6);
            match way {
                0 => database.clear(),
                1 => database.replace(&after),
                // A Relay Proxy that has not noticed a loss writes patches only.
                _ => {
                    for (flag, value) in &after {
                        if before.get(flag) != Some(value) {
                            database.put(*flag, Stored::Flag(*value));
                        }
                    }
                    for flag in before.keys().filter(|flag| !after.contains_key(flag)) {
                        database.put(*flag, Stored::Tombstone(state));
                    }
                }
            }
            way == 0
        };
        if is_slow {
            // A writer that replaces everything, and not at once.
            world.pause(10, 5_000).await;
            let mut inner = world.lock();
            let latest = inner.states.last().cloned().unwrap_or_default();
            inner.database.replace(&latest);
        }
    }
}
