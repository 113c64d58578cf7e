//! [`BigSegmentStore`]: a database that knows which contexts belong to segments too large to be sent to every server.
//!
//! Somebody else fills it, a Relay Proxy as a rule; the SDK asks it for one context at a time, and
//! caches what it says.
//!
//! **Contract.** Contexts are named by a hash of their key, segments by a reference of key and
//! generation. Methods are called on the client's Tokio runtime, and may be called concurrently. A
//! store neither caches nor retries beyond what its client does within one call. That nothing is
//! known about a context is no error. **Errors** give evaluations the status `STORE_ERROR`; the
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

mod reader;

use std::fmt::Debug;

use async_trait::async_trait;
pub(crate) use reader::{BigSegmentReader, Settings};
use vexil_eval::Membership;

pub use crate::store_error::StoreError;

/// A database of big segments. See the [module documentation](self) for the contract.
#[async_trait]
pub trait BigSegmentStore: Debug + Send + Sync + 'static {
    /// What is known about a context; none if nothing is. The hash is the standard Base64, with
    /// padding, of the SHA-256 of the context's key.
    async fn membership(&self, context_hash: &str) -> Result<Option<Membership>, StoreError>;

    /// When the store was last in step with the service, in milliseconds since 1970; none if it
    /// never was.
    async fn last_synchronized(&self) -> Result<Option<u64>, StoreError>;

    /// Lets go of what the store holds open. Called once. By default there is nothing to do.
    async fn close(&self) {}
}
