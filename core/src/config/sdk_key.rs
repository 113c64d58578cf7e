//! [`SdkKey`]: a secret that does not end up in logs.

use std::fmt;

use crate::text::Text;

/// The key that a client presents to the service. Its `Debug` form does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct SdkKey(Text);

impl SdkKey {
    /// The key itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<T: Into<Text>> From<T> for SdkKey {
    fn from(key: T) -> Self {
        Self(key.into())
    }
}

impl fmt::Debug for SdkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SdkKey(…)")
    }
}
