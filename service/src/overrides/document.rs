//! [`Overrides`]: the overrides of an environment.

use serde_json::Value;
use vexil_eval::model::DataKind;

use super::read::{Place, members};
use super::{Override, OverrideDefect, OverrideError, OverrideReadError};
use crate::by_kind::ByKind;

/// The overrides of an environment, each in a form for its kind of item. They are read and written
/// with serde, as `{"flags": {key: form}, "segments": {key: form}}`.
///
/// ```
/// use vexil_eval::model::DataKind::{Flag, Segment};
/// use vexil_service::{Override, Overrides};
///
/// let text = r#"{"flags":{"theme":{"variation":1}},"segments":{"staff":{"include":["ada"],"exclude":[]}}}"#;
/// let mut overrides: Overrides = serde_json::from_str(text)?;
/// assert_eq!(overrides.get(Flag, "theme"), Some(&Override::Variation(1)));
/// assert_eq!(serde_json::to_string(&overrides)?, text);
///
/// // Only flags are on or off.
/// assert!(overrides.insert(Segment, "staff", Override::On(true)).is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overrides(ByKind<Override>);

impl Overrides {
    /// Reads overrides from their JSON. The error has the position of the defect.
    ///
    /// ```
    /// use serde_json::json;
    /// use vexil_service::Overrides;
    ///
    /// let error = Overrides::from_json(json!({"flags": {"theme": {"on": 1}}})).unwrap_err();
    /// assert_eq!(error.pointer, "/flags/theme/on");
    /// assert_eq!(error.to_string(), "`/flags/theme/on` must be true or false");
    /// ```
    ///
    /// # Errors
    /// Returns an error if a member is unknown or has the wrong type, or an override cannot be applied
    /// to any item of its kind.
    pub fn from_json(json: Value) -> Result<Self, OverrideReadError> {
        let mut overrides = Self::default();
        let root = Place::default();
        for (name, found) in members(json, &root)? {
            let place = root.member(&name);
            let kind = match &*name {
                "flags" => DataKind::Flag,
                "segments" => DataKind::Segment,
                _ => return Err(place.error(OverrideDefect::Unknown)),
            };
            for (key, form) in members(found, &place)? {
                let place = place.member(&key);
                let form = Override::read(form, &place)?;
                overrides
                    .insert(kind, key, form)
                    .map_err(|source| place.invalid(source))?;
            }
        }
        Ok(overrides)
    }

    /// Adds or replaces an override.
    ///
    /// # Errors
    /// Returns an error if the override cannot be applied to any item of this kind; then nothing is
    /// changed.
    pub fn insert(
        &mut self,
        kind: DataKind,
        key: impl Into<String>,
        form: Override,
    ) -> Result<(), OverrideError> {
        let key = key.into();
        form.check(kind, &key)?;
        self.0.of_mut(kind).insert(key, form);
        Ok(())
    }

    /// Removes an override and returns it.
    pub fn remove(&mut self, kind: DataKind, key: &str) -> Option<Override> {
        self.0.of_mut(kind).remove(key)
    }

    /// Returns the override of an item.
    #[must_use]
    pub fn get(&self, kind: DataKind, key: &str) -> Option<&Override> {
        self.0.of(kind).get(key)
    }

    /// Returns all overrides: those of flags, then those of segments, by key.
    pub fn iter(&self) -> impl Iterator<Item = (DataKind, &str, &Override)> {
        self.0.iter()
    }

    /// Returns the number of overrides.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.of(DataKind::Flag).len() + self.0.of(DataKind::Segment).len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn of(&self, kind: DataKind) -> impl Iterator<Item = (&String, &Override)> {
        self.0.of(kind).iter()
    }
}
