//! [`SdkKey`]: the SDK key, which `Debug` does not show.

use std::fmt;

use vexil_eval::Text;

use super::ConfigError;

/// Maximum length of a key.
const LONGEST: usize = 8192;

/// The key that authenticates a client to the service. Its `Debug` form does not show the key.
///
/// A key consists of at most 8192 letters, digits, `.`, `_` and `-`. White space around it is
/// trimmed, such as the newline at the end of a mounted secret. Starting a client with any other
/// key fails with [`ConfigError::SdkKey`]; an empty key is valid only offline and in daemon mode.
///
/// ```
/// use vexil::Client;
/// use vexil::config::{ConfigError, SdkKey};
///
/// assert_eq!(SdkKey::from("sdk-key\n").as_str(), "sdk-key");
/// assert_eq!(format!("{:?}", SdkKey::from("sdk-key")), "SdkKey(…)");
/// let error = Client::builder("two keys").start().unwrap_err();
/// assert!(matches!(error, ConfigError::SdkKey { .. }));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct SdkKey(Text);

impl SdkKey {
    /// The key as a string.
    ///
    /// ```
    /// use vexil::config::SdkKey;
    ///
    /// // To authenticate a request of a custom data source. Do not log it.
    /// let key = SdkKey::from("sdk-1234\n");
    /// assert_eq!(format!("Authorization: {}", key.as_str()), "Authorization: sdk-1234");
    /// ```
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Validates the key; an empty one is valid if `may_be_empty`.
    pub(crate) fn check(&self, may_be_empty: bool) -> Result<(), ConfigError> {
        let reason = match self.0.as_str() {
            "" if may_be_empty => return Ok(()),
            "" => "is empty",
            key if key.len() > LONGEST => "is longer than 8192 characters",
            key if !key.bytes().all(is_key_byte) => {
                "has characters other than letters, digits, \".\", \"_\" and \"-\""
            }
            _ => return Ok(()),
        };
        Err(ConfigError::SdkKey { reason })
    }
}

/// Whether a byte is a letter, a digit, `.`, `_` or `-`.
pub(super) fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

impl<T: Into<Text>> From<T> for SdkKey {
    fn from(key: T) -> Self {
        let key = key.into();
        let trimmed = key.trim();
        if trimmed.len() == key.len() {
            Self(key)
        } else {
            Self(trimmed.into())
        }
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

    #[test]
    fn white_space_around_a_key_is_trimmed() {
        for key in [
            "sdk-1234.a_B",
            "sdk-1234.a_B\n",
            "\t sdk-1234.a_B\r\n",
            "\u{a0}sdk-1234.a_B",
        ] {
            let key = SdkKey::from(key);
            assert_eq!(key.as_str(), "sdk-1234.a_B");
            assert!(key.check(false).is_ok());
        }
    }

    #[test]
    fn an_invalid_key_is_rejected_and_not_shown() {
        for bad in [
            "sdk secret",
            "sdk\nsecret",
            "sdk\0secret",
            "secret-é",
            "secret/",
            &"secret-".repeat(1200),
        ] {
            for may_be_empty in [true, false] {
                let key = SdkKey::from(bad);
                let error = key.check(may_be_empty).unwrap_err();
                assert!(
                    !format!("{key:?} {error:?} {error}").contains("secret"),
                    "{error:?}"
                );
            }
        }
        for empty in ["", "\n", "  "] {
            assert!(SdkKey::from(empty).check(true).is_ok());
            assert_eq!(
                SdkKey::from(empty).check(false).unwrap_err().to_string(),
                "the SDK key is empty"
            );
        }
    }
}
