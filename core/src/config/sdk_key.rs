//! [`SdkKey`]: a secret that does not end up in logs.

use std::fmt;

use crate::text::Text;

/// The key that a client presents to the service. Its `Debug` form does not show it.
///
/// A key holds letters, digits, `.`, `_` and `-`, 8192 at the most. Something else is no key: it becomes the empty one,
/// which the service refuses, and a warning is logged that does not show it.
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
        let key = key.into();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if key.len() <= 8192 && key.bytes().all(allowed) {
            return Self(key);
        }
        tracing::warn!("the SDK key has characters that no key has, or too many of them; it is not used");
        Self(Text::default())
    }
}

impl fmt::Debug for SdkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SdkKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Spec 02, section 1.4
    #[test]
    fn what_is_no_key_is_not_used_and_no_key_is_shown() {
        assert_eq!(SdkKey::from("sdk-1234.a_B").as_str(), "sdk-1234.a_B");
        for bad in ["sdk 1", "sdk-1\n", "é", &"x".repeat(8193)] {
            assert_eq!(SdkKey::from(bad).as_str(), "");
        }
        assert_eq!(format!("{:?}", SdkKey::from("sdk-secret")), "SdkKey(…)");
    }
}
