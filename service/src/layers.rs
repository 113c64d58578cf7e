//! [`Layers`]: items of a source, with overrides laid over them.

use std::sync::Arc;

use vexil_eval::model::DataKind;

use crate::by_kind::ByKind;
use crate::items::has_same_content;
use crate::{Items, ItemsError, Override, OverrideError, Overrides, complete};

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
    overrides: Overrides,
    items: Items,
}

impl Layers {
    /// Creates an environment without items. See [`Items::new`] for the payload id.
    #[must_use]
    pub fn new(payload_id: impl Into<String>) -> Self {
        Self {
            base: ByKind::default(),
            overrides: Overrides::default(),
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

    /// Returns all items of the base: flags, then segments, by key.
    pub fn base_items(&self) -> impl Iterator<Item = (DataKind, &str, &str)> {
        self.base
            .iter()
            .map(|(kind, key, text)| (kind, key, &**text))
    }

    /// Returns the overrides, also those without an effect.
    #[must_use]
    pub fn overrides(&self) -> &Overrides {
        &self.overrides
    }

    /// Whether the override of an item has an effect, which it does not have if the base has the same
    /// content. Returns `None` if the item has no override.
    ///
    /// ```
    /// use vexil_eval::model::DataKind::Flag;
    /// use vexil_service::{Layers, Override, OverrideError};
    ///
    /// let mut layers = Layers::new("shop-1f0c");
    /// layers.set_base([(Flag, "banner".to_owned(), r#"{"on": true}"#.into())])?;
    /// layers.set_override(Flag, "banner", Override::On(true))?;
    /// assert!(matches!(layers.has_effect(Flag, "banner"), Some(Ok(false))));
    ///
    /// layers.set_base([])?;
    /// assert!(matches!(layers.has_effect(Flag, "banner"), Some(Err(OverrideError::NoItem))));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Returns an error if the override cannot be applied to the base.
    #[must_use]
    pub fn has_effect(&self, kind: DataKind, key: &str) -> Option<Result<bool, OverrideError>> {
        let base = self.base(kind, key);
        let applied = self.overrides.get(kind, key)?.apply(kind, key, base);
        Some(applied.map(|item| match (base, item) {
            (Some(base), Some(item)) => !is_same(kind, key, base, &item),
            (base, item) => base.is_some() || item.is_some(),
        }))
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
            if self.overrides.get(kind, &key).is_some() {
                // The text is not among the items now, but is when the override ends.
                complete(kind, &key, 1, &text).map_err(|source| {
                    let key = key.clone();
                    ItemsError::Item { kind, key, source }
                })?;
            }
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
        self.overrides.insert(kind, key, layer)?;
        Ok(self.refresh([(kind, key.to_owned())]))
    }

    /// Removes the override of an item. Returns whether the item has changed.
    pub fn remove_override(&mut self, kind: DataKind, key: &str) -> bool {
        self.overrides.remove(kind, key);
        self.refresh([(kind, key.to_owned())])
    }

    /// Replaces all overrides, which is one change. Returns whether the items have changed. Overrides
    /// that cannot be applied to the base are kept without an effect.
    ///
    /// ```
    /// use serde_json::json;
    /// use vexil_eval::model::DataKind::Flag;
    /// use vexil_service::{Layers, Overrides};
    ///
    /// let mut layers = Layers::new("shop-1f0c");
    /// let flags = json!({"banner": {"value": "new"}, "theme": {"on": true}});
    /// layers.set_overrides(Overrides::from_json(json!({"flags": flags}))?);
    /// assert!(layers.items().get(Flag, "banner").is_some());
    /// assert!(layers.items().get(Flag, "theme").is_none());
    /// assert_eq!(layers.items().revision(), 1);
    /// # Ok::<(), vexil_service::OverrideReadError>(())
    /// ```
    pub fn set_overrides(&mut self, overrides: Overrides) -> bool {
        let earlier = std::mem::replace(&mut self.overrides, overrides);
        let is_gone = |kind, key| self.overrides.get(kind, key).is_none();
        let gone = earlier.iter().filter(|(kind, key, _)| is_gone(*kind, key));
        let all = gone.chain(self.overrides.iter());
        let keys: Vec<_> = all.map(|(kind, key, _)| (kind, key.to_owned())).collect();
        self.refresh(keys)
    }

    /// Removes all overrides, which is one change. Returns whether the items have changed.
    pub fn remove_overrides(&mut self) -> bool {
        self.set_overrides(Overrides::default())
    }

    fn refresh(&mut self, keys: impl IntoIterator<Item = (DataKind, String)>) -> bool {
        let keys = keys.into_iter();
        let results = keys.map(|(kind, key)| {
            let result = self.result(&self.base, kind, &key);
            (kind, key, result)
        });
        let wanted: Vec<_> = results.collect();
        // Texts of the base were accepted before, and overrides make objects of them.
        self.items.update(wanted).unwrap_or(false)
    }

    /// The text of an item with its override applied.
    fn result(&self, base: &ByKind<Arc<str>>, kind: DataKind, key: &str) -> Option<Arc<str>> {
        let base = base.of(kind).get(key);
        let applied = self.overrides.get(kind, key).map(|layer| {
            let base = base.map(|text| &**text);
            layer.apply(kind, key, base)
        });
        match applied {
            Some(Ok(item)) => item.map(Into::into),
            Some(Err(_)) | None => base.cloned(),
        }
    }
}

/// Whether two texts of an item have the same content for SDKs.
fn is_same(kind: DataKind, key: &str, a: &str, b: &str) -> bool {
    // The versions are equal, so that they make no difference.
    let completed = |text| complete(kind, key, 1, text).ok();
    match (completed(a), completed(b)) {
        (Some(a), Some(b)) => has_same_content(&a, &b),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
