//! [`client_context`]: the context for harnesses whose component is created from a configuration.

use std::sync::{Arc, Mutex, PoisonError};

use vexil::ClientBuilder;
use vexil::config::{ClientContext, ConfigError, Configure};
use vexil::store::DataStore;

/// Returns the context that a client of this builder would configure its components from. Starts no
/// client.
///
/// For harnesses of components that are created from a configuration:
///
/// ```
/// use std::sync::Arc;
/// use vexil::Client;
/// use vexil::config::{Configure, PersistentStoreConfig};
/// use vexil::store::DataStore;
/// use vexil_testing::MemoryPersistentStore;
/// use vexil_testing::conformance::client_context;
///
/// let config = Arc::new(PersistentStoreConfig::new(MemoryPersistentStore::new()));
/// let context = client_context(Client::builder("sdk-key").offline(true));
/// let store: Arc<dyn DataStore> = config.configure(&context)?;
/// # Ok::<(), vexil::config::ConfigError>(())
/// ```
///
/// # Panics
/// Panics if the settings of the builder are invalid.
#[must_use]
#[expect(clippy::panic, reason = "the end of a test that fails")]
pub fn client_context(builder: ClientBuilder) -> ClientContext {
    let captured = Captured::default();
    let started = builder.data_store(captured.clone()).start();
    let context = captured
        .0
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    match (context, started) {
        (Some(context), _) => context,
        (None, Err(error)) => panic!("the client's settings are invalid: {error}"),
        (None, Ok(_)) => panic!("the builder is in daemon mode, which has no data store"),
    }
}

/// Takes the context, and fails so that no client starts.
#[derive(Clone, Debug, Default)]
struct Captured(Arc<Mutex<Option<ClientContext>>>);

impl Configure<dyn DataStore> for Captured {
    fn configure(
        self: Arc<Self>,
        context: &ClientContext,
    ) -> Result<Arc<dyn DataStore>, ConfigError> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(context.clone());
        Err(ConfigError::component(
            "client",
            "only its context is needed",
        ))
    }
}
