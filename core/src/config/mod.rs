//! How a client gets its components: [`Configure`].
//!
//! A component is given to the builder ready made, or as a recipe that makes it from what only the client knows. The
//! same method takes both, because a component that can be cloned is its own recipe.

mod sdk_key;

use std::error::Error;
use std::fmt::Debug;
use std::io;
use std::sync::Arc;

pub use sdk_key::SdkKey;
use thiserror::Error;

use crate::data_source::DataSource;
use crate::store::DataStore;

/// A recipe for a component of a client.
///
/// Implement it for a type that holds a component's settings. A builder keeps the recipe and can be cloned and
/// started more than once, hence `&self`.
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

/// A store that is shared between clients, or looked at from outside.
impl<S: DataStore> Configure<dyn DataStore> for Arc<S> {
    fn configure(&self, _: &ClientContext) -> Result<Arc<dyn DataStore>, ConfigError> {
        Ok(Self::clone(self))
    }
}

/// What a recipe may know of the client that it makes a component for.
#[derive(Clone, Debug)]
pub struct ClientContext {
    sdk_key: SdkKey,
}

impl ClientContext {
    pub(crate) fn new(sdk_key: SdkKey) -> Self {
        Self { sdk_key }
    }

    /// The key that the client presents to the service.
    #[must_use]
    pub fn sdk_key(&self) -> &SdkKey {
        &self.sdk_key
    }
}

/// Why a client cannot be started.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// There is nothing to take flags from: give the builder a data source, or set it offline.
    #[error("a client needs a data source unless it is offline")]
    NoDataSource,
    /// A component's settings are impossible.
    #[error("the {component} cannot be configured")]
    Component {
        /// Which component.
        component: &'static str,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The background thread could not be started.
    #[error("the background thread cannot be started")]
    Runtime {
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl ConfigError {
    /// The settings of a component are impossible.
    pub fn component(component: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Component { component, source: source.into() }
    }
}
