//! [`Key`]: a secret that is compared in constant time.

use std::fmt;

use sha2::{Digest, Sha256};

#[derive(Clone)]
pub(super) struct Key {
    secret: String,
    hash: [u8; 32],
}

impl Key {
    pub(super) fn new(secret: String) -> Self {
        let hash = Sha256::digest(&secret).into();
        Self { secret, hash }
    }

    /// Whether this is the key. Hashes are compared: where two of them differ says nothing about the
    /// keys, and they have the same length.
    pub(super) fn is(&self, other: &str) -> bool {
        let other = Sha256::digest(other);
        let pairs = self.hash.iter().zip(&other);
        pairs.fold(0, |differences, (a, b)| differences | (a ^ b)) == 0
    }

    pub(super) fn secret(&self) -> &str {
        &self.secret
    }

    pub(super) fn masked(&self) -> String {
        mask_key(&self.secret)
    }
}

/// Shows the masked form.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

/// Returns the form of a key that may be shown: its prefix and its last four characters. A key of fewer
/// than twelve characters after the prefix is masked entirely.
///
/// ```
/// use vexil_service::mask_key;
///
/// assert_eq!(mask_key("sdk-b7e2-19d4-9f2c"), "sdk-…9f2c");
/// assert_eq!(mask_key("mob-b7e2-19d4-9f2c"), "mob-…9f2c");
/// assert_eq!(mask_key("sdk-secret"), "sdk-…");
/// assert_eq!(mask_key("secret"), "…");
/// ```
#[must_use]
pub fn mask_key(key: &str) -> String {
    let mut prefixes = ["sdk-", "mob-"].into_iter();
    let prefix = prefixes.find(|prefix| key.starts_with(prefix));
    let prefix = prefix.unwrap_or_default();
    let rest: Vec<_> = key.chars().skip(prefix.len()).collect();
    let last = match rest.last_chunk::<4>() {
        Some(last) if rest.len() >= 12 => last.iter().collect(),
        _ => String::new(),
    };
    format!("{prefix}…{last}")
}
