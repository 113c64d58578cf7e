//! [`Array`]: the elements of a JSON array.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::Value;

/// The elements of a JSON array. Dereferences to a slice; cheap to clone.
///
/// ```
/// use vexil_eval::{Array, Value};
///
/// let hosts: Array = ["a", "b"].into_iter().collect();
/// assert_eq!(hosts.first(), Some(&Value::from("a")));
/// assert_eq!(Value::from(hosts).to_string(), r#"["a","b"]"#);
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Array(pub(super) Arc<[Value]>);

impl Deref for Array {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        &self.0
    }
}

impl fmt::Debug for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<T: Into<Value>> FromIterator<T> for Array {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        Self(
            elements
                .into_iter()
                .map(|element| element.into().nested())
                .collect(),
        )
    }
}

impl<T: Into<Value>> From<Vec<T>> for Array {
    fn from(elements: Vec<T>) -> Self {
        elements.into_iter().collect()
    }
}

impl<'a> IntoIterator for &'a Array {
    type Item = &'a Value;
    type IntoIter = std::slice::Iter<'a, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
