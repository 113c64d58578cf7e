//! Settings of a client and its components.
//!
//! The builder accepts a finished component, or a configuration that creates it from the client's
//! properties: [`Configure`]. A component that can be cloned is its own configuration, so the same
//! builder method accepts both.

mod big_segments;
mod client_context;
pub(crate) mod persistent_store;
mod sdk_key;
#[cfg_attr(not(feature = "http"), path = "no_web.rs")]
mod web;

use std::error::Error;
use std::fmt::Debug;
use std::io;
use std::sync::Arc;

pub use big_segments::BigSegmentsConfig;
pub use client_context::ClientContext;
pub use persistent_store::PersistentStoreConfig;
pub use sdk_key::SdkKey;
use thiserror::Error;
#[cfg(feature = "http")]
pub use web::{
    ApplicationInfo, EventFileConfig, EventsConfig, HttpConfig, PollingConfig, ServiceEndpoints,
    StreamingConfig, WrapperInfo,
};
pub(crate) use web::{WebSettings, default_data_source, default_events};

pub use crate::url_text::redacted_url;

use crate::big_segments::BigSegmentStore;
use crate::data_source::DataSource;
use crate::events::EventProcessor;
use crate::store::{DataStore, PersistentDataStore};

/// A configuration from which a component of a client is created.
///
/// Implement it for a type that holds a component's settings. It takes `&self`, because a builder
/// can be cloned and started more than once.
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
    /// Creates the component for one client.
    ///
    /// # Errors
    /// Returns an error if the settings are invalid: see [`ConfigError::component`].
    fn configure(&self, context: &ClientContext) -> Result<Arc<T>, ConfigError>;
}

impl<S: DataSource + Clone> Configure<dyn DataSource> for S {
    fn configure(&self, _: &ClientContext) -> Result<Arc<dyn DataSource>, ConfigError> {
        Ok(Arc::new(self.clone()))
    }
}

/// A processor that is shared between clients or inspected by the application.
impl<P: EventProcessor> Configure<dyn EventProcessor> for Arc<P> {
    fn configure(&self, _: &ClientContext) -> Result<Arc<dyn EventProcessor>, ConfigError> {
        Ok(Self::clone(self))
    }
}

/// A store that is shared between clients or inspected by the application.
impl<S: DataStore> Configure<dyn DataStore> for Arc<S> {
    fn configure(&self, _: &ClientContext) -> Result<Arc<dyn DataStore>, ConfigError> {
        Ok(Self::clone(self))
    }
}

/// A persistent store that is shared between clients or inspected by the application.
impl<S: PersistentDataStore> Configure<dyn PersistentDataStore> for Arc<S> {
    fn configure(&self, _: &ClientContext) -> Result<Arc<dyn PersistentDataStore>, ConfigError> {
        Ok(Self::clone(self))
    }
}

/// A big-segment store that is shared between clients or inspected by the application.
impl<S: BigSegmentStore> Configure<dyn BigSegmentStore> for Arc<S> {
    fn configure(&self, _: &ClientContext) -> Result<Arc<dyn BigSegmentStore>, ConfigError> {
        Ok(Self::clone(self))
    }
}

/// The reason why a client cannot be started.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// There is no data source, because the feature `http` is off. Set one on the builder, or set
    /// the client offline.
    #[error("a client needs a data source unless it is offline")]
    NoDataSource,
    /// The SDK key is invalid. The error does not show the key.
    #[error("the SDK key {reason}")]
    SdkKey {
        /// Why the key is invalid.
        reason: &'static str,
    },
    /// A base URL cannot be used.
    #[error("\"{url}\" is not a base URL for {part}: {reason}")]
    BaseUrl {
        /// `streaming`, `polling` or `events`.
        part: &'static str,
        /// The URL, without credentials and query.
        url: String,
        /// Why the URL is invalid.
        reason: &'static str,
    },
    /// A component's settings are invalid.
    #[error("the {component} cannot be configured")]
    Component {
        /// The component.
        component: &'static str,
        /// The cause.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The background thread could not be started, or the client's
    /// [runtime](crate::ClientBuilder::runtime) is shut down.
    #[error("the background work cannot be started")]
    Runtime {
        /// The cause.
        #[source]
        source: io::Error,
    },
}

impl ConfigError {
    /// Creates an error about a component's settings.
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
