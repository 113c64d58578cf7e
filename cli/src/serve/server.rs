//! [`Server`]: what all connections share.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use vexil_service::{AccessRules, CredentialError, Credentials, Route};

use super::environment::Environment;
use crate::source::Secret;

/// The number of open streams. Further ones are refused.
const MAX_STREAMS: usize = 768;
/// How many requests may evaluate all flags at once.
const MAX_EVALUATIONS: usize = 16;
/// How long a request waits for its turn to evaluate.
pub(super) const EVALUATION_WAIT: Duration = Duration::from_secs(5);

/// The options of the server.
#[derive(Debug, Default)]
pub(crate) struct ServerOptions {
    pub(crate) access: AccessRules,
    /// Whether the page and its API are served.
    pub(crate) has_page: bool,
    /// The token that the page and its API require.
    pub(crate) token: Option<Secret>,
    /// Whether JavaScript SDKs must send a hash of their context.
    pub(crate) secure_mode: bool,
    /// Whether each override is saved at once.
    pub(crate) autosave: bool,
}

/// What all connections share.
pub(crate) struct Server {
    pub(super) environments: Vec<Arc<Environment>>,
    pub(super) credentials: Credentials,
    pub(super) options: ServerOptions,
    /// The URL of the server.
    pub(super) address: String,
    pub(super) streams: Arc<Semaphore>,
    pub(super) evaluations: Arc<Semaphore>,
    /// Becomes true when the server ends.
    pub(super) stop: watch::Sender<bool>,
    /// Changes whenever something has changed that the page shows.
    pub(super) wake: watch::Sender<()>,
    /// The requests to read sources again.
    pub(super) refresh: mpsc::Sender<Refresh>,
}

/// A request to read the source of an environment again.
#[derive(Debug)]
pub(crate) struct Refresh {
    pub(crate) environment: Arc<Environment>,
    /// Receives the contents, or the message of an error.
    pub(crate) reply: oneshot::Sender<Result<crate::snapshot::Snapshot, String>>,
}

impl Server {
    pub(crate) fn new(
        environments: Vec<Arc<Environment>>,
        credentials: Credentials,
        options: ServerOptions,
        address: String,
        wake: watch::Sender<()>,
        refresh: mpsc::Sender<Refresh>,
    ) -> Arc<Self> {
        Arc::new(Self {
            environments,
            credentials,
            options,
            address,
            streams: Arc::new(Semaphore::new(MAX_STREAMS)),
            evaluations: Arc::new(Semaphore::new(MAX_EVALUATIONS)),
            stop: watch::Sender::new(false),
            wake,
            refresh,
        })
    }

    /// Ends the streams, and accepts no more connections.
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Returns the environment of a request. `authorization` is the header with the key of the SDK.
    pub(super) fn environment_of(
        &self,
        route: &Route,
        authorization: Option<&str>,
    ) -> Result<&Arc<Environment>, CredentialError> {
        let name = self.credentials.environment(route, authorization)?;
        // The credentials have the names of the environments.
        self.environment(name).ok_or(CredentialError::Environment {
            environments: Vec::new(),
        })
    }

    /// Returns the SDK key that hashes of contexts are made with, in secure mode.
    pub(super) fn secure_mode_key(&self, environment: &Environment) -> Option<String> {
        let key = self.credentials.sdk_key(&environment.name)?;
        self.options.secure_mode.then(|| key.to_owned())
    }

    /// Returns the environment with this name.
    pub(super) fn environment(&self, name: &str) -> Option<&Arc<Environment>> {
        self.environments
            .iter()
            .find(|environment| environment.name == name)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("address", &self.address)
            .field("environments", &self.environments.len())
            .finish_non_exhaustive()
    }
}
