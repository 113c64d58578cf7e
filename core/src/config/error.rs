//! [`ConfigError`]: the reason why a client cannot be started.

use std::error::Error;
use std::io;

use thiserror::Error;

/// The reason why a client cannot be started.
///
/// ```
/// use vexil::Client;
/// use vexil::config::ConfigError;
///
/// let error = Client::builder("not a key").start().unwrap_err();
/// match &error {
///     ConfigError::SdkKey { reason } => assert!(reason.starts_with("has characters other than")),
///     ConfigError::Component { component, source } => panic!("{component}: {source}"),
///     other => panic!("{other}"),
/// }
/// assert!(!error.to_string().contains("not a key"));
/// ```
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
    ///
    /// ```
    /// use std::sync::Arc;
    /// use vexil::Client;
    /// use vexil::config::{ClientContext, ConfigError, Configure};
    /// use vexil::store::{DataStore, MemoryStore};
    /// use vexil_testing::TestData;
    ///
    /// #[derive(Debug)]
    /// struct RegionalStore(&'static str);
    ///
    /// impl Configure<dyn DataStore> for RegionalStore {
    ///     fn configure(self: Arc<Self>, _: &ClientContext) -> Result<Arc<dyn DataStore>, ConfigError> {
    ///         match self.0 {
    ///             "" => Err(ConfigError::component("regional store", "it has no region")),
    ///             _ => Ok(Arc::new(MemoryStore::new())),
    ///         }
    ///     }
    /// }
    ///
    /// let client = Client::builder("sdk-key").data_source(TestData::new());
    /// assert!(client.clone().data_store(RegionalStore("eu")).start().is_ok());
    /// let error = client.data_store(RegionalStore("")).start().unwrap_err();
    /// assert_eq!(error.to_string(), "the regional store cannot be configured");
    /// ```
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
