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
