//! [`answer`]: requests of SDKs.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use vexil_service::{Answer, AnswerError, Endpoint, Route, RouteError, etag, has_etag};

use super::environment::Environment;
use super::handler::{refusal, text};
use super::server::{EVALUATION_WAIT, Server};
use super::stream::{self, Feed};

/// The largest context of a REPORT or POST.
const MAX_CONTEXT: usize = 1 << 20;
/// The media type of the answers.
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A request is not answered with flags.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    message: String,
    /// The methods that the path allows.
    allow: Option<String>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            allow: None,
        }
    }

    /// A task has panicked.
    pub(super) fn defect(error: &tokio::task::JoinError) -> Self {
        tracing::error!("a request could not be answered: {error}");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the server has a defect, which its log shows",
        )
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = refusal(self.status, &self.message);
        if let Some(allow) = self
            .allow
            .and_then(|allow| HeaderValue::from_str(&allow).ok())
        {
            response.headers_mut().insert(header::ALLOW, allow);
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            let second = HeaderValue::from_static("1");
            response.headers_mut().insert(header::RETRY_AFTER, second);
        }
        response
    }
}

pub(super) async fn answer(State(server): State<Arc<Server>>, request: Request) -> Response {
    let answered = respond(&server, request).await;
    answered.unwrap_or_else(IntoResponse::into_response)
}

async fn respond(server: &Arc<Server>, request: Request) -> Result<Response, Refusal> {
    let (head, body) = request.into_parts();
    let found = Route::find(head.method.as_str(), head.uri.path(), head.uri.query());
    let route = found.map_err(|error| match &error {
        RouteError::Method { allow } => Refusal {
            allow: Some(allow.clone()),
            ..Refusal::new(StatusCode::METHOD_NOT_ALLOWED, error.to_string())
        },
        _ => Refusal::new(StatusCode::NOT_FOUND, error.to_string()),
    })?;
    if route.endpoint() == Endpoint::Status {
        return Ok(axum::Json(status(server)).into_response());
    }
    let authorization = text(&head.headers, &header::AUTHORIZATION);
    let environment = server
        .environment_of(&route, authorization)
        .map_err(|error| {
            let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::UNAUTHORIZED);
            Refusal::new(status, error.to_string())
        })?;
    match route.endpoint() {
        Endpoint::Events | Endpoint::Diagnostics | Endpoint::Pixel => {
            environment.take_events(route, head, body).await
        }
        _ => flags(server, environment, route, &head, body).await,
    }
}

/// Answers a request for flags.
async fn flags(
    server: &Arc<Server>,
    environment: &Arc<Environment>,
    route: Route,
    head: &Parts,
    body: Body,
) -> Result<Response, Refusal> {
    let body = context_body(head, body).await?;
    let snapshot = environment.snapshot();
    let secure_mode_key = server.secure_mode_key(environment);
    let permit = evaluation_permit(server, &route).await?;
    let context = match has_context(route.endpoint()) {
        true => route.context(&body).ok(),
        false => None,
    };
    let id = environment.request(&route, head, context.as_ref());
    let memberships = match &context {
        Some(context) => environment.memberships(&snapshot, context).await,
        None => None,
    };
    let asked = memberships.clone();
    // Evaluating all flags for a context can take longer than a task should hold its thread.
    let answered = spawn_blocking(move || {
        let _permit = permit;
        let served = snapshot.served(asked.as_ref());
        vexil_service::answer(&route, &body, served, secure_mode_key.as_deref())
    });
    let answered = answered.await.map_err(|error| Refusal::defect(&error))?;
    let answer = answered.map_err(refused)?;
    let feed = match answer {
        Answer::Body(body) => {
            environment.sent(id, body.len());
            return Ok(whole(environment, head, body));
        }
        Answer::Items(stream) => Feed::Items(stream),
        Answer::Values(stream) => {
            let group = environment.groups.of(&stream);
            Feed::Values(stream, group, memberships)
        }
        _ => return Err(Refusal::new(StatusCode::NOT_FOUND, "no such endpoint")),
    };
    let Ok(permit) = Arc::clone(&server.streams).try_acquire_owned() else {
        return Err(Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the server has as many streams as it allows",
        ));
    };
    let stop = server.stop.subscribe();
    let visit = environment.visit(id, head);
    let opening = {
        let environment = Arc::clone(environment);
        spawn_blocking(move || stream::open(feed, &environment, stop, visit, permit))
    };
    let body = opening.await.map_err(|error| Refusal::defect(&error))?;
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    let event_stream = HeaderValue::from_static("text/event-stream");
    headers.insert(header::CONTENT_TYPE, event_stream);
    let unbuffered = HeaderName::from_static("x-accel-buffering");
    headers.insert(unbuffered, HeaderValue::from_static("no"));
    add_common(headers, environment);
    Ok(response)
}

