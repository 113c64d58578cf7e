//! [`Plugin`]: an extension with its own hooks and access to the client.
//!
//! For example, an observability package is one object that the application adds to the builder: it
//! provides hooks and registers listeners on the client.
//!
//! **Contract.** When a client starts, [`Plugin::hooks`] of all plugins runs first, in the order of
//! registration; then the client's components are created; then [`Plugin::register`] of all plugins
//! runs, before the data source starts. The client passed to it is complete, including hooks, but
//! has no data yet, except data from a persistent store. The client does not keep the plugin.
//! **Errors** and **panics** are caught and logged with the plugin's name. The client starts
//! nevertheless, and a plugin whose `hooks` failed is still registered.

use std::error::Error;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use vexil_eval::Text;

use super::Client;
use crate::config::{ClientContext, SdkKey};
use crate::hooks::Hook;
use crate::{SDK_NAME, VERSION};

/// An extension of a client.
///
/// When a client starts, `hooks` of all plugins is called first, in the order of registration.
/// After the components are created and before the data source starts, `register` is called. Errors
/// and panics are logged with the plugin's name, and the client starts nevertheless.
///
/// ```
/// use std::sync::Arc;
/// use vexil::Client;
/// use vexil::client::{EnvironmentMetadata, Plugin, PluginError, PluginMetadata};
/// use vexil::hooks::{Hook, HookMetadata};
///
/// #[derive(Debug)]
/// struct Observer;
///
/// impl Hook for Observer {
///     fn metadata(&self) -> HookMetadata {
///         HookMetadata::new("observer")
///     }
/// }
///
/// impl Plugin for Observer {
///     fn metadata(&self) -> PluginMetadata {
///         PluginMetadata::new("observer")
///     }
///     fn hooks(&self, _: &EnvironmentMetadata) -> Result<Vec<Arc<dyn Hook>>, PluginError> {
///         Ok(vec![Arc::new(Observer)])
///     }
///     fn register(&self, client: &Client, environment: &EnvironmentMetadata) -> Result<(), PluginError> {
///         println!("{} {} of {:?}", environment.sdk.name, environment.sdk.version, environment.application);
///         client.flag_tracker().add_listener(|change| println!("{} has changed", change.key));
///         Ok(())
///     }
/// }
///
/// let client = Client::builder("sdk-key").offline(true).plugin(Observer).start()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Plugin: Debug + Send + Sync + 'static {
    /// Describes the plugin, for the log.
    fn metadata(&self) -> PluginMetadata;

    /// Returns the plugin's hooks. They run after those of the builder and of earlier plugins.
    /// Default: no hooks.
    ///
    /// # Errors
    /// An error is logged. The client starts without the plugin's hooks, and still calls
    /// [`register`](Self::register).
    fn hooks(&self, environment: &EnvironmentMetadata) -> Result<Vec<Arc<dyn Hook>>, PluginError> {
        let _ = environment;
        Ok(Vec::new())
    }

    /// Passes the client to the plugin, which may register listeners or keep a clone.
    ///
    /// # Errors
    /// An error is logged, and the client starts nevertheless.
    fn register(
        &self,
        client: &Client,
        environment: &EnvironmentMetadata,
    ) -> Result<(), PluginError>;
}

/// A plugin that the application keeps a handle to.
#[deny(clippy::missing_trait_methods)]
impl<P: Plugin + ?Sized> Plugin for Arc<P> {
    fn metadata(&self) -> PluginMetadata {
        (**self).metadata()
    }

    fn hooks(&self, environment: &EnvironmentMetadata) -> Result<Vec<Arc<dyn Hook>>, PluginError> {
        (**self).hooks(environment)
    }

    fn register(
        &self,
        client: &Client,
        environment: &EnvironmentMetadata,
    ) -> Result<(), PluginError> {
        (**self).register(client, environment)
    }
}

/// The error of a plugin: any error type, or a string.
///
/// ```
/// use vexil::client::PluginError;
///
/// fn collector(address: &str) -> Result<std::net::SocketAddr, PluginError> {
///     if address.is_empty() {
///         return Err("the address of the collector is not set".into());
///     }
///     Ok(address.parse()?)
/// }
///
/// assert_eq!(collector("").unwrap_err().to_string(), "the address of the collector is not set");
/// assert!(collector("localhost").is_err(), "the port is missing");
/// ```
pub type PluginError = Box<dyn Error + Send + Sync>;

/// Describes a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PluginMetadata {
    /// The name shown in the log.
    pub name: Text,
}

impl PluginMetadata {
    /// Metadata with this name.
    pub fn new(name: impl Into<Text>) -> Self {
        Self { name: name.into() }
    }
}

