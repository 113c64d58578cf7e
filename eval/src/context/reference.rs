//! [`Reference`]: the address of an attribute, or of a value inside one.
//!
//! The syntax resembles a subset of JSON Pointer. A string that does not start with `/` is a plain
//! name without special characters. One that does is a path of names, in which `~1` means `/` and
//! `~0` means `~`. Array elements cannot be addressed. An invalid reference is kept together with
//! its error, because flag data may contain one and must still be readable; it never finds a value,
//! and a clause that uses it is malformed.

use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use super::name::{Attribute, BuiltIn};
use crate::text::Text;
use crate::value::Value;

/// The address of a context attribute, or of a value nested in one.
///
/// ```
/// use vexil_eval::Reference;
///
/// assert_eq!(Reference::new("/address/city").components(), ["address", "city"]);
/// assert_eq!(Reference::new("a/b").components(), ["a/b"]);
/// assert_eq!(Reference::literal("/a/b").as_str(), "/~1a~1b");
/// assert!(Reference::new("//").error().is_some());
///
/// // A list of private attributes in the settings of an application:
/// let private: Vec<Reference> = serde_json::from_str(r#"["email", "/address/city"]"#)?;
/// assert_eq!(private, [Reference::new("email"), Reference::new("/address/city")]);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Reference {
    text: Text,
    meaning: Meaning,
}

#[derive(Clone, Debug)]
enum Meaning {
    /// The text is an attribute name.
    Name(Attribute),
    /// Boxed, because most references are names and flags contain many of them.
    Path(Box<Path>),
    Invalid(ReferenceError),
}

/// A parsed path.
#[derive(Clone, Debug)]
struct Path {
    /// The first name, classified.
    first: Attribute,
    names: Box<[Text]>,
}

impl Reference {
    /// Parses a reference. A string that does not start with `/` is a plain name; one that does is
    /// a path of names, in which `~1` means `/` and `~0` means `~`. Never fails: an invalid
    /// reference reports [`Reference::error`].
    ///
    /// ```
    /// use vexil_eval::Reference;
    ///
    /// assert_eq!(Reference::new("/a~1b/c").components(), ["a/b", "c"]);
    /// assert!(Reference::new("/a//c").error().is_some());
    /// ```
    #[must_use]
    pub fn new(text: impl Into<Text>) -> Self {
        let text = text.into();
        let meaning = match text.as_str() {
            "" | "/" => Meaning::Invalid(ReferenceError::Empty),
            path if path.starts_with('/') => {
                let names: Result<_, _> = path.split('/').skip(1).map(unescape).collect();
                names.map_or_else(Meaning::Invalid, Meaning::path)
            }
            name => Meaning::Name(Attribute::named(name)),
        };
        Self { text, meaning }
    }

    /// Returns a reference to the attribute `name`, taken literally whatever it contains.
    ///
    /// ```
    /// use vexil_eval::{Reference, ReferenceError};
    ///
    /// assert_eq!(Reference::literal("/a").components(), ["/a"]);
    /// assert_eq!(Reference::literal("").error(), Some(ReferenceError::Empty));
    /// ```
    #[must_use]
    pub fn literal(name: impl Into<Text>) -> Self {
        let name = name.into();
        if name.is_empty() {
            return Self {
                text: name,
                meaning: Meaning::Invalid(ReferenceError::Empty),
            };
        }
        if !name.starts_with('/') {
            return Self {
                meaning: Meaning::Name(Attribute::named(&name)),
                text: name,
            };
        }
        let text = Text::from(format!("/{}", name.replace('~', "~0").replace('/', "~1")));
        Self {
            text,
            meaning: Meaning::path(Box::new([name])),
        }
    }

