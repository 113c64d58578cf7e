//! One client for the whole process, for applications that do not pass a client around.
//!
//! ```
//! use std::time::Duration;
//!
//! vexil::global::configure(vexil::Client::builder("sdk-key").offline(true))?;
//! let client = vexil::global::client()?;
//! let _closed_at_the_end = client.close_on_drop(Duration::from_secs(5));
//! assert!(client.is_offline());
//! # Ok::<(), vexil::global::GlobalError>(())
//! ```
//!
//! Statics are not dropped when a program ends, and neither is this client: close it, or
//! undelivered events are lost. In a forked process, [`client`] starts a separate client.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use thiserror::Error;

use crate::client::{Client, ClientBuilder};
use crate::config::ConfigError;

/// Held for reads and changes, never while a client starts: plugins, sources and stores run then,
/// and may call [`client`].
static GLOBAL: Mutex<Global> = Mutex::new(Global {
    builder: None,
    client: None,
    starting: None,
});
/// Notified when a start has finished.
static STARTED: Condvar = Condvar::new();

struct Global {
    builder: Option<ClientBuilder>,
    /// The client, with the process that it was started in.
    client: Option<(u32, Client)>,
    /// The thread that is starting a client, and its process. Other threads wait for it.
    starting: Option<(u32, ThreadId)>,
}

/// Configures the global client.
///
/// If the global client is already started, a new one replaces it immediately, and the old one is
/// closed in the background. If the new one cannot be started, the old one stays.
///
/// ```
/// use vexil::Client;
/// use vexil::global::{self, GlobalError};
///
/// assert!(matches!(global::client(), Err(GlobalError::NotConfigured)));
/// global::configure(Client::builder("sdk-key").offline(true))?;
/// assert!(global::client()?.is_offline());
///
/// // An invalid configuration does not replace the client that is running.
/// assert!(global::configure(Client::builder("not a key")).is_err());
/// assert!(global::client()?.is_offline());
/// # Ok::<(), GlobalError>(())
/// ```
///
/// # Errors
/// Returns an error if the new client cannot be started, or if called by code that runs while the
/// global client starts.
pub fn configure(builder: ClientBuilder) -> Result<(), GlobalError> {
    let mut global = wait_for_turn()?;
    if global.client.is_none() {
        let unused = global.builder.replace(builder);
        drop(global);
        drop(unused);
        return Ok(());
    }
    let (_, old) = start(global, builder)?;
    if let Some(old) = old {
        old.close_in_background();
    }
    Ok(())
}

/// Returns the global client, which the first call starts. Calls by other threads wait while it
/// starts.
///
/// ```
/// use vexil::global::{self, GlobalError};
///
/// assert!(matches!(global::client(), Err(GlobalError::NotConfigured)));
///
/// global::configure(vexil::Client::builder("sdk-key").offline(true))?;
/// assert!(global::client()?.is_offline());
/// # Ok::<(), GlobalError>(())
/// ```
///
/// # Errors
/// Returns an error if [`configure`] was not called, if the client cannot be started, or if called
/// by code that runs while the global client starts. An example is a plugin, which receives the
/// client as an argument.
pub fn client() -> Result<Client, GlobalError> {
    let global = wait_for_turn()?;
    if let Some((_, client)) = &global.client {
        return Ok(client.clone());
    }
    let builder = global.builder.clone().ok_or(GlobalError::NotConfigured)?;
    let (client, _) = start(global, builder)?;
    Ok(client)
}

fn lock() -> MutexGuard<'static, Global> {
    GLOBAL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until no other thread is starting a client. A client from before a fork is discarded.
fn wait_for_turn() -> Result<MutexGuard<'static, Global>, GlobalError> {
    let (process, this) = (process::id(), thread::current().id());
    let mut global = lock();
    loop {
        if global
            .client
            .as_ref()
            .is_some_and(|(started_in, _)| *started_in != process)
        {
            // Leaked: dropping it could affect the parent's client.
            std::mem::forget(global.client.take());
        }
        match global.starting {
            Some((started_in, thread)) if started_in == process => {
                if thread == this {
                    return Err(GlobalError::Starting);
                }
                global = STARTED.wait(global).unwrap_or_else(PoisonError::into_inner);
            }
            _ => return Ok(global),
        }
    }
}

/// Starts a client without holding the lock; other threads wait on `STARTED`. Returns the client
/// and the one that it replaces.
fn start(
    mut global: MutexGuard<'static, Global>,
    builder: ClientBuilder,
) -> Result<(Client, Option<Client>), ConfigError> {
    global.starting = Some((process::id(), thread::current().id()));
    drop(global);
    let started = catch_unwind(AssertUnwindSafe(|| builder.clone().start()));

    let mut global = lock();
    global.starting = None;
    let replaced = match &started {
        Ok(Ok(client)) => {
            let client = global.client.replace((process::id(), client.clone()));
            (global.builder.replace(builder), client)
        }
        _ => (None, None),
    };
    drop(global);
    STARTED.notify_all();

    let (_unused, old) = replaced;
    let client = started.unwrap_or_else(|panic| resume_unwind(panic))?;
    Ok((client, old.map(|(_, client)| client)))
}

/// The reason why there is no global client.
///
/// ```
/// use vexil::config::ConfigError;
/// use vexil::global::{self, GlobalError};
///
/// // Nothing is started yet, so an invalid key is noticed at the first use.
/// global::configure(vexil::Client::builder("not a key"))?;
/// let error = global::client().unwrap_err();
/// assert!(matches!(error, GlobalError::Config { source: ConfigError::SdkKey { .. } }));
/// # Ok::<(), GlobalError>(())
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum GlobalError {
    /// [`configure`] was not called.
    #[error("the global client is not configured")]
    NotConfigured,
    /// The call was made on the thread that is starting the global client, by code that the start
    /// runs.
    #[error("the global client is being started by this thread")]
    Starting,
    /// The client cannot be started.
    #[error(transparent)]
    Config {
        /// The cause.
        #[from]
        source: ConfigError,
    },
}
