//! The vocabulary of migrations: [`Stage`], [`Operation`], [`Origin`] and [`ExecutionOrder`].

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::text::Text;
use crate::value::Value;

/// The stage of a migration, the value of a migration flag.
///
/// ```
/// use vexil_eval::migration::Stage;
///
/// assert_eq!("dualwrite".parse(), Ok(Stage::DualWrite));
/// assert!("half-way".parse::<Stage>().is_err());
///
/// // In settings of an application, a stage has the same name.
/// assert_eq!(serde_json::from_str::<Stage>("\"rampdown\"")?, Stage::RampDown);
/// assert_eq!(serde_json::to_string(&Stage::RampDown)?, "\"rampdown\"");
/// assert!(serde_json::from_str::<Stage>("\"half-way\"").is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the protocol defines exactly these six stages"
)]
pub enum Stage {
    /// Only the old system is used.
    Off,
    /// Both are written, the old one is read.
    DualWrite,
    /// Both are written and read, the old one decides.
    Shadow,
    /// Both are written and read, the new one decides.
    Live,
    /// Both are written, the new one is read.
    RampDown,
    /// Only the new system is used.
    Complete,
}

impl Stage {
    /// Returns the name of the stage as used in flags.
    ///
    /// ```
    /// use vexil_eval::migration::Stage;
    ///
    /// let log = format!("the migration is in the stage {}", Stage::DualWrite.as_str());
    /// assert_eq!(log, "the migration is in the stage dualwrite");
    /// ```
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::DualWrite => "dualwrite",
            Self::Shadow => "shadow",
            Self::Live => "live",
            Self::RampDown => "rampdown",
            Self::Complete => "complete",
        }
    }
}

impl From<Stage> for Value {
    fn from(stage: Stage) -> Self {
        Self::String(Text::from_static(stage.as_str()))
    }
}

/// An operation on the migrated data.
///
/// ```
/// use vexil_eval::migration::Operation;
///
/// assert_eq!(Operation::Read.as_str(), "read");
/// assert_eq!("write".parse(), Ok(Operation::Write));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the protocol defines exactly these two operations"
)]
pub enum Operation {
    /// Data is read.
    Read,
    /// Data is written.
    Write,
}

impl Operation {
    /// Returns the name of the operation as used in events.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

/// One of the two systems of a migration.
///
/// ```
/// use vexil_eval::migration::Origin;
///
/// assert_eq!(Origin::Old.as_str(), "old");
/// assert_eq!("new".parse(), Ok(Origin::New));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a migration has exactly these two systems"
)]
pub enum Origin {
    /// The system that data is migrated from.
    Old,
    /// The system that data is migrated to.
    New,
}

impl Origin {
    /// Returns the name of the origin as used in events.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Old => "old",
            Self::New => "new",
        }
    }
}

/// The order in which a migration reads its two systems. They are always written sequentially.
///
/// ```
/// use vexil_eval::migration::ExecutionOrder;
///
/// // Settings of an application use the same names.
/// assert_eq!(serde_json::from_str::<ExecutionOrder>("\"serial\"")?, ExecutionOrder::Serial);
/// assert_eq!(ExecutionOrder::default().to_string(), "concurrent");
/// assert!("both".parse::<ExecutionOrder>().is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a migrator calls two systems at once, or one after the other in either order"
)]
pub enum ExecutionOrder {
    /// Both concurrently.
    #[default]
    Concurrent,
    /// Sequentially, the authoritative one first.
    Serial,
    /// Sequentially, in random order.
    Random,
}

impl ExecutionOrder {
    /// Returns the name of the order.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Concurrent => "concurrent",
            Self::Serial => "serial",
            Self::Random => "random",
        }
    }
}

/// Implements the traits that write and read a variant as its name.
macro_rules! by_name {
    ($type:ident, $what:literal, [$($variant:ident),+]) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $type {
            type Err = UnknownName;

            fn from_str(text: &str) -> Result<Self, UnknownName> {
                let mut all = [$(Self::$variant),+].into_iter();
                all.find(|variant| variant.as_str() == text)
                    .ok_or(UnknownName { what: $what })
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Text::deserialize(deserializer)?
                    .parse()
                    .map_err(D::Error::custom)
            }
        }
    };
}

by_name!(
    Stage,
    "stage",
    [Off, DualWrite, Shadow, Live, RampDown, Complete]
);
by_name!(Operation, "operation", [Read, Write]);
by_name!(Origin, "origin", [Old, New]);
by_name!(
    ExecutionOrder,
    "execution order",
    [Concurrent, Serial, Random]
);

/// The text names no stage, operation, origin or execution order.
///
/// ```
/// use vexil_eval::migration::{Operation, Stage};
///
/// let error = "half-way".parse::<Stage>().unwrap_err();
/// assert_eq!(error.to_string(), "no such migration stage");
/// assert_eq!("half-way".parse().unwrap_or(Stage::Off), Stage::Off);
///
/// let error = "delete".parse::<Operation>().unwrap_err();
/// assert_eq!(error.to_string(), "no such migration operation");
/// ```
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("no such migration {what}")]
#[non_exhaustive]
pub struct UnknownName {
    what: &'static str,
}

/// A pair of values, one for each origin.
///
/// ```
/// use vexil_eval::migration::{Origin, PerOrigin};
///
/// let mut latencies = PerOrigin { old: 12, new: 9 };
/// *latencies.of_mut(Origin::Old) += 1;
/// assert_eq!(*latencies.of(Origin::Old), 13);
/// assert_eq!(*latencies.of(Origin::New), 9);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a migration has exactly these two systems"
)]
pub struct PerOrigin<T> {
    /// The value of the old system.
    pub old: T,
    /// The value of the new system.
    pub new: T,
}

impl<T> PerOrigin<T> {
    /// Returns the value of an origin.
    pub fn of(&self, origin: Origin) -> &T {
        match origin {
            Origin::Old => &self.old,
            Origin::New => &self.new,
        }
    }

    /// Returns a mutable reference to the value of an origin.
    pub fn of_mut(&mut self, origin: Origin) -> &mut T {
        match origin {
            Origin::Old => &mut self.old,
            Origin::New => &mut self.new,
        }
    }
}
