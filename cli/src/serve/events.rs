//! What SDKs send: events, and the traces of their requests.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{StatusCode, request::Parts};
use axum::response::{IntoResponse, Response};
use tokio::sync::watch;
use vexil::Context;
use vexil_service::{Posted, Route};

use super::environment::Environment;
use super::sdk::Refusal;

const MAX_EVENTS: usize = 64 << 20;

#[derive(Debug, Default)]
pub(super) struct Events {}

#[derive(Debug)]
pub(super) struct Visit {
    cut: watch::Receiver<bool>,
    _keep: watch::Sender<bool>,
}

impl Visit {
    pub(super) fn sent(&self, _bytes: usize) {}
    pub(super) fn context(&self, _context: &Context) {}
    pub(super) async fn cut(&mut self) {
        let _ = self.cut.wait_for(|cut| *cut).await;
    }
}

impl Events {
    pub(super) fn open_streams(&self) -> usize {
        0
    }
    pub(super) fn received(&self) -> usize {
        0
    }
    pub(super) fn last_number(&self) -> u64 {
        0
    }
}

impl Environment {
    pub(crate) async fn expire_sdks(self: Arc<Self>) {}

    pub(super) fn visit(self: &Arc<Self>, _route: &Route, _head: &Parts) -> Visit {
        let (keep, cut) = watch::channel(false);
        Visit { cut, _keep: keep }
    }

    pub(super) async fn take_events(
        self: &Arc<Self>,
        route: &Route,
        _head: &Parts,
        body: Body,
    ) -> Result<Response, Refusal> {
        let body = to_bytes(body, MAX_EVENTS).await.map_err(|_| {
            Refusal::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "the events are larger than 64 MiB",
            )
        })?;
        match Posted::read(route, &body) {
            Some(_) => Ok(StatusCode::ACCEPTED.into_response()),
            None => Err(Refusal::new(
                StatusCode::BAD_REQUEST,
                "the body has no events",
            )),
        }
    }
}