/// Describes the SDK and the application that a plugin runs in.
///
/// ```
/// use std::sync::{Arc, OnceLock};
/// use vexil::Client;
/// use vexil::client::{EnvironmentMetadata, Plugin, PluginError, PluginMetadata};
/// use vexil::config::ApplicationInfo;
///
/// /// Keeps the labels for an exporter.
/// #[derive(Debug, Default)]
/// struct Labels(OnceLock<String>);
///
/// impl Plugin for Labels {
///     fn metadata(&self) -> PluginMetadata {
///         PluginMetadata::new("labels")
///     }
///     fn register(&self, _: &Client, environment: &EnvironmentMetadata) -> Result<(), PluginError> {
///         let application = environment.application.as_ref().ok_or("the application has no id")?;
///         let id = application.id.as_deref().unwrap_or("unknown");
///         self.0.set(format!("{id} with {}", environment.sdk.name)).map_err(|_| "registered twice")?;
///         Ok(())
///     }
/// }
///
/// let labels = Arc::new(Labels::default());
/// let client = Client::builder("sdk-key")
///     .offline(true)
///     .application(ApplicationInfo::new().id("checkout"))
///     .plugin(labels.clone())
///     .start()?;
/// assert_eq!(labels.0.get().map(String::as_str), Some("checkout with VexilRust"));
/// # Ok::<(), vexil::config::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EnvironmentMetadata {
    /// The SDK.
    pub sdk: SdkMetadata,
    /// The client's SDK key. Its `Debug` form does not show the key.
    pub sdk_key: SdkKey,
    /// The application, if it has a description.
    pub application: Option<ApplicationMetadata>,
}

impl EnvironmentMetadata {
    pub(super) fn of(context: &ClientContext) -> Self {
        let [id, name, version, version_name] = context.application();
        let application = ApplicationMetadata {
            id,
            name,
            version,
            version_name,
        };
        let [wrapper_name, wrapper_version] = context.wrapper();
        Self {
            sdk: SdkMetadata {
                name: Text::from_static(SDK_NAME),
                version: Text::from_static(VERSION),
                wrapper_name,
                wrapper_version,
            },
            sdk_key: context.sdk_key().clone(),
            application: (application != ApplicationMetadata::default()).then_some(application),
        }
    }
}

/// The SDK, and the library that wraps it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SdkMetadata {
    /// The SDK's name.
    pub name: Text,
    /// Its version.
    pub version: Text,
    /// The wrapping library, if there is one.
    pub wrapper_name: Option<Text>,
    /// The version of the wrapping library, if known.
    pub wrapper_version: Option<Text>,
}

/// Describes the application. Set with [`ClientBuilder::application`](crate::ClientBuilder).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApplicationMetadata {
    /// The application's id.
    pub id: Option<Text>,
    /// Its name for people.
    pub name: Option<Text>,
    /// Its version.
    pub version: Option<Text>,
    /// The version's name for people.
    pub version_name: Option<Text>,
}

/// The plugins of a client that is about to start.
#[derive(Debug)]
pub(super) struct Plugins {
    plugins: Vec<Arc<dyn Plugin>>,
    environment: EnvironmentMetadata,
}

impl Plugins {
    pub(super) fn new(plugins: Vec<Arc<dyn Plugin>>, environment: EnvironmentMetadata) -> Self {
        Self {
            plugins,
            environment,
        }
    }

    /// The hooks of all plugins.
    pub(super) fn hooks(&self) -> Vec<Arc<dyn Hook>> {
        let hooks = |plugin| {
            contained(plugin, "hooks", || plugin.hooks(&self.environment)).unwrap_or_default()
        };
        self.plugins.iter().flat_map(hooks).collect()
    }

    pub(super) fn register(&self, client: &Client) {
        for plugin in &self.plugins {
            contained(plugin, "register", || {
                plugin.register(client, &self.environment)
            });
        }
    }
}

/// Runs a method of a plugin. Logs an error or panic and returns `None`.
fn contained<T>(
    plugin: &Arc<dyn Plugin>,
    method: &'static str,
    run: impl FnOnce() -> Result<T, PluginError>,
) -> Option<T> {
    // Formatting the error and reading the name run the plugin's code too.
    let run = AssertUnwindSafe(|| run().map_err(|error| error.to_string()));
    let error = match catch_unwind(run) {
        Ok(Ok(result)) => return Some(result),
        Ok(Err(error)) => error,
        Err(_panic) => "it panicked".to_owned(),
    };
    let name = catch_unwind(AssertUnwindSafe(|| plugin.metadata().name));
    let name = name.unwrap_or(Text::from_static("unnamed plugin"));
    tracing::error!(plugin = %name, method, error, "a plugin failed; the client starts nevertheless");
    None
}