    /// Returns the value at the reference unless it is null. `attribute` looks up a top-level
    /// attribute of the context by its classified name.
    #[inline]
    pub(super) fn find<'v>(
        &self,
        attribute: impl FnOnce(Attribute, &Text) -> Option<&'v Value>,
    ) -> Option<&'v Value> {
        let (first, name) = match &self.meaning {
            Meaning::Name(first) => (*first, &self.text),
            Meaning::Path(path) => (path.first, path.names.first()?),
            Meaning::Invalid(_) => return None,
        };
        let mut found = attribute(first, name)?;
        if let Meaning::Path(path) = &self.meaning {
            for name in path.names.iter().skip(1) {
                found = found.get(name)?;
            }
        }
        (!found.is_null()).then_some(found)
    }

    /// Whether this refers to the attribute `kind`.
    pub(crate) fn is_kind(&self) -> bool {
        let first = match &self.meaning {
            Meaning::Name(first) => *first,
            Meaning::Path(path) if path.names.len() == 1 => path.first,
            Meaning::Path(_) | Meaning::Invalid(_) => return false,
        };
        matches!(first, Attribute::BuiltIn(BuiltIn::Kind))
    }

    /// Returns the original text, also for an invalid reference.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the unescaped names on the path; empty if the reference is invalid.
    ///
    /// ```
    /// use vexil_eval::Reference;
    ///
    /// assert_eq!(Reference::new("/address/city").components(), ["address", "city"]);
    /// // A name that contains a slash is escaped.
    /// assert_eq!(Reference::new("/a~1b").components(), ["a/b"]);
    /// assert!(Reference::new("//").components().is_empty());
    /// ```
    #[must_use]
    pub fn components(&self) -> &[Text] {
        match &self.meaning {
            Meaning::Name(_) => std::slice::from_ref(&self.text),
            Meaning::Path(path) => &path.names,
            Meaning::Invalid(_) => &[],
        }
    }

    /// Returns the number of names on the path; 0 if the reference is invalid.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.components().len()
    }

    /// Returns why the reference is invalid, or `None` if it is valid.
    ///
    /// ```
    /// use vexil_eval::Reference;
    ///
    /// assert!(Reference::new("/address/city").error().is_none());
    /// assert!(Reference::new("").error().is_some());
    /// assert!(Reference::new("/address//city").error().is_some());
    /// ```
    #[must_use]
    pub fn error(&self) -> Option<ReferenceError> {
        match self.meaning {
            Meaning::Invalid(error) => Some(error),
            Meaning::Name(_) | Meaning::Path(_) => None,
        }
    }
}

impl Meaning {
    fn path(names: Box<[Text]>) -> Self {
        let first = names.first().map_or("", |name| name.as_str());
        Self::Path(Box::new(Path {
            first: Attribute::named(first),
            names,
        }))
    }
}

fn unescape(component: &str) -> Result<Text, ReferenceError> {
    if component.is_empty() {
        return Err(ReferenceError::EmptyComponent);
    }
    if !component.contains('~') {
        return Ok(component.into());
    }
    let mut name = String::with_capacity(component.len());
    let mut characters = component.chars();
    while let Some(character) = characters.next() {
        name.push(match character {
            '~' => match characters.next() {
                Some('0') => '~',
                Some('1') => '/',
                _ => return Err(ReferenceError::Escape),
            },
            other => other,
        });
    }
    Ok(name.into())
}

/// Why a string is not a valid attribute reference.
///
/// ```
/// use vexil_eval::{Reference, ReferenceError};
///
/// let check = |text: &str| match Reference::new(text).error() {
///     None => "valid",
///     Some(ReferenceError::Empty) => "no attribute",
///     Some(ReferenceError::EmptyComponent) => "two slashes, or one at the end",
///     Some(_) => "invalid",
/// };
/// assert_eq!(check("/address/city"), "valid");
/// assert_eq!(check("/"), "no attribute");
/// assert_eq!(check("/address/"), "two slashes, or one at the end");
/// assert_eq!(check("/a~2"), "invalid");
/// ```
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReferenceError {
    /// The string is empty or `/`.
    #[error("attribute reference is empty")]
    Empty,
    /// The string contains two consecutive slashes or ends with one.
    #[error("attribute reference has an empty component")]
    EmptyComponent,
    /// A `~` is not followed by `0` or `1`.
    #[error("attribute reference has a '~' that is neither '~0' nor '~1'")]
    Escape,
}

/// References are equal if they refer to the same attribute: the literal `/a` equals the reference
/// `/~1a`.
impl PartialEq for Reference {
    fn eq(&self, other: &Self) -> bool {
        match (self.components(), other.components()) {
            ([], []) => self.text == other.text,
            (one, two) => one == two,
        }
    }
}

impl Eq for Reference {}

impl Hash for Reference {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self.components() {
            [] => self.text.hash(state),
            components => components.hash(state),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<&str> for Reference {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Reference {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<Text> for Reference {
    fn from(text: Text) -> Self {
        Self::new(text)
    }
}

/// Reads a string as [`Reference::new`] does.
impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Text::deserialize(deserializer).map(Self::new)
    }
}

impl Serialize for Reference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
