//! [`SdkKey`]: a secret that does not end up in logs.

use std::fmt;

use vexil_eval::Text;

use super::ConfigError;

/// The longest key.
const LONGEST: usize = 8192;

/// The key that a client presents to the service. Its `Debug` form does not show it.
///
/// A key consists of letters, digits, `.`, `_` and `-`, at most 8192 of them. White space around it is left out, such
/// as the newline at the end of a mounted secret. A client does not start with anything else, nor with an empty key
/// unless it is offline or in daemon mode: [`ConfigError::SdkKey`].
///
/// ```
/// use vexil::Client;
/// use vexil::config::{ConfigError, SdkKey};
///
/// assert_eq!(SdkKey::from("sdk-key\n").as_str(), "sdk-key");
/// let error = Client::builder("two keys").start().unwrap_err();
/// assert!(matches!(error, ConfigError::SdkKey { .. }));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct SdkKey(Text);

impl SdkKey {
    /// The key itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a client can start with this key; `may_be_empty` if it needs none.
    pub(crate) fn check(&self, may_be_empty: bool) -> Result<(), ConfigError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let reason = match self.0.as_str() {
            "" if may_be_empty => return Ok(()),
            "" => "is empty",
            key if key.len() > LONGEST => "is longer than 8192 characters",
            key if !key.bytes().all(allowed) => {
                "has characters other than letters, digits, \".\", \"_\" and \"-\""
            }
            _ => return Ok(()),
        };
        Err(ConfigError::SdkKey { reason })
    }
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
    fn white_space_around_a_key_is_left_out() {
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
    fn what_is_not_a_key_is_refused_and_not_shown() {
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
