//! [`Plugin`]: an extension that brings hooks of its own and gets to know the client.
//!
//! An observability package, say, is one object that an application adds to the builder; it brings
//! its hooks and takes what it needs of the client.
//!
//! **Contract.** When a client starts, [`Plugin::hooks`] of all plugins runs first, in the order of
//! their registration; then the components of the client are made; then [`Plugin::register`] of all
//! plugins runs, before the data source starts. The client that it is given is complete, hooks
//! included, but has no data yet, unless a store has some. The client does not keep the plugin.
//! **Errors** and **panics** are contained and logged with the plugin's name; the client starts all
//! the same, and a plugin without hooks is registered like any other.

use std::error::Error;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use vexil_eval::Text;

use super::Client;
use crate::config::{ClientContext, SdkKey};
use crate::hooks::Hook;

/// An extension of a client. Its file tells when which method is called, and what becomes of
/// errors.
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
    /// Who the plugin is, for the log.
    fn metadata(&self) -> PluginMetadata;

    /// The hooks that it brings. They run after those of the builder and of earlier plugins.
    /// Default: none.
    fn hooks(&self, environment: &EnvironmentMetadata) -> Result<Vec<Arc<dyn Hook>>, PluginError> {
        let _ = environment;
        Ok(Vec::new())
    }

    /// Gets to know the client.
    fn register(
        &self,
        client: &Client,
        environment: &EnvironmentMetadata,
    ) -> Result<(), PluginError>;
}

/// What a plugin fails with: anything that is an error, or a text.
pub type PluginError = Box<dyn Error + Send + Sync>;

/// Who a plugin is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PluginMetadata {
    /// The name, as the log shows it.
    pub name: Text,
}

impl PluginMetadata {
    /// A plugin of this name.
    pub fn new(name: impl Into<Text>) -> Self {
        Self { name: name.into() }
    }
}

/// In what surroundings a plugin is used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EnvironmentMetadata {
    /// The SDK.
    pub sdk: SdkMetadata,
    /// The key of the client. Like anywhere else, its `Debug` form does not show it.
    pub sdk_key: SdkKey,
    /// The application, if it has said anything of itself.
    pub application: Option<ApplicationMetadata>,
}

impl EnvironmentMetadata {
    pub(super) fn of(context: &ClientContext) -> Self {
        let ([id, version], [wrapper_name, wrapper_version]) =
            (context.application(), context.wrapper());
        Self {
            sdk: SdkMetadata {
                name: Text::from_static(SDK_NAME),
                version: Text::from_static(env!("CARGO_PKG_VERSION")),
                wrapper_name,
                wrapper_version,
            },
            sdk_key: context.sdk_key().clone(),
            application: (id.is_some() || version.is_some())
                .then_some(ApplicationMetadata { id, version }),
        }
    }
}

/// The SDK, and the library that wraps it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SdkMetadata {
    /// The name under which the SDK introduces itself.
    pub name: Text,
    /// Its version.
    pub version: Text,
    /// The wrapping library, if there is one.
    pub wrapper_name: Option<Text>,
    /// Its version, if it has said so.
    pub wrapper_version: Option<Text>,
}

/// What the application has said of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApplicationMetadata {
    /// What it is called.
    pub id: Option<Text>,
    /// Its version.
    pub version: Option<Text>,
}

/// As in the `User-Agent` of requests.
const SDK_NAME: &str = "VexilRust";

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

    /// The hooks that the plugins bring.
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

/// Runs a plugin's code; none if it fails, which is logged.
fn contained<T>(
    plugin: &Arc<dyn Plugin>,
    method: &'static str,
    run: impl FnOnce() -> Result<T, PluginError>,
) -> Option<T> {
    // The texts of name and error are the plugin's code too.
    let run = AssertUnwindSafe(|| run().map_err(|error| error.to_string()));
    let error = match catch_unwind(run) {
        Ok(Ok(result)) => return Some(result),
        Ok(Err(error)) => error,
        Err(_panic) => "it panicked".to_owned(),
    };
    let name = catch_unwind(AssertUnwindSafe(|| plugin.metadata().name));
    let name = name.unwrap_or(Text::from_static("unnamed plugin"));
    tracing::error!(plugin = %name, method, error, "a plugin failed; the client starts all the same");
    None
}
