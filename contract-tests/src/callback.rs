//! [`Callback`]: a place of the harness that the service tells of things.

use std::time::Duration;

use ureq::Agent;

/// The harness answers at once, or after a pause that a test makes.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A place of the harness. Asking it blocks.
#[derive(Clone, Debug)]
pub(crate) struct Callback {
    agent: Agent,
    uri: String,
}

impl Callback {
    pub(crate) fn new(uri: String) -> Self {
        Self {
            agent: Agent::config_builder()
                .proxy(None)
                .timeout_global(Some(TIMEOUT))
                .build()
                .into(),
            uri,
        }
    }

    /// Posts JSON, or text that is none.
    pub(crate) fn post(&self, body: &str) -> Result<String, ureq::Error> {
        self.agent
            .post(&self.uri)
            .header("content-type", "application/json")
            .send(body)?
            .body_mut()
            .read_to_string()
    }

    /// Says that nothing more will be asked.
    pub(crate) fn delete(&self) -> Result<(), ureq::Error> {
        self.agent.delete(&self.uri).call().map(drop)
    }
}
