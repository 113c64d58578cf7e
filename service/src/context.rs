//! Contexts in requests, and their hashes in secure mode.

use std::error::Error;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use vexil_eval::{Context, ContextError};

use crate::Route;

impl Route {
    /// Returns the context of the request: that in the path, or else that in the body. It may be in
    /// the form of an old user.
    ///
    /// ```
    /// use vexil_service::Route;
    ///
    /// // {"key":"ada"}
    /// let route = Route::find("GET", "/meval/eyJrZXkiOiJhZGEifQ==", None)?;
    /// assert_eq!(route.context(b"")?.key(), "ada");
    /// let route = Route::find("REPORT", "/meval", None)?;
    /// assert_eq!(route.context(br#"{"kind": "org", "key": "acme"}"#)?.kind(), "org");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Returns an error if there is no context, it is not encoded as it should be, or it is invalid.
    pub fn context(&self, body: &[u8]) -> Result<Context, ContextReadError> {
        let decoded;
        let json = match self.context_segment() {
            Some(segment) => {
                let segment = segment.trim_end_matches('=');
                decoded = URL_SAFE_NO_PAD
                    .decode(segment)
                    .map_err(|_| ContextReadError::NotBase64)?;
                &*decoded
            }
            None => body,
        };
        if json.is_empty() {
            return Err(ContextReadError::Missing);
        }
        let json = std::str::from_utf8(json).map_err(|_| ContextReadError::NotUtf8)?;
        let context: Context = json
            .parse()
            .map_err(|source| ContextReadError::Invalid { source })?;
        // An old user may have an empty key, which no client-side SDK sends.
        let has_empty_key = context
            .individual_contexts()
            .any(|member| member.key().is_empty());
        if has_empty_key {
            return Err(ContextReadError::EmptyKey);
        }
        Ok(context)
    }
}

/// Whether this is the hash of a context under an SDK key, which secure mode requires: HMAC-SHA256 of
/// the fully qualified key, in hexadecimal.
///
/// ```
/// use vexil_eval::Context;
/// use vexil_service::is_secure_mode_hash;
///
/// let context = Context::new("Message")?;
/// let hash = "aa747c502a898200f9e4fa21bac68136f886a0e27aec70ba06daf2e2a5cb5597";
/// assert!(is_secure_mode_hash("secret", &context, hash));
/// assert!(!is_secure_mode_hash("other", &context, hash));
/// # Ok::<(), vexil_eval::ContextError>(())
/// ```
#[must_use]
pub fn is_secure_mode_hash(sdk_key: &str, context: &Context, hash: &str) -> bool {
    // Cannot fail: HMAC accepts keys of any length.
    let Ok(mut hmac) = Hmac::<Sha256>::new_from_slice(sdk_key.as_bytes()) else {
        return false;
    };
    hmac.update(context.fully_qualified_key().as_bytes());
    let digits = hash.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair)
            .ok()
            .filter(|pair| !pair.starts_with('+'))?;
        u8::from_str_radix(pair, 16).ok()
    });
    let hash: Option<Vec<u8>> = digits.collect();
    // Takes the same time wherever the hashes differ.
    hash.is_some_and(|hash| hmac.verify_slice(&hash).is_ok())
}

/// An error of reading the context of a request: 400.
#[derive(Debug)]
#[non_exhaustive]
pub enum ContextReadError {
    /// The request has no context.
    Missing,
    /// The context in the path is not base64 with the alphabet of URLs.
    NotBase64,
    /// The context is not UTF-8.
    NotUtf8,
    /// The context is invalid.
    Invalid {
        /// The error of the context.
        source: ContextError,
    },
    /// The key of a context is empty.
    EmptyKey,
}

impl fmt::Display for ContextReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "the request has no context",
            Self::NotBase64 => "the context is not base64 with the alphabet of URLs",
            Self::NotUtf8 => "the context is not UTF-8",
            Self::Invalid { .. } => "the context is invalid",
            Self::EmptyKey => "the key of the context is empty",
        })
    }
}

impl Error for ContextReadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Invalid { source } => Some(source),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(target: &str, body: &[u8]) -> Result<Context, ContextReadError> {
        let method = if target == "/meval" { "REPORT" } else { "GET" };
        Route::find(method, target, None).unwrap().context(body)
    }

    #[test]
    fn padding_may_be_missing_present_or_escaped() {
        // {"kind":"user","key":"é?"}
        let text = "eyJraW5kIjoidXNlciIsImtleSI6IsOpPyJ9";
        let padded = "eyJrZXkiOiJhIn0";
        for (segment, key) in [
            (text.to_owned(), "é?"),
            (padded.to_owned(), "a"),
            (format!("{padded}="), "a"),
            (format!("{padded}%3D"), "a"),
        ] {
            let context = read(&format!("/meval/{segment}"), b"").unwrap();
            assert_eq!(context.key(), key, "{segment}");
        }
        // {"key":"a>?"} has both characters that differ between the alphabets.
        let context = read("/meval/eyJrZXkiOiJhPj8ifQ", b"").unwrap();
        assert_eq!(context.key(), "a>?");
    }

    #[test]
    fn contexts_that_cannot_be_evaluated_are_refused() {
        use ContextReadError::*;
        assert!(matches!(read("/meval", b""), Err(Missing)));
        assert!(matches!(read("/meval/a*b", b""), Err(NotBase64)));
        assert!(matches!(read("/meval/_w", b""), Err(NotUtf8)));
        assert!(matches!(read("/meval", b"\xff"), Err(NotUtf8)));
        for invalid in ["[]", "{", "{}", r#"{"kind":"kind","key":"a"}"#] {
            assert!(
                matches!(read("/meval", invalid.as_bytes()), Err(Invalid { .. })),
                "{invalid}"
            );
        }
        assert!(matches!(
            read("/meval", br#"{"key":""}"#),
            Err(EmptyKey | Invalid { .. })
        ));
    }

    #[test]
    fn hashes_that_are_not_hexadecimal_are_wrong() {
        let context = Context::new("Message").unwrap();
        for hash in ["", "zz", "+a", "é", "aa7"] {
            assert!(!is_secure_mode_hash("secret", &context, hash), "{hash}");
        }
    }
}
