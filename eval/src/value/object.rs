//! [`Object`]: the members of a JSON object.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::Value;
use crate::text::Text;

/// The members of a JSON object, ordered by name. If a name is repeated, the last one wins.
///
/// ```
/// use vexil_eval::{Object, Value};
///
/// let limits: Object = [("rps", 100), ("burst", 10), ("rps", 200)].into_iter().collect();
/// assert_eq!(Value::from(limits).to_string(), r#"{"burst":10,"rps":200}"#);
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Object(pub(super) Arc<[(Text, Value)]>);

impl Object {
    /// Returns the member `name`.
    ///
    /// ```
    /// use vexil_eval::Object;
    ///
    /// let limits: Object = [("rps", 100)].into_iter().collect();
    /// assert_eq!(limits.get("rps"), Some(&100.into()));
    /// assert_eq!(limits.get("burst"), None);
    /// ```
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        let at = self
            .0
            .binary_search_by(|(member, _)| member.as_str().cmp(name))
            .ok()?;
        self.0.get(at).map(|(_, value)| value)
    }

    /// Iterates over the members in the order of their names.
    ///
    /// ```
    /// use vexil_eval::Object;
    ///
    /// let limits: Object = [("rps", 100), ("burst", 10)].into_iter().collect();
    /// let names: Vec<_> = limits.iter().map(|(name, _)| name).collect();
    /// assert_eq!(names, ["burst", "rps"]);
    /// ```
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Returns the number of members.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no members.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<K: Into<Text>, V: Into<Value>> FromIterator<(K, V)> for Object {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(members: I) -> Self {
        let members = members
            .into_iter()
            .map(|(name, value)| (name.into(), value.into().nested()));
        Self(sorted_members(members.collect()).into())
    }
}

/// Sorts members by name and keeps the last of those with the same name.
pub(crate) fn sorted_members<N: AsRef<str>>(mut members: Vec<(N, Value)>) -> Vec<(N, Value)> {
    members.sort_by(|(a, _), (b, _)| a.as_ref().cmp(b.as_ref()));
    members.dedup_by(|later, earlier| {
        let same = later.0.as_ref() == earlier.0.as_ref();
        if same {
            // `dedup_by` drops the later one, so its content is swapped into the one that is kept.
            std::mem::swap(later, earlier);
        }
        same
    });
    members
}
