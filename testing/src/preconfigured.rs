//! [`Preconfigured`]: flags and segments that are taken as they are, from JSON or ready made.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;

use vexil::model::{DataKind, Flag, Item, ReadError, Segment};

/// A whole flag (`T` is [`Flag`]) or segment (`T` is [`Segment`]): itself, or its JSON as the
/// service writes it, as a
/// [`serde_json::Value`] or as text. JSON must hold the `key`; all else has its defaults.
///
/// Sealed: turn what you have into one of these.
pub trait Preconfigured<T>: sealed::Sealed {
    /// Why it may be unusable. A flag or segment itself never is.
    type Error;

    /// Reads it.
    ///
    /// # Errors
    /// If it is no flag or segment.
    fn into_item(self) -> Result<Item, Self::Error>;
}

mod sealed {
    #[expect(
        unnameable_types,
        reason = "a trait that nobody can name cannot be implemented elsewhere"
    )]
    pub trait Sealed {}
}

/// Implements the trait for one type of items and its JSON.
macro_rules! preconfigured {
    ($item:ty, $kind:expr) => {
        impl sealed::Sealed for $item {}
        impl Preconfigured<Self> for $item {
            type Error = Infallible;

            fn into_item(self) -> Result<Item, Infallible> {
                Ok(self.into())
            }
        }

        impl Preconfigured<$item> for serde_json::Value {
            type Error = PreconfiguredError;

            fn into_item(self) -> Result<Item, PreconfiguredError> {
                read($kind, &self)
            }
        }

        impl Preconfigured<$item> for &str {
            type Error = PreconfiguredError;

            fn into_item(self) -> Result<Item, PreconfiguredError> {
                let json = serde_json::from_str(self)
                    .map_err(|source| PreconfiguredError::NotJson { source })?;
                read($kind, &json)
            }
        }
    };
}
preconfigured!(Flag, DataKind::Flag);
preconfigured!(Segment, DataKind::Segment);

impl sealed::Sealed for serde_json::Value {}
impl sealed::Sealed for &str {}

fn read(kind: DataKind, json: &serde_json::Value) -> Result<Item, PreconfiguredError> {
    let key = json
        .get("key")
        .and_then(serde_json::Value::as_str)
        .filter(|key| !key.is_empty());
    let key = key.ok_or(PreconfiguredError::NoKey { kind })?;
    Item::from_json(kind, key, json.to_string().as_bytes())
        .map_err(|source| PreconfiguredError::Malformed { source })
}

/// Why JSON cannot be used as a flag or segment.
#[derive(Debug)]
#[non_exhaustive]
pub enum PreconfiguredError {
    /// The text is no JSON.
    NotJson {
        /// Where reading ended, and why.
        source: serde_json::Error,
    },
    /// There is no `key`, or it is no string or empty.
    NoKey {
        /// What it was meant to be.
        kind: DataKind,
    },
    /// A property has a value of the wrong type.
    Malformed {
        /// Which item, and what is wrong.
        source: ReadError<serde_json::Error>,
    },
}

impl fmt::Display for PreconfiguredError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson { .. } => f.write_str("the text is not valid JSON"),
            Self::NoKey { kind } => write!(f, "the {kind} has no key"),
            Self::Malformed { .. } => {
                f.write_str("the JSON does not have the form that the service writes")
            }
        }
    }
}

impl Error for PreconfiguredError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::NotJson { source } => Some(source),
            Self::NoKey { .. } => None,
            Self::Malformed { source } => Some(source),
        }
    }
}
