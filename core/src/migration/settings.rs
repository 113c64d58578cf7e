//! Settings of both kinds of migrator.

use thiserror::Error;
use vexil_eval::migration::ExecutionOrder;

#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) read_execution_order: ExecutionOrder,
    pub(super) track_latency: bool,
    pub(super) track_errors: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            read_execution_order: ExecutionOrder::default(),
            track_latency: true,
            track_errors: true,
        }
    }
}

/// The reason why a migrator cannot be built.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum MigratorError {
    /// The read functions are not set.
    #[error("the migrator has no read functions")]
    ReadMissing,
    /// The write functions are not set.
    #[error("the migrator has no write functions")]
    WriteMissing,
}

/// Defines the setters of a builder with the fields `settings` and `compare`.
macro_rules! setters {
    ($found:ident) => {
        /// The order in which the origins are read, in the stages that read both. Default:
        /// concurrently.
        ///
        /// ```
        /// use std::sync::{Arc, Mutex};
        /// use vexil::migration::{ExecutionOrder, Migrator, Stage};
        /// use vexil::{Client, Context};
        ///
        /// # let client = Client::builder("sdk-key").offline(true).start()?;
        /// let calls = Arc::new(Mutex::new(Vec::new()));
        /// let origin = |name: &'static str| {
        ///     let calls = Arc::clone(&calls);
        ///     move |_: &u32| {
        ///         calls.lock().unwrap().push(name);
        ///         Ok::<_, std::io::Error>(())
        ///     }
        /// };
        /// let migrator = Migrator::builder(&client)
        ///     .read(origin("old"), origin("new"))
        ///     .write(origin("old"), origin("new"))
        ///     .read_execution_order(ExecutionOrder::Serial)
        ///     .build()?;
        /// // In the stage `live` the new system is authoritative.
        /// migrator.read("move-db", &Context::new("ada")?, Stage::Live, &7);
        /// assert_eq!(*calls.lock().unwrap(), ["new", "old"]);
        /// # Ok::<(), Box<dyn std::error::Error>>(())
        /// ```
        pub fn read_execution_order(mut self, order: ExecutionOrder) -> Self {
            self.settings.read_execution_order = order;
            self
        }

        /// Whether the latency of each origin is reported. Default: `true`.
        pub fn track_latency(mut self, on: bool) -> Self {
            self.settings.track_latency = on;
            self
        }

        /// Whether errors of each origin are reported. Default: `true`.
        pub fn track_errors(mut self, on: bool) -> Self {
            self.settings.track_errors = on;
            self
        }

        /// Sets a function that returns whether two read results agree; its first argument is the
        /// authoritative result. It is called if both reads succeed, at the flag's check ratio.
        /// Default: results are not compared.
        pub fn compare(
            mut self,
            compare: impl Fn(&$found, &$found) -> bool + Send + Sync + 'static,
        ) -> Self {
            self.compare = Some(Box::new(compare));
            self
        }
    };
}
pub(super) use setters;
