//! The vocabulary of migrations: [`Stage`], [`Operation`] and [`Origin`].

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

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Stage {
    type Err = ParseStageError;

    fn from_str(text: &str) -> Result<Self, ParseStageError> {
        let all = [
            Self::Off,
            Self::DualWrite,
            Self::Shadow,
            Self::Live,
            Self::RampDown,
            Self::Complete,
        ];
        all.into_iter()
            .find(|stage| stage.as_str() == text)
            .ok_or(ParseStageError)
    }
}

impl Serialize for Stage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Stage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Text::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

impl From<Stage> for Value {
    fn from(stage: Stage) -> Self {
        Self::String(Text::from_static(stage.as_str()))
    }
}

/// The text is not the name of a migration stage.
///
/// ```
/// use vexil_eval::migration::Stage;
///
/// let error = "half-way".parse::<Stage>().unwrap_err();
/// assert_eq!(error.to_string(), "no such migration stage");
/// assert_eq!("half-way".parse().unwrap_or(Stage::Off), Stage::Off);
/// ```
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("no such migration stage")]
#[non_exhaustive]
pub struct ParseStageError;

/// An operation on the migrated data.
///
/// ```
/// use vexil_eval::migration::Operation;
///
/// assert_eq!(Operation::Read.as_str(), "read");
/// assert_eq!(Operation::Write.to_string(), "write");
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
/// assert_eq!(Origin::New.to_string(), "new");
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

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
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
