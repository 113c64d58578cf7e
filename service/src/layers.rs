//! [`Layers`]: items of a source, with overrides laid over them.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use serde_json::{Value, json};
use vexil_eval::model::DataKind;

use crate::by_kind::ByKind;
use crate::{Items, ItemsError};

/// The items of an environment in two layers: a base, and overrides. The result is
/// [`Layers::items`], in which every change has a higher version, also the end of an override.
///
/// An override whose item the base does not have, or has in a form that it cannot be applied to, has
/// no effect until the base changes.
///
/// ```
/// use vexil_eval::model::DataKind::Flag;
/// use vexil_service::{Layers, Override};
///
/// let mut layers = Layers::new("shop-1f0c");
/// let banner = r#"{"version": 7, "on": false, "variations": ["a", "b"], "offVariation": 0}"#;
/// layers.set_base([(Flag, "banner".to_owned(), banner.into())])?;
/// let version = |layers: &Layers| layers.items().get(Flag, "banner").map(|item| item.version());
///
/// assert!(layers.set_override(Flag, "banner", Override::Variation(1))?);
/// assert_eq!(version(&layers), Some(8));
/// assert!(layers.remove_override(Flag, "banner"));
/// assert_eq!(version(&layers), Some(9));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Layers {
    base: ByKind<Arc<str>>,
    overrides: ByKind<Override>,
    items: Items,
}

/// A change of one item, laid over its base.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Override {
    /// Switches a flag on or off.
    On(bool),
    /// Makes a flag return the variation with this index for every context.
    Variation(usize),
    /// Makes a flag return this value for every context. The value becomes a variation unless one of
    /// them is equal. If the base has no such flag, it is created, for the SDKs of all families.
    Value(Value),
    /// Replaces the item, or creates it. Its key and version are those of the item.
    Item(Value),
    /// Deletes the item.
    Missing,
}

impl Layers {
    /// Creates an environment without items. See [`Items::new`] for the payload id.
    #[must_use]
    pub fn new(payload_id: impl Into<String>) -> Self {
        Self {
            base: ByKind::default(),
            overrides: ByKind::default(),
            items: Items::new(payload_id),
        }
    }

    /// Returns the items with all overrides applied.
    #[must_use]
    pub fn items(&self) -> &Items {
        &self.items
    }

    /// Returns the JSON of an item in the base.
    #[must_use]
    pub fn base(&self, kind: DataKind, key: &str) -> Option<&str> {
        self.base.of(kind).get(key).map(|text| &**text)
    }

    /// Returns all overrides: those of flags, then those of segments, by key.
    pub fn overrides(&self) -> impl Iterator<Item = (DataKind, &str, &Override)> {
        self.overrides.iter()
    }

    /// Replaces the base, which is one change. Returns whether the items have changed.
    ///
    /// # Errors
    /// Returns an error if a text is not a JSON object; then nothing is changed.
    pub fn set_base(
        &mut self,
        base: impl IntoIterator<Item = (DataKind, String, Arc<str>)>,
    ) -> Result<bool, ItemsError> {
        let mut next = ByKind::default();
        for (kind, key, text) in base {
            next.of_mut(kind).insert(key, text);
        }
        let gone = self.items.iter().map(|(kind, key, _)| (kind, key));
        let new = next.iter().map(|(kind, key, _)| (kind, key));
        let overridden = self.overrides.iter().map(|(kind, key, _)| (kind, key));
        let keys = gone.chain(new).chain(overridden);
        let wanted: Vec<_> = keys
            .map(|(kind, key)| (kind, key.to_owned(), self.result(&next, kind, key)))
            .collect();
        let is_changed = self.items.update(wanted)?;
        self.base = next;
        Ok(is_changed)
    }

    /// Lays an override over an item, instead of an earlier one. Returns whether the item has
    /// changed.
    ///
    /// # Errors
    /// Returns an error if the override cannot be applied to the item; then nothing is changed.
    pub fn set_override(
        &mut self,
        kind: DataKind,
        key: &str,
        layer: Override,
    ) -> Result<bool, OverrideError> {
        layer.apply(kind, key, self.base(kind, key))?;
        self.overrides.of_mut(kind).insert(key.to_owned(), layer);
        Ok(self.refresh(kind, key))
    }

