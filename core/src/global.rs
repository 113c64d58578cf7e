//! One client for the whole process, where passing one around is not worth it.
//!
//! ```
//! vexil::global::configure(vexil::Client::builder("sdk-key").offline(true))?;
//! let client = vexil::global::client()?;
//! assert!(client.is_offline());
//! # Ok::<(), vexil::global::GlobalError>(())
//! ```

use std::sync::{Mutex, PoisonError};

use thiserror::Error;

use crate::client::{Client, ClientBuilder};
use crate::config::ConfigError;

/// The configuration, and the client once it was asked for. Held while a client starts, so that there is only one.
static GLOBAL: Mutex<Option<Global>> = Mutex::new(None);

struct Global {
    builder: ClientBuilder,
    client: Option<Client>,
}

/// Sets the configuration of the global client.
///
/// If the global client was started already, a new one takes its place at once, and the old one is closed. If the new
/// one cannot be started, the old one stays.
///
/// # Errors
/// If the new client cannot be started.
pub fn configure(builder: ClientBuilder) -> Result<(), GlobalError> {
    let mut global = GLOBAL.lock().unwrap_or_else(PoisonError::into_inner);
    let running = global.as_ref().is_some_and(|global| global.client.is_some());
    let client = if running { Some(builder.clone().start()?) } else { None };
    if let Some(Global { client: Some(old), .. }) = global.replace(Global { builder, client }) {
        old.close_in_background();
    }
    Ok(())
}

/// The global client, started at the first call.
///
/// # Errors
/// If there is no configuration, or the client cannot be started.
pub fn client() -> Result<Client, GlobalError> {
    let mut global = GLOBAL.lock().unwrap_or_else(PoisonError::into_inner);
    let global = global.as_mut().ok_or(GlobalError::NotConfigured)?;
    if let Some(client) = &global.client {
        return Ok(client.clone());
    }
    let client = global.builder.clone().start()?;
    global.client = Some(client.clone());
    Ok(client)
}

/// Why there is no global client.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum GlobalError {
    /// [`configure`] was not called.
    #[error("the global client is not configured")]
    NotConfigured,
    /// The client cannot be started.
    #[error(transparent)]
    Config {
        /// Why.
        #[from]
        source: ConfigError,
    },
}
