//! Settings of a client and its components.
//!
//! **One rule for all components.** The builder method of a data source, data store, persistent
//! store, big-segment store or event processor accepts
//!
//! - a finished component: by value, in an [`Arc`] of which the application keeps a clone, or as
//!   `Arc<dyn …>`. All clients that the builder and its clones start share it;
//! - a configuration that creates a component for each client: [`Configure`].
//!
//! Hooks and plugins need no configuration, and are accepted by value or in an `Arc`.
//!
//! ```
//! use std::sync::Arc;
//! use vexil::Client;
//! use vexil::store::{DataStore, MemoryStore};
//!
//! let store = Arc::new(MemoryStore::new());
//! Client::builder("sdk-key").data_store(MemoryStore::new());
//! Client::builder("sdk-key").data_store(Arc::clone(&store));
//! Client::builder("sdk-key").data_store(store as Arc<dyn DataStore>);
//! ```

mod big_segments;
mod client_context;
mod data_system;
mod error;
pub(crate) mod persistent_store;
mod sdk_key;
#[cfg_attr(not(feature = "http"), path = "no_web.rs")]
mod web;

use std::fmt::Debug;
use std::sync::Arc;

pub use big_segments::BigSegmentsConfig;
pub use client_context::ClientContext;
pub use data_system::DataSystem;
pub use error::ConfigError;
pub use persistent_store::PersistentStoreConfig;
pub use sdk_key::SdkKey;
#[cfg(feature = "http")]
pub use web::{
    ApplicationInfo, EventFileConfig, EventsConfig, HttpConfig, PayloadPollConfig,
    PayloadStreamConfig, PollingConfig, ServiceEndpoints, StreamingConfig, WrapperInfo,
};
pub(crate) use web::{WebSettings, default_data_source, default_events};

pub use crate::url_text::redacted_url;

use crate::big_segments::BigSegmentStore;
use crate::data_source::DataSource;
use crate::events::EventProcessor;
use crate::store::{DataStore, PersistentDataStore};

/// A configuration from which a component of a client is created.
///
/// Implement it for a type that holds a component's settings. A finished component is its own
/// configuration. The configuration is shared, because a builder can be cloned and started more
/// than once.
///
/// ```
/// use std::sync::Arc;
/// use vexil::config::{ClientContext, ConfigError, Configure};
/// use vexil::store::{DataStore, MemoryStore};
///
/// /// The settings of a store.
/// #[derive(Debug)]
/// struct OwnStoreConfig;
///
/// impl Configure<dyn DataStore> for OwnStoreConfig {
///     fn configure(self: Arc<Self>, _: &ClientContext) -> Result<Arc<dyn DataStore>, ConfigError> {
///         Ok(Arc::new(MemoryStore::new()))
///     }
/// }
///
/// let flags = vexil_testing::TestData::new().with("banner", "hello");
/// let client = vexil::Client::builder("sdk-key").data_source(flags).data_store(OwnStoreConfig).start()?;
/// assert_eq!(client.str_variation("banner", &vexil::Context::new("ada")?, ""), "hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not configure a component of the type `{T}`",
    label = "neither a component of this type nor a configuration of one",
    note = "pass the component by value, in an `Arc`, or a configuration from `vexil::config`"
)]
pub trait Configure<T: ?Sized>: Debug + Send + Sync + 'static {
    /// Creates the component for one client.
    ///
    /// # Errors
    /// Returns an error if the settings are invalid: see [`ConfigError::component`].
    fn configure(self: Arc<Self>, context: &ClientContext) -> Result<Arc<T>, ConfigError>;
}

/// Makes a finished component its own configuration: by value, in an `Arc`, and as a shared trait
/// object.
macro_rules! finished_components {
    ($($seam:ident),+) => {$(
        /// A finished component, moved into an `Arc`.
        impl<C: $seam> Configure<dyn $seam> for C {
            fn configure(self: Arc<Self>, _: &ClientContext) -> Result<Arc<dyn $seam>, ConfigError> {
                Ok(self)
            }
        }

        /// A finished component that the application keeps a handle to.
        impl<C: $seam> Configure<dyn $seam> for Arc<C> {
            fn configure(self: Arc<Self>, _: &ClientContext) -> Result<Arc<dyn $seam>, ConfigError> {
                Ok(Self::clone(&self))
            }
        }

        /// A finished component whose type was chosen at run time.
        impl Configure<dyn $seam> for Arc<dyn $seam> {
            fn configure(self: Arc<Self>, _: &ClientContext) -> Result<Arc<dyn $seam>, ConfigError> {
                Ok(Self::clone(&self))
            }
        }
    )+};
}

finished_components!(
    DataSource,
    DataStore,
    PersistentDataStore,
    BigSegmentStore,
    EventProcessor
);
