//! [`Preconfigured`]: complete flags and segments, as JSON or as values.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;

use vexil::model::{DataKind, Flag, Item, ReadError, Segment};

/// A complete flag (`T` is [`Flag`]) or segment (`T` is [`Segment`]): the value itself, or the
/// service's JSON as a [`serde_json::Value`] or text. JSON must contain the `key`; all other
/// properties have defaults.
///
/// This trait is sealed.
///
/// ```
/// use vexil::model::Flag;
/// use vexil_testing::{FlagBuilder, TestData};
///
/// let flags = TestData::new();
/// let text = r#"{"key": "banner", "variations": ["hello"], "offVariation": 0}"#;
/// flags.use_preconfigured_flag(text)?;
/// flags.use_preconfigured_flag(serde_json::json!({"key": "theme", "variations": ["light"]}))?;
/// let Ok(_) = flags.use_preconfigured_flag(FlagBuilder::new("beta").build());
/// # Ok::<(), vexil_testing::PreconfiguredError>(())
/// ```
pub trait Preconfigured<T>: sealed::Sealed {
    /// The error of the conversion. Converting a flag or segment value cannot fail.
    type Error;

    /// Converts it into an item.
    ///
    /// # Errors
    /// Returns an error if it is not a valid flag or segment.
    fn into_item(self) -> Result<Item, Self::Error>;
}

mod sealed {
    #[expect(
        unnameable_types,
        reason = "seals the trait: other crates cannot name this one"
    )]
    pub trait Sealed {}
}

/// Implements the trait for one item type and its JSON.
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

/// An error of reading JSON as a flag or segment.
///
/// ```
/// use vexil_testing::{PreconfiguredError, TestData};
///
/// let flags = TestData::new();
/// let error = |text: &str| flags.use_preconfigured_flag(text).unwrap_err();
/// assert!(matches!(error("{"), PreconfiguredError::NotJson { .. }));
/// assert_eq!(error("{}").to_string(), "the flag has no key");
/// let wrong = error(r#"{"key": "banner", "on": "yes"}"#);
/// assert!(matches!(wrong, PreconfiguredError::Malformed { .. }));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum PreconfiguredError {
    /// The text is not valid JSON.
    NotJson {
        /// The parse error, with its position.
        source: serde_json::Error,
    },
    /// The `key` is missing, empty or not a string.
    NoKey {
        /// The expected kind of item.
        kind: DataKind,
    },
    /// A property has a value of the wrong type.
    Malformed {
        /// The item and its error.
        source: ReadError<serde_json::Error>,
    },
}

impl fmt::Display for PreconfiguredError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson { .. } => f.write_str("the text is not valid JSON"),
            Self::NoKey { kind } => write!(f, "the {kind} has no key"),
            Self::Malformed { .. } => {
                f.write_str("the JSON does not have the format of the service")
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
