//! The JSON forms of overrides, read; [`OverrideReadError`].

use std::error::Error;
use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::{ContextOverride, Override, OverrideError, OverrideResult, Overrides};

/// An error of reading overrides from JSON.
#[derive(Debug)]
#[non_exhaustive]
pub struct OverrideReadError {
    /// A JSON pointer to the place.
    pub pointer: String,
    /// What is wrong there.
    pub defect: OverrideDefect,
}

/// What is wrong with the JSON of an override.
#[derive(Debug)]
#[non_exhaustive]
pub enum OverrideDefect {
    /// The value has the wrong type.
    Type {
        /// What it must be, with an article.
        expected: &'static str,
    },
    /// There is no such member.
    Unknown,
    /// A member is missing.
    Missing {
        /// Its name, or several of which one is needed.
        member: &'static str,
    },
    /// The member excludes another one.
    Excluded {
        /// The name of the other.
        by: &'static str,
    },
    /// The override cannot be applied to any item.
    Invalid {
        /// The error of the override.
        source: OverrideError,
    },
}

impl Override {
    /// Reads an override from its JSON. The error has the position of the defect. What is valid depends
    /// on the kind of the item too, which [`Overrides::insert`] checks.
    ///
    /// ```
    /// use serde_json::json;
    /// use vexil_service::{Override, OverrideDefect};
    ///
    /// let form = json!({"for": [{"kind": "user", "key": "ada"}]});
    /// let error = Override::from_json(form).unwrap_err();
    /// assert_eq!(error.pointer, "/for/0");
    /// assert!(matches!(error.defect, OverrideDefect::Missing { .. }));
    /// ```
    ///
    /// # Errors
    /// Returns an error if a member is unknown, missing or of the wrong type.
    pub fn from_json(json: Value) -> Result<Self, OverrideReadError> {
        Self::read(json, &Place::default())
    }

    pub(super) fn read(json: Value, place: &Place) -> Result<Self, OverrideReadError> {
        let mut members = members(json, place)?;
        let names = [
            "on",
            "variation",
            "value",
            "for",
            "include",
            "exclude",
            "item",
            "missing",
        ];
        let unknown = members.keys().find(|name| !names.contains(&&***name));
        if let Some(name) = unknown {
            return Err(place.member(name).error(OverrideDefect::Unknown));
        }
        let mut found = names.into_iter().filter(|name| members.contains_key(*name));
        let Some(name) = found.next() else {
            let member =
                "`on`, `variation`, `value`, `for`, `include`, `exclude`, `item` or `missing`";
            return Err(place.error(OverrideDefect::Missing { member }));
        };
        let is_beside = |other: &&str| !(name == "include" && *other == "exclude");
        if let Some(other) = found.find(is_beside) {
            return Err(place
                .member(other)
                .error(OverrideDefect::Excluded { by: name }));
        }
        let at = place.member(name);
        let value = members.remove(name).unwrap_or_default();
        Ok(match name {
            "on" => Self::On(at.boolean(&value)?),
            "variation" => Self::Variation(at.index(&value)?),
            "value" => Self::Value(value),
            "for" => Self::For(at.each(value, ContextOverride::read)?),
            "include" => {
                let exclude = members
                    .remove("exclude")
                    .unwrap_or_else(|| Vec::<Value>::new().into());
                Self::Segment {
                    include: at.each(value, text)?,
                    exclude: place.member("exclude").each(exclude, text)?,
                }
            }
            "exclude" => Self::Segment {
                include: Vec::new(),
                exclude: at.each(value, text)?,
            },
            "item" if value.is_object() => Self::Item(value),
            "item" => return Err(at.wrong_type("an object")),
            _ if value == true => Self::Missing,
            _ => return Err(at.wrong_type("true")),
        })
    }
}

