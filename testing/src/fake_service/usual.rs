//! The default answers of the service.

use std::sync::Arc;

use bytes::Bytes;
use vexil_service::{Endpoint, Event, Posted, RouteError, fdv1, fdv2};

use super::protocol::Protocol;
use super::request::Request;
use super::shared::{Settings, Shared, State};
use super::streams::OpenStream;

/// A response to be sent.
pub(super) struct Response {
    pub(super) status: u16,
    /// Header names in lower case.
    pub(super) headers: Vec<(String, Bytes)>,
    pub(super) pieces: Vec<Bytes>,
    /// The events that make up the body of a poll of the second protocol.
    pub(super) entries: Option<Vec<Event>>,
    /// The source of further pieces, for a stream.
    pub(super) stream: Option<OpenStream>,
    pub(super) gzip: bool,
}

impl Response {
    pub(super) fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            pieces: Vec::new(),
            entries: None,
            stream: None,
            gzip: false,
        }
    }

    /// Creates the response of a new stream.
    pub(super) fn stream(shared: &Arc<Shared>, state: &mut State, protocol: Protocol) -> Self {
        let mut response = Self::status(200);
        response.stream = Some(state.streams.open(shared, protocol));
        response.header("content-type", "text/event-stream");
        response.header("cache-control", "no-cache");
        response.environment(&shared.settings);
        response
    }

    /// Creates a response of the second protocol without events.
    pub(super) fn payload(shared: &Arc<Shared>, state: &mut State, endpoint: Endpoint) -> Self {
        if let Some(protocol) = Protocol::of_streams(endpoint) {
            return Self::stream(shared, state, protocol);
        }
        let mut response = Self::status(200);
        response.header("content-type", "application/json");
        response.environment(&shared.settings);
        response.entries = Some(Vec::new());
        response
    }

    pub(super) fn usual(shared: &Arc<Shared>, state: &mut State, request: &Request) -> Self {
        let settings = &shared.settings;
        let route = match request.route() {
            Ok(route) => route,
            Err(RouteError::Method { .. }) => return Self::status(405),
            Err(_) => return Self::status(404),
        };
        if settings.sdk_key.is_some()
            && request.header("authorization") != settings.sdk_key.as_deref()
        {
            return Self::status(401);
        }
        match route.endpoint() {
            Endpoint::Stream => {
                let mut response = Self::stream(shared, state, Protocol::Classic);
                response.pieces.push(fdv1::put(&state.data.items).to_sse());
                response
            }
            Endpoint::PayloadStream => {
                let events = fdv2::payload(&state.data.items, route.basis());
                let mut response = Self::stream(shared, state, Protocol::Payloads);
                response.pieces.extend(events.iter().map(Event::to_sse));
                response
            }
            Endpoint::Poll => {
                let mut response = Self::poll(settings, request, state.data.etag());
                if response.status == 200 {
                    response.pieces.push(fdv1::body(&state.data.items));
                }
                response
            }
            Endpoint::PayloadPoll => {
                let mut response = Self::poll(settings, request, state.data.etag());
                if response.status == 200 {
                    response.entries = Some(fdv2::payload(&state.data.items, route.basis()));
                }
                response
            }
            Endpoint::Events | Endpoint::Diagnostics => {
                let is_read = request.is_intact() && Posted::read(&route, request.body()).is_some();
                Self::status(if is_read { 202 } else { 400 })
            }
            _ => Self::status(404),
        }
    }

    /// Creates the response of a poll without its body, whose tag is this one: 304 if the client
    /// has it.
    fn poll(settings: &Settings, request: &Request, etag: String) -> Self {
        let known = request.lists("if-none-match", &etag) || request.lists("if-none-match", "*");
        let mut response = Self::status(if known { 304 } else { 200 });
        response.header("etag", etag);
        response.environment(settings);
        if !known {
            response.header("content-type", "application/json");
            response.gzip = request.accepts_gzip();
        }
        response
    }

    pub(super) fn header(&mut self, name: &str, value: impl Into<Bytes>) {
        self.headers.push((name.to_owned(), value.into()));
    }

    fn environment(&mut self, settings: &Settings) {
        if let Some(id) = &settings.environment_id {
            self.header("x-ld-envid", id.clone());
        }
    }
}
