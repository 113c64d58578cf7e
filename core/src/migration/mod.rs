//! Migrations from one system to another, controlled by a flag.
//!
//! A flag determines the stage of a migration for each context. A [`Migrator`] (or, for async
//! functions, an [`AsyncMigrator`]) reads and writes accordingly, and reports how often the results
//! of the two systems agree, their errors and their latency:
//!
//! | stage | read | result | write, in this order | result |
//! | --- | --- | --- | --- | --- |
//! | `off` | old | old | old | old |
//! | `dualwrite` | old | old | old, new | old |
//! | `shadow` | old and new | old | old, new | old |
//! | `live` | old and new | new | new, old | new |
//! | `rampdown` | new | new | new, old | new |
//! | `complete` | new | new | new | new |
//!
//! A program that does its own reading and writing gets the stage with
//! [`Client::migration_variation`](crate::Client::migration_variation), and reports with the
//! [`MigrationOpTracker`] that this method returns.
//!
//! ```
//! use std::collections::HashMap;
//! use std::sync::{Arc, Mutex};
//! use vexil::migration::{ExecutionOrder, Migrator, Stage};
//! use vexil::{Client, Context};
//!
//! type Shelf = Arc<Mutex<HashMap<String, String>>>;
//! fn read(shelf: &Shelf) -> impl Fn(&str) -> Result<Option<String>, std::io::Error> + use<> {
//!     let shelf = Arc::clone(shelf);
//!     move |key| Ok(shelf.lock().unwrap().get(key).cloned())
//! }
//! fn write(shelf: &Shelf) -> impl Fn(&(&str, &str)) -> Result<(), std::io::Error> + use<> {
//!     let shelf = Arc::clone(shelf);
//!     move |(key, value)| Ok(drop(shelf.lock().unwrap().insert((*key).into(), (*value).into())))
//! }
//!
//! let client = Client::builder("sdk-key").offline(true).start()?;
//! let (old, new) = (Shelf::default(), Shelf::default());
//! let migrator = Migrator::builder(&client)
//!     .read(read(&old), read(&new))
//!     .compare(|authoritative, other| authoritative == other)
//!     .write(write(&old), write(&new))
//!     .read_execution_order(ExecutionOrder::Serial)
//!     .build()?;
//!
//! let ada = Context::new("ada")?;
//! migrator.write("move-shelves", &ada, Stage::DualWrite, &("emma", "Austen")).authoritative.result?;
//! assert_eq!(new.lock().unwrap()["emma"], "Austen");
//! let found = migrator.read("move-shelves", &ada, Stage::Shadow, "emma").result?;
//! assert_eq!(found.as_deref(), Some("Austen"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod async_migrator;
mod migrator;
mod operation;
mod settings;
mod tracker;
mod variation;

pub use async_migrator::{AsyncMigrator, AsyncMigratorBuilder};
pub use migrator::{Migrator, MigratorBuilder};
pub use operation::{OperationResult, OriginError, WriteResult};
pub use settings::MigratorError;
pub use tracker::{MigrationOpTracker, TrackerError};

pub use crate::events::MigrationOpEvent;
pub use vexil_eval::migration::{ExecutionOrder, Operation, Origin, PerOrigin, Stage, UnknownName};
