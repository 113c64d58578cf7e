//! Entity tags.

use sha2::{Digest, Sha256};

/// Returns the entity tag of a body: a hash of its bytes. Browsers keep bodies with their tags beyond
/// the end of a service, so a tag that counts changes would mean another body after a restart.
///
/// ```
/// use vexil_service::etag;
///
/// assert_eq!(etag(b"{}"), "\"44136fa355b3678a\"");
/// assert_ne!(etag(b"{}"), etag(b"[]"));
/// ```
#[must_use]
pub fn etag(body: &[u8]) -> String {
    let hash = Sha256::digest(body);
    let digits: String = hash
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("\"{digits}\"")
}

/// Whether a header `If-None-Match` has this tag, so that the client has the body.
///
/// ```
/// use vexil_service::has_etag;
///
/// assert!(has_etag("W/\"1\", \"2\"", "\"1\""));
/// assert!(has_etag("*", "\"1\""));
/// assert!(!has_etag("\"12\"", "\"1\""));
/// ```
#[must_use]
pub fn has_etag(if_none_match: &str, etag: &str) -> bool {
    let mut tags = if_none_match.split(',').map(str::trim);
    tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}
