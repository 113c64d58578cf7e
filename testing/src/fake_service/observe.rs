//! What a test sees of what has come.

use serde_json::Value;

use super::{ClosedBy, Endpoint, FakeService, Payload, Request, SummaryCounts, Waiting};

/// Requests, in the order in which they came.
impl FakeService {
    /// The next request to an endpoint: the first one that no call of this has handed out before.
    ///
    /// It is there when it was received in full, which is before it is answered.
    pub fn next_request(&self, endpoint: Endpoint) -> Waiting<'_, Request> {
        let take = move || {
            self.shared
                .state
                .change_quietly(|state| state.log.next(endpoint))
        };
        self.waiting(format!("a request to {endpoint:?}"), take)
    }

    /// All requests, handed out or not.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.shared
            .state
            .look(|state| state.log.requests().cloned().collect())
    }

    /// All requests to one endpoint.
    #[must_use]
    pub fn requests_to(&self, endpoint: Endpoint) -> Vec<Request> {
        let wanted = |request: &&Request| request.endpoint() == endpoint;
        self.shared
            .state
            .look(|state| state.log.requests().filter(wanted).cloned().collect())
    }

    /// How many answers that were written for the next requests to an endpoint are left.
    #[must_use]
    pub fn answers_left(&self, endpoint: Endpoint) -> usize {
        self.shared.state.look(|state| state.scripts.left(endpoint))
    }
}

/// Connections.
impl FakeService {
    /// How many streams are open.
    #[must_use]
    pub fn open_streams(&self) -> usize {
        self.shared.state.look(|state| state.streams.count())
    }

    /// How many TLS handshakes have failed: clients that do not trust the certificate.
    #[must_use]
    pub fn failed_handshakes(&self) -> usize {
        self.shared.state.look(|state| state.failed_handshakes)
    }

    /// So many open streams, neither more nor less.
    pub fn wait_for_streams(&self, count: usize) -> Waiting<'_, ()> {
        self.until(format!("{count} open streams"), move || {
            self.open_streams() == count
        })
    }

    /// The end of the connection on which a request came.
    pub fn wait_for_closed(&self, request: &Request) -> Waiting<'_, ClosedBy> {
        let request = request.clone();
        let what = format!(
            "the end of the connection of {} {}",
            request.method(),
            request.path()
        );
        self.waiting(what, move || request.closed())
    }

    /// Whatever a test can tell from what the service has seen. `what` completes the sentence
    /// "waited for".
    ///
    /// The condition is tried at once and whenever something has happened here: a request, an
    /// answer, a stream or a connection that ends. What happens elsewhere does not count as that.
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
        Waiting::new(&*self.shared, self.server.background.handle(), what, look)
    }
}

/// Analytics events that were accepted: answered with success, a payload that was sent again only
/// once.
impl FakeService {
    /// The next payload: the first one that no call of this has handed out before.
    pub fn next_payload(&self) -> Waiting<'_, Payload> {
        self.waiting("a payload".to_owned(), || {
            self.shared
                .state
                .change_quietly(|state| state.log.next_payload())
        })
    }

    /// All payloads, handed out or not.
    #[must_use]
    pub fn payloads(&self) -> Vec<Payload> {
        self.shared
            .state
            .look(|state| state.log.payloads().cloned().collect())
    }

    /// The events of all payloads.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        self.payloads()
            .iter()
            .flat_map(Payload::events)
            .cloned()
            .collect()
    }

    /// How often flags were evaluated, by the summaries of all payloads.
    #[must_use]
    pub fn summary_counts(&self) -> SummaryCounts {
        SummaryCounts::of(self.payloads().iter().flat_map(Payload::events))
    }
}
