//! How a client gets its components: [`Configure`].
//!
//! A component is given to the builder ready made, or as a recipe that makes it from what only the
//! client knows. The same method takes both, because a component that can be cloned is its own
//! recipe.

#[cfg(feature = "http")]
mod application;
mod big_segments;
mod client_context;
#[cfg(feature = "http")]
mod endpoints;
#[cfg(feature = "http")]
mod events;
#[cfg(feature = "http")]
mod filter;
#[cfg(feature = "http")]
mod http;
pub(crate) mod persistent_store;
#[cfg(feature = "http")]
mod polling;
mod sdk_key;
#[cfg(feature = "http")]
mod streaming;

use std::error::Error;
use std::fmt::Debug;
use std::io;
use std::sync::Arc;

#[cfg(feature = "http")]
pub use self::http::HttpConfig;
#[cfg(feature = "http")]
pub use application::{ApplicationInfo, WrapperInfo};
pub use big_segments::BigSegmentsConfig;
pub use client_context::ClientContext;
#[cfg(feature = "http")]
pub(crate) use client_context::WebSettings;
#[cfg(feature = "http")]
pub use endpoints::ServiceEndpoints;
#[cfg(feature = "http")]
pub use events::{EventFileConfig, EventsConfig};
pub use persistent_store::PersistentStoreConfig;
#[cfg(feature = "http")]
pub use polling::PollingConfig;
pub use sdk_key::SdkKey;
#[cfg(feature = "http")]
pub use streaming::StreamingConfig;
use thiserror::Error;

pub use crate::url_text::redacted_url;

use crate::big_segments::BigSegmentStore;
use crate::data_source::DataSource;
use crate::events::EventProcessor;
use crate::store::{DataStore, PersistentDataStore};

/// A recipe for a component of a client.
///
/// Implement it for a type that holds a component's settings. A builder keeps the recipe and can be
/// cloned and started more than once, hence `&self`.
///
/// ```
/// use std::sync::Arc;
/// use vexil::config::{ClientContext, ConfigError, Configure};
/// use vexil::store::{DataStore, MemoryStore};
///
/// #[derive(Debug)]
/// struct OwnStore;
///
/// impl Configure<dyn DataStore> for OwnStore {
///     fn configure(&self, _: &ClientContext) -> Result<Arc<dyn DataStore>, ConfigError> {
///         Ok(Arc::new(MemoryStore::new()))
///     }
/// }
///
/// let builder = vexil::Client::builder("sdk-key").data_store(OwnStore);
/// ```
pub trait Configure<T: ?Sized>: Debug + Send + Sync + 'static {
    /// Makes the component for one client.
    ///
    /// # Errors
    /// If the settings are impossible: [`ConfigError::component`].
    fn configure(&self, context: &ClientContext) -> Result<Arc<T>, ConfigError>;
}

impl<S: DataSource + Clone> Configure<dyn DataSource> for S {
    fn configure(&self, _: &ClientContext) -> Result<Arc<dyn DataSource>, ConfigError> {
        Ok(Arc::new(self.clone()))
    }
}

/// A processor that is shared between clients, or looked at from outside.
impl<P: EventProcessor> Configure<dyn EventProcessor> for Arc<P> {
    fn configure(&self, _: &ClientContext) -> Result<Arc<dyn EventProcessor>, ConfigError> {
        Ok(Self::clone(self))
    }
}

/// A store that is shared between clients, or looked at from outside.
impl<S: DataStore> Configure<dyn DataStore> for Arc<S> {
    fn configure(&self, _: &ClientContext) -> Result<Arc<dyn DataStore>, ConfigError> {
        Ok(Self::clone(self))
    }
}

/// A persistent store that is shared between clients, or looked at from outside.
impl<S: PersistentDataStore> Configure<dyn PersistentDataStore> for Arc<S> {
    fn configure(&self, _: &ClientContext) -> Result<Arc<dyn PersistentDataStore>, ConfigError> {
        Ok(Self::clone(self))
    }
}

/// A big-segment store that is shared between clients, or looked at from outside.
impl<S: BigSegmentStore> Configure<dyn BigSegmentStore> for Arc<S> {
    fn configure(&self, _: &ClientContext) -> Result<Arc<dyn BigSegmentStore>, ConfigError> {
        Ok(Self::clone(self))
    }
}

/// Why a client cannot be started.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// There is nothing to take flags from, because the feature `http` is off: give the builder a
    /// data source, or set it offline.
    #[error("a client needs a data source unless it is offline")]
    NoDataSource,
    /// The SDK key is none. The error does not show it.
    #[error("the SDK key {reason}")]
    SdkKey {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A base URL cannot be used.
    #[error("\"{url}\" is not a base URL for {part}: {reason}")]
    BaseUrl {
        /// `streaming`, `polling` or `events`.
        part: &'static str,
        /// The URL, without the credentials and the query in it.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A component's settings are impossible.
    #[error("the {component} cannot be configured")]
    Component {
        /// Which component.
        component: &'static str,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The background thread could not be started, or the runtime that the client was given is shut
    /// down.
    #[error("the background work cannot be started")]
    Runtime {
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl ConfigError {
    /// The settings of a component are impossible.
    pub fn component(
        component: &'static str,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self::Component {
            component,
            source: source.into(),
        }
    }
}
