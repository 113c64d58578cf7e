//! [`Stage`]: how far a migration has come.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::client::FlagValue;
use crate::client::value::sealed::Sealed;
use crate::value::Value;

/// The stage of a migration, the value of a migration flag.
///
/// ```
/// use vexil::migration::Stage;
///
/// assert_eq!("dualwrite".parse(), Ok(Stage::DualWrite));
/// assert!("half-way".parse::<Stage>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the protocol has these six; code that migrates must handle each")]
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
    /// The stage as flags name it.
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
        f.write_str(self.as_str())
    }
}

impl FromStr for Stage {
    type Err = ParseStageError;

    fn from_str(text: &str) -> Result<Self, ParseStageError> {
        let all = [Self::Off, Self::DualWrite, Self::Shadow, Self::Live, Self::RampDown, Self::Complete];
        all.into_iter().find(|stage| stage.as_str() == text).ok_or(ParseStageError)
    }
}

impl Sealed for Stage {}

/// A value that names no stage is of the wrong type.
impl FlagValue for Stage {
    type Output = Self;

    fn read(value: &Value) -> Option<Self> {
        value.as_str()?.parse().ok()
    }

    fn into_default(self) -> Self {
        self
    }

    fn to_value(&self) -> Value {
        self.as_str().into()
    }
}

/// A text names no stage.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("no such migration stage")]
#[non_exhaustive]
pub struct ParseStageError;
