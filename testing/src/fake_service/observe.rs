//! Methods that observe requests, connections and events.

use serde_json::Value;

use super::{ClosedBy, Endpoint, FakeService, Payload, Request, SummaryCounts};
use crate::Waiting;

/// Requests, in the order in which they arrived.
impl FakeService {
    /// Waits for the next request to an endpoint: the first one not yet returned by this method.
    ///
    /// A request is available once it was received in full, which is before it is answered.
    pub fn next_request(&self, endpoint: Endpoint) -> Waiting<'_, Request> {
        let take = move || {
            self.shared
                .state
                .change_quietly(|state| state.log.next(endpoint))
        };
        self.waiting(format!("a request to {endpoint:?}"), take)
    }

    /// Returns all requests, whether returned by [`Self::next_request`] or not.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.shared
            .state
            .look(|state| state.log.requests().cloned().collect())
    }

    /// Returns all requests to one endpoint.
    #[must_use]
    pub fn requests_to(&self, endpoint: Endpoint) -> Vec<Request> {
        let wanted = |request: &&Request| request.endpoint() == endpoint;
        self.shared
            .state
            .look(|state| state.log.requests().filter(wanted).cloned().collect())
    }

    /// Returns the number of queued answers left for an endpoint.
    #[must_use]
    pub fn answers_left(&self, endpoint: Endpoint) -> usize {
        self.shared.state.look(|state| state.scripts.left(endpoint))
    }
}

/// Connections.
impl FakeService {
    /// Returns the number of open streams.
    #[must_use]
    pub fn open_streams(&self) -> usize {
        self.shared.state.look(|state| state.streams.count())
    }

    /// Returns the number of failed TLS handshakes, as of clients that do not trust the
    /// certificate.
    #[must_use]
    pub fn failed_handshakes(&self) -> usize {
        self.shared.state.look(|state| state.failed_handshakes)
    }

    /// Waits until exactly this many streams are open.
    pub fn wait_for_streams(&self, count: usize) -> Waiting<'_, ()> {
        self.until(format!("{count} open streams"), move || {
            self.open_streams() == count
        })
    }

    /// Waits until the connection of a request is closed.
    pub fn wait_for_closed(&self, request: &Request) -> Waiting<'_, ClosedBy> {
        let request = request.clone();
        let what = format!(
            "the end of the connection of {} {}",
            request.method(),
            request.path()
        );
        self.waiting(what, move || request.closed())
    }

    /// Waits for any condition on the observed traffic. `what` completes the sentence "waited for".
    ///
    /// The condition is evaluated immediately, and again after each request, answer, and end of a
    /// stream or connection. Other events do not trigger an evaluation.
    ///
    /// ```no_run
    /// # let service = vexil_testing::FakeService::start()?;
    /// service.until("ten evaluations", || service.summary_counts().total() >= 10).wait()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn until<'a>(
        &'a self,
        what: impl Into<String>,
        mut condition: impl FnMut() -> bool + Send + 'a,
    ) -> Waiting<'a, ()> {
        self.waiting(what.into(), move || condition().then_some(()))
    }

    fn waiting<'a, T>(
        &'a self,
        what: String,
        look: impl FnMut() -> Option<T> + Send + 'a,
    ) -> Waiting<'a, T> {
        Waiting::new(&*self.shared, what, look)
    }
}

/// Accepted analytics events: those answered with success. A payload that was sent again counts
/// once.
impl FakeService {
    /// Waits for the next payload: the first one not yet returned by this method.
    pub fn next_payload(&self) -> Waiting<'_, Payload> {
        self.waiting("a payload".to_owned(), || {
            self.shared
                .state
                .change_quietly(|state| state.log.next_payload())
        })
    }

    /// Returns all payloads, whether returned by [`Self::next_payload`] or not.
    #[must_use]
    pub fn payloads(&self) -> Vec<Payload> {
        self.shared
            .state
            .look(|state| state.log.payloads().cloned().collect())
    }

    /// Returns the events of all payloads.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        self.payloads()
            .iter()
            .flat_map(Payload::events)
            .cloned()
            .collect()
    }

    /// Returns the evaluation counts in the summaries of all payloads.
    #[must_use]
    pub fn summary_counts(&self) -> SummaryCounts {
        SummaryCounts::of(self.payloads().iter().flat_map(Payload::events))
    }
}
