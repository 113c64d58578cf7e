//! The default answers of the service.

use std::sync::Arc;

use bytes::Bytes;

use super::endpoint::Endpoint;
use super::request::Request;
use super::shared::{Settings, Shared, State};
use super::streams::OpenStream;

/// A response to be sent.
pub(super) struct Response {
    pub(super) status: u16,
    /// Header names in lower case.
    pub(super) headers: Vec<(String, Bytes)>,
    pub(super) pieces: Vec<Bytes>,
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
            stream: None,
            gzip: false,
        }
    }

    /// Creates the response of a new stream.
    pub(super) fn stream(shared: &Arc<Shared>, state: &mut State) -> Self {
        let mut response = Self::status(200);
        response.stream = Some(state.streams.open(shared));
        response.header("content-type", "text/event-stream");
        response.header("cache-control", "no-cache");
        response.environment(&shared.settings);
        response
    }

    pub(super) fn usual(shared: &Arc<Shared>, state: &mut State, request: &Request) -> Self {
        let settings = &shared.settings;
        let Some(method) = request.endpoint().method() else {
            return Self::status(404);
        };
        if *request.method() != method {
            return Self::status(405);
        }
        if settings.sdk_key.is_some()
            && request.header("authorization") != settings.sdk_key.as_deref()
        {
            return Self::status(401);
        }
        match request.endpoint() {
            Endpoint::Stream => {
                let mut response = Self::stream(shared, state);
                response.pieces.push(state.data.put_event());
                response
            }
            Endpoint::Poll => Self::poll(settings, state, request),
            Endpoint::Events => {
                Self::status(if request.json().is_some_and(|json| json.is_array()) {
                    202
                } else {
                    400
                })
            }
            Endpoint::Diagnostics => {
                Self::status(if request.json().is_some_and(|json| json.is_object()) {
                    202
                } else {
                    400
                })
            }
            Endpoint::Other => Self::status(404),
        }
    }

    fn poll(settings: &Settings, state: &State, request: &Request) -> Self {
        let etag = state.data.etag();
        let known = request.lists("if-none-match", &etag) || request.lists("if-none-match", "*");
        let mut response = Self::status(if known { 304 } else { 200 });
        response.header("etag", etag);
        response.environment(settings);
        if !known {
            response.header("content-type", "application/json");
            response.pieces.push(state.data.body());
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