/// Reads the context in the body of a REPORT or POST.
async fn context_body(head: &Parts, body: Body) -> Result<Bytes, Refusal> {
    let media_type = text(&head.headers, &header::CONTENT_TYPE);
    let has_body = head.method != axum::http::Method::GET;
    let is_json = media_type.is_none_or(|media_type| media_type.starts_with("application/json"));
    if has_body && !is_json {
        return Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the body must be application/json",
        ));
    }
    if !has_body {
        return Ok(Bytes::new());
    }
    to_bytes(body, MAX_CONTEXT).await.map_err(|_| {
        Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the context is larger than 1 MiB, or did not arrive",
        )
    })
}

/// Waits for the turn of a request that evaluates all flags.
async fn evaluation_permit(
    server: &Server,
    route: &Route,
) -> Result<Option<OwnedSemaphorePermit>, Refusal> {
    let evaluates = matches!(
        route.endpoint(),
        Endpoint::ClientPoll | Endpoint::ClientPayloadPoll
    );
    if !evaluates {
        return Ok(None);
    }
    let evaluations = Arc::clone(&server.evaluations);
    match timeout(EVALUATION_WAIT, evaluations.acquire_owned()).await {
        Ok(permit) => Ok(permit.ok()),
        Err(_) => Err(Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the server evaluates flags for too many clients at the moment",
        )),
    }
}

/// Whether requests to an endpoint have a context.
fn has_context(endpoint: Endpoint) -> bool {
    matches!(
        endpoint,
        Endpoint::ClientPoll
            | Endpoint::ClientStream
            | Endpoint::ClientPayloadPoll
            | Endpoint::ClientPayloadStream
    )
}

fn refused(error: AnswerError) -> Refusal {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let message = match &error {
        AnswerError::Context { source } => match std::error::Error::source(source) {
            // Neither contains values of the context.
            Some(reason) => format!("context is invalid: {reason}"),
            None => format!("context is invalid: {source}"),
        },
        error => error.to_string(),
    };
    Refusal::new(status, message)
}

/// Returns a body, or 304 if the client has it.
fn whole(environment: &Environment, head: &Parts, body: Bytes) -> Response {
    let tag = etag(&body);
    let is_known = text(&head.headers, &header::IF_NONE_MATCH)
        .is_some_and(|if_none_match| has_etag(if_none_match, &tag));
    let mut response = match is_known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => ([(header::CONTENT_TYPE, JSON)], body).into_response(),
    };
    let headers = response.headers_mut();
    // Quotes and hexadecimal digits are valid in a header.
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    add_common(headers, environment);
    response
}

fn add_common(headers: &mut HeaderMap, environment: &Environment) {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.append(header::VARY, HeaderValue::from_static("Authorization"));
    if let Ok(id) = HeaderValue::from_str(environment.environment_id()) {
        headers.insert(HeaderName::from_static("x-ld-envid"), id);
    }
}

/// Returns the status in the form of the Relay Proxy, for scripts that wait for one.
fn status(server: &Server) -> serde_json::Value {
    let environments: serde_json::Map<_, _> = server
        .environments
        .iter()
        .map(|environment| {
            let status = json!({
                "status": "connected",
                "envId": environment.environment_id(),
                "sdkKey": server.credentials.shown(&environment.name).and_then(|shown| shown.sdk_key),
                "connectionStatus": {"state": "VALID"},
                "dataStoreStatus": {"state": "VALID"},
            });
            (environment.name.clone(), status)
        })
        .collect();
    json!({
        "environments": environments,
        "status": "healthy",
        "version": env!("CARGO_PKG_VERSION"),
    })
}
