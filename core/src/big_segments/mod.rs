//! [`BigSegmentStore`]: a database of memberships in segments too large to be sent to every server.
//!
//! Another process fills the database, usually a Relay Proxy. The SDK queries it for one context at
//! a time and caches the results.
//!
//! **Contract.** A context is identified by a hash of its key, a segment by a reference made of its
//! key and generation. Methods are called on the client's Tokio runtime, possibly concurrently. A
//! store neither caches nor retries beyond what its client library does within one call. A context
//! without an entry is not an error. **Errors** set the status `STORE_ERROR` on evaluations; the
//! segments' rules still apply. **Cancellation**: the futures may be dropped at any time.
//! **Panics** are contained and count as errors.
//!
//! ```
//! use std::collections::HashMap;
//! use vexil::big_segments::{BigSegmentStore, StoreError};
//! use vexil::eval::Membership;
//!
//! /// The segments of each context, by the hash of its key.
//! #[derive(Debug)]
//! struct Fixed(HashMap<String, Vec<String>>);
//!
//! #[vexil::async_trait]
//! impl BigSegmentStore for Fixed {
//!     async fn membership(&self, context_hash: &str) -> Result<Option<Membership>, StoreError> {
//!         Ok(self.0.get(context_hash).map(|included| Membership::new(included.iter().map(String::as_str), [])))
//!     }
//!     async fn last_synchronized(&self) -> Result<Option<u64>, StoreError> {
//!         let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
//!         Ok(now.ok().and_then(|now| now.as_millis().try_into().ok()))
//!     }
//! }
//! ```

mod cache;
mod reader;

use std::fmt::Debug;

use async_trait::async_trait;
pub(crate) use reader::{BigSegmentReader, Settings};
use vexil_eval::Membership;

pub use crate::store_error::StoreError;

/// A database of big segments. See the [module documentation](self) for the contract.
///
/// ```
/// use vexil::big_segments::{BigSegmentStore, StoreError};
/// use vexil_testing::{MemoryBigSegmentStore, StoreFault};
///
/// # pollster::block_on(async {
/// let store = MemoryBigSegmentStore::new();
/// store.database().set_membership("", "ada", ["vip.g1"], []);
/// let hash = "BTjz6MBmTkAkWEwt3BU3/4m94WLjyvMPJxhXYAL0Pf0=";
/// # let hash = hash_of("ada");
/// assert!(store.membership(&hash).await?.is_some());
/// assert!(store.membership("another hash").await?.is_none(), "not an error");
///
/// store.calls().fault_all(StoreFault::TimeOut);
/// assert!(matches!(store.membership(&hash).await, Err(StoreError::Timeout)));
/// # Ok::<(), StoreError>(())
/// # }).unwrap();
/// # fn hash_of(key: &str) -> String {
/// #     use base64::Engine;
/// #     use sha2::Digest;
/// #     base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(key))
/// # }
/// ```
#[async_trait]
pub trait BigSegmentStore: Debug + Send + Sync + 'static {
    /// Returns the memberships of a context, or `None` if the store has no entry for it. The hash
    /// is the standard Base64, with padding, of the SHA-256 of the context's key.
    ///
    /// A context without an entry is `Ok(None)`: it is in no segment.
    ///
    /// # Errors
    /// Returns an error if the store could not be read.
    async fn membership(&self, context_hash: &str) -> Result<Option<Membership>, StoreError>;

    /// Returns when the store was last synchronized with the service, in milliseconds since 1970,
    /// or `None` if it never was.
    ///
    /// # Errors
    /// Returns an error if the store could not be read.
    async fn last_synchronized(&self) -> Result<Option<u64>, StoreError>;

    /// Releases the store's resources. Called once. The default does nothing.
    async fn close(&self) {}
}

/// The memberships of one context, for programs that copy them from one database to another.
///
/// ```
/// use vexil::big_segments::StoredMembership;
///
/// let membership = StoredMembership::new("CEXjZY7cHJG/ydFy7q4+YEFwVrG3/pkJwA4FAjrbfx0=");
/// assert!(membership.included.is_empty() && membership.excluded.is_empty());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredMembership {
    /// The hash of the context's key, as in [`BigSegmentStore::membership`].
    pub context_hash: String,
    /// The references of the segments that include the context: key, `.g`, generation.
    pub included: Vec<String>,
    /// Those of the segments that exclude it.
    pub excluded: Vec<String>,
}

impl StoredMembership {
    /// Creates the membership of a context that is in no segment.
    pub fn new(context_hash: impl Into<String>) -> Self {
        Self {
            context_hash: context_hash.into(),
            ..Self::default()
        }
    }
}

/// A part of the memberships in a database.
///
/// ```
/// use vexil::big_segments::{MembershipPage, StoredMembership};
///
/// /// Reads pages until there is none left.
/// fn all(mut page: impl FnMut(Option<String>) -> MembershipPage) -> Vec<StoredMembership> {
///     let (mut all, mut start) = (Vec::new(), None);
///     loop {
///         let MembershipPage { memberships, next, .. } = page(start);
///         all.extend(memberships);
///         match next {
///             Some(next) => start = Some(next),
///             None => return all,
///         }
///     }
/// }
///
/// let found = all(|start| match start.as_deref() {
///     None => MembershipPage::new(vec![StoredMembership::new("first")], Some("second".to_owned())),
///     Some(hash) => MembershipPage::new(vec![StoredMembership::new(hash)], None),
/// });
/// assert_eq!(found.len(), 2);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MembershipPage {
    /// The memberships. A context may be in several pages.
    pub memberships: Vec<StoredMembership>,
    /// Where the next page begins. `None`: this is the last one.
    pub next: Option<String>,
}

impl MembershipPage {
    /// Creates a page.
    #[must_use]
    pub fn new(memberships: Vec<StoredMembership>, next: Option<String>) -> Self {
        Self { memberships, next }
    }
}