impl ContextOverride {
    fn read(json: Value, place: &Place) -> Result<Self, OverrideReadError> {
        let mut members = members(json, place)?;
        let known = ["kind", "key", "variation", "value"];
        if let Some(name) = members.keys().find(|name| !known.contains(&&***name)) {
            return Err(place.member(name).error(OverrideDefect::Unknown));
        }
        let mut required = |member| match members.remove(member) {
            Some(value) => text(value, &place.member(member)),
            None => Err(place.error(OverrideDefect::Missing { member })),
        };
        let (kind, key) = (required("kind")?, required("key")?);
        let result = match (members.remove("variation"), members.remove("value")) {
            (Some(variation), None) => {
                OverrideResult::Variation(place.member("variation").index(&variation)?)
            }
            (None, Some(value)) => OverrideResult::Value(value),
            (Some(_), Some(_)) => {
                let by = "variation";
                return Err(place.member("value").error(OverrideDefect::Excluded { by }));
            }
            (None, None) => {
                let member = "`variation` or `value`";
                return Err(place.error(OverrideDefect::Missing { member }));
            }
        };
        Ok(Self::new(kind, key, result))
    }
}

/// A JSON pointer.
#[derive(Default)]
pub(super) struct Place(String);

impl Place {
    pub(super) fn member(&self, name: &str) -> Self {
        let name = name.replace('~', "~0").replace('/', "~1");
        Self(format!("{}/{name}", self.0))
    }

    pub(super) fn error(&self, defect: OverrideDefect) -> OverrideReadError {
        let pointer = self.0.clone();
        OverrideReadError { pointer, defect }
    }

    pub(super) fn invalid(&self, source: OverrideError) -> OverrideReadError {
        let pointer = format!("{}{}", self.0, source.pointer());
        let defect = OverrideDefect::Invalid { source };
        OverrideReadError { pointer, defect }
    }

    fn wrong_type(&self, expected: &'static str) -> OverrideReadError {
        self.error(OverrideDefect::Type { expected })
    }

    fn boolean(&self, value: &Value) -> Result<bool, OverrideReadError> {
        value
            .as_bool()
            .ok_or_else(|| self.wrong_type("true or false"))
    }

    fn index(&self, value: &Value) -> Result<usize, OverrideReadError> {
        let index = value.as_u64().and_then(|index| usize::try_from(index).ok());
        index.ok_or_else(|| self.wrong_type("the index of a variation"))
    }

    fn each<T>(
        &self,
        value: Value,
        read: impl Fn(Value, &Self) -> Result<T, OverrideReadError>,
    ) -> Result<Vec<T>, OverrideReadError> {
        let Value::Array(elements) = value else {
            return Err(self.wrong_type("a list"));
        };
        let elements = elements.into_iter().enumerate();
        elements
            .map(|(index, element)| read(element, &self.member(&index.to_string())))
            .collect()
    }
}

pub(super) fn members(json: Value, place: &Place) -> Result<Map<String, Value>, OverrideReadError> {
    match json {
        Value::Object(members) => Ok(members),
        _ => Err(place.wrong_type("an object")),
    }
}

fn text(json: Value, place: &Place) -> Result<String, OverrideReadError> {
    match json {
        Value::String(text) => Ok(text),
        _ => Err(place.wrong_type("a string")),
    }
}

impl<'de> Deserialize<'de> for Override {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_json(Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Overrides {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_json(Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl fmt::Display for OverrideReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pointer, defect } = self;
        match pointer.is_empty() {
            true => f.write_str("the override")?,
            false => write!(f, "`{pointer}`")?,
        }
        match defect {
            OverrideDefect::Type { expected } => write!(f, " must be {expected}"),
            OverrideDefect::Unknown => f.write_str(" is unknown"),
            OverrideDefect::Missing { member } => write!(f, " lacks {member}"),
            OverrideDefect::Excluded { by } => write!(f, " cannot stand beside `{by}`"),
            OverrideDefect::Invalid { .. } => f.write_str(" is not a valid override"),
        }
    }
}

impl Error for OverrideReadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.defect {
            OverrideDefect::Invalid { source } => Some(source),
            _ => None,
        }
    }
}