    /// Removes the override of an item. Returns whether the item has changed.
    pub fn remove_override(&mut self, kind: DataKind, key: &str) -> bool {
        self.overrides.of_mut(kind).remove(key);
        self.refresh(kind, key)
    }

    fn refresh(&mut self, kind: DataKind, key: &str) -> bool {
        let result = self.result(&self.base, kind, key);
        // Texts of the base were accepted before, and overrides make objects of them.
        self.items
            .update([(kind, key.to_owned(), result)])
            .unwrap_or(false)
    }

    /// The text of an item with its override applied.
    fn result(&self, base: &ByKind<Arc<str>>, kind: DataKind, key: &str) -> Option<Arc<str>> {
        let base = base.of(kind).get(key);
        let applied = self.overrides.of(kind).get(key).map(|layer| {
            let base = base.map(|text| &**text);
            layer.apply(kind, key, base)
        });
        match applied {
            Some(Ok(item)) => item.map(|item| item.to_string().into()),
            Some(Err(_)) | None => base.cloned(),
        }
    }
}

impl Override {
    /// Returns the item with the override applied, or `None` if it is deleted.
    fn apply(
        &self,
        kind: DataKind,
        key: &str,
        base: Option<&str>,
    ) -> Result<Option<Value>, OverrideError> {
        let is_for_flags = matches!(self, Self::On(_) | Self::Variation(_) | Self::Value(_));
        if is_for_flags && kind != DataKind::Flag {
            return Err(OverrideError::NotAFlag);
        }
        let flag = || match base.and_then(|text| serde_json::from_str(text).ok()) {
            Some(flag @ Value::Object(_)) => Ok(flag),
            _ => Err(OverrideError::NoItem),
        };
        match self {
            Self::On(on) => {
                let mut flag = flag()?;
                flag["on"] = (*on).into();
                Ok(Some(flag))
            }
            Self::Variation(index) => {
                let mut flag = flag()?;
                let count = flag["variations"].as_array().map_or(0, Vec::len);
                if *index >= count {
                    return Err(OverrideError::NoVariation { count });
                }
                serve(&mut flag, *index);
                Ok(Some(flag))
            }
            Self::Value(value) => {
                let Ok(mut flag) = flag() else {
                    let everywhere = json!({"usingEnvironmentId": true, "usingMobileKey": true});
                    let mut flag = json!({
                        "key": key,
                        "variations": [value],
                        "clientSide": true,
                        "clientSideAvailability": everywhere,
                    });
                    serve(&mut flag, 0);
                    return Ok(Some(flag));
                };
                if !flag["variations"].is_array() {
                    flag["variations"] = json!([]);
                }
                let variations = flag["variations"]
                    .as_array_mut()
                    .ok_or(OverrideError::NoItem)?;
                let index = variations.iter().position(|known| known == value);
                let index = index.unwrap_or_else(|| {
                    variations.push(value.clone());
                    variations.len() - 1
                });
                serve(&mut flag, index);
                Ok(Some(flag))
            }
            Self::Item(item) => {
                let mut item = item.clone();
                let members = item.as_object_mut().ok_or(OverrideError::NotAnObject)?;
                members.remove("version");
                members.insert("key".to_owned(), key.into());
                Ok(Some(item))
            }
            Self::Missing => Ok(None),
        }
    }
}

/// Makes a flag return a variation for every context.
fn serve(flag: &mut Value, variation: usize) {
    flag["on"] = true.into();
    flag["fallthrough"] = json!({"variation": variation});
    for list in ["prerequisites", "targets", "contextTargets", "rules"] {
        flag[list] = json!([]);
    }
}

/// An error of laying an override over an item.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OverrideError {
    /// The base has no such item.
    NoItem,
    /// The override is for flags, and the item is a segment.
    NotAFlag,
    /// The flag does not have the variation.
    NoVariation {
        /// The number of variations that it has.
        count: usize,
    },
    /// The item is not a JSON object.
    NotAnObject,
}

impl fmt::Display for OverrideError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoItem => f.write_str("there is no such item to override"),
            Self::NotAFlag => f.write_str("only a flag has values and can be switched on"),
            Self::NoVariation { count } => write!(f, "the flag has only {count} variations"),
            Self::NotAnObject => f.write_str("the item is not a JSON object"),
        }
    }
}

impl Error for OverrideError {}

#[cfg(test)]
mod tests;
