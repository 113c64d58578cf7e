//! [`Log`]: a bounded record of received requests.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use vexil_service::{Endpoint, PayloadIds};

use super::payload::Payload;
use super::request::{Connection, Incoming, Request};

/// Beyond these limits, the oldest requests are dropped.
pub(super) const MAX_REQUESTS: usize = 10_000;
const MAX_BYTES: usize = 256 << 20;

#[derive(Debug)]
pub(super) struct Log {
    max_requests: usize,
    requests: VecDeque<Request>,
    /// The size of all bodies in `requests`.
    bytes: usize,
    /// The number of requests so far, dropped ones included.
    count: u64,
    /// For each endpoint, the number after that of the last request returned by `next_request`.
    taken: HashMap<Endpoint, u64>,
    /// Each with its position in the order of acceptance.
    payloads: VecDeque<(u64, Payload)>,
    payload_ids: PayloadIds,
    accepted: u64,
    /// The position after that of the last payload returned by `next_payload`.
    payloads_taken: u64,
}

impl Log {
    /// Creates an empty log that keeps at most this many requests.
    pub(super) fn new(max_requests: usize) -> Self {
        Self {
            max_requests,
            requests: VecDeque::new(),
            bytes: 0,
            count: 0,
            taken: HashMap::new(),
            payloads: VecDeque::new(),
            payload_ids: PayloadIds::new(max_requests),
            accepted: 0,
            payloads_taken: 0,
        }
    }

    pub(super) fn record(&mut self, incoming: Incoming, connection: &Arc<Connection>) -> Request {
        let request = Request::new(self.count, incoming, Arc::clone(connection));
        self.count += 1;
        self.bytes += request.body().len();
        self.requests.push_back(request.clone());
        while self.requests.len() > self.max_requests || self.bytes > MAX_BYTES {
            let Some(oldest) = self.requests.pop_front() else {
                break;
            };
            self.bytes -= oldest.body().len();
            self.payloads
                .retain(|(_, payload)| payload.request().number() != oldest.number());
        }
        request
    }

    /// Records the events of a request that is answered with success, unless the payload is a
    /// repetition.
    pub(super) fn accept(&mut self, request: &Request) {
        let Some(payload) = Payload::of(request) else {
            return;
        };
        if payload.id().is_none_or(|id| self.payload_ids.insert(id)) {
            self.payloads.push_back((self.accepted, payload));
            self.accepted += 1;
        }
    }

    pub(super) fn next(&mut self, endpoint: Endpoint) -> Option<Request> {
        let from = self.taken.get(&endpoint).copied().unwrap_or(0);
        let mut rest = self
            .requests
            .iter()
            .skip_while(|request| request.number() < from);
        let next = rest.find(|request| request.endpoint() == endpoint)?.clone();
        self.taken.insert(endpoint, next.number() + 1);
        Some(next)
    }

    pub(super) fn next_payload(&mut self) -> Option<Payload> {
        let (place, next) = self
            .payloads
            .iter()
            .find(|(place, _)| *place >= self.payloads_taken)?;
        self.payloads_taken = place + 1;
        Some(next.clone())
    }

    pub(super) fn requests(&self) -> impl Iterator<Item = &Request> {
        self.requests.iter()
    }

    pub(super) fn payloads(&self) -> impl Iterator<Item = &Payload> {
        self.payloads.iter().map(|(_, payload)| payload)
    }
}

impl Default for Log {
    fn default() -> Self {
        Self::new(MAX_REQUESTS)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use bytes::Bytes;

    use super::*;

    fn events(body: &'static [u8]) -> Incoming {
        Incoming {
            endpoint: Endpoint::Events,
            method: http::Method::POST,
            path: "/bulk".to_owned(),
            query: None,
            headers: http::HeaderMap::new(),
            body: Bytes::from_static(body),
            intact: true,
            modern: true,
            received_at: Instant::now(),
        }
    }

    #[test]
    fn the_oldest_requests_are_dropped() {
        let most = 100;
        let (mut log, connection) = (Log::new(most), Arc::new(Connection::new(0)));
        for _ in 0..most + 5 {
            let request = log.record(events(b"[1]"), &connection);
            log.accept(&request);
        }
        assert_eq!(
            (log.requests().count(), log.payloads().count()),
            (most, most)
        );
        assert_eq!(
            log.next(Endpoint::Events).map(|request| request.number()),
            Some(5)
        );
        assert_eq!(
            log.next_payload().map(|payload| payload.request().number()),
            Some(5)
        );
        assert_eq!(
            log.next_payload().map(|payload| payload.request().number()),
            Some(6)
        );
    }
}
