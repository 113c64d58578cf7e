//! [`Callback`]: an endpoint of the harness that the service calls.

use std::time::Duration;

use ureq::Agent;

/// Request timeout. The harness responds at once, or after a delay chosen by a test.
const TIMEOUT: Duration = Duration::from_secs(10);

/// An endpoint of the harness. Calls block.
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

    /// Posts JSON or plain text.
    pub(crate) fn post(&self, body: &str) -> Result<String, ureq::Error> {
        self.agent
            .post(&self.uri)
            .header("content-type", "application/json")
            .send(body)?
            .body_mut()
            .read_to_string()
    }

    /// Notifies the harness that there will be no more calls.
    pub(crate) fn delete(&self) -> Result<(), ureq::Error> {
        self.agent.delete(&self.uri).call().map(drop)
    }
}
