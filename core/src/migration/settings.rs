//! What migrators of both kinds can be told.

use thiserror::Error;

/// In which order the two origins are read, where both are. They are always written one after the
/// other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExecutionOrder {
    /// Both at once.
    #[default]
    Concurrent,
    /// One after the other, the one that decides first.
    Serial,
    /// One after the other, the first one by chance.
    Random,
}

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

/// Why a migrator cannot be made.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum MigratorError {
    /// The migrator was not told how to read.
    #[error("the migrator was not told how to read")]
    ReadMissing,
    /// The migrator was not told how to write.
    #[error("the migrator was not told how to write")]
    WriteMissing,
}

/// The methods of a builder that has `settings`, and a function that compares what was read.
macro_rules! setters {
    ($found:ident) => {
        /// In which order both origins are read, in the stages that read both. Default:
        /// concurrently.
        pub fn read_execution_order(mut self, order: ExecutionOrder) -> Self {
            self.settings.read_execution_order = order;
            self
        }

        /// Whether it is reported how long each origin takes. Default: `true`.
        pub fn track_latency(mut self, on: bool) -> Self {
            self.settings.track_latency = on;
            self
        }

        /// Whether it is reported which origins fail. Default: `true`.
        pub fn track_errors(mut self, on: bool) -> Self {
            self.settings.track_errors = on;
            self
        }

        /// Tells whether two results are the same, the one that decides first; asked when both
        /// origins were read without an error, as often as the flag wants. Default: nothing is
        /// compared.
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
