//! [`app`]: which requests are answered, and by what.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;
use tower_http::compression::CompressionLayer;
use vexil_service::{Access, PageAccessError, RequestHead};

use super::api::ApiError;
use super::server::Server;
use super::{api, metrics, page, sdk};

/// Returns the service of a connection.
pub(super) fn app(server: Arc<Server>) -> Router {
    let mut app = Router::new()
        .route("/healthz", get(metrics::health))
        .route("/metrics", get(metrics::metrics));
    if server.options.has_page {
        app = app
            .route("/", get(page::page))
            .nest("/vexil/api", api::routes(&server));
    }
    app.fallback(sdk::answer)
        .layer(from_fn_with_state(Arc::clone(&server), admit))
        .layer(CompressionLayer::new())
        .with_state(server)
}

/// Answers a request if its host and the web page that it comes from are allowed.
async fn admit(State(server): State<Arc<Server>>, request: Request, next: Next) -> Response {
    let head = head(&request);
    if is_of_page(head.path) {
        let checked = server.options.access.check_page(&head);
        return match checked {
            Ok(()) => with_headers(next.run(request).await, page_headers()),
            Err(PageAccessError::Host) => wrong_host(&request),
            Err(error) => ApiError::access(error).into_response(),
        };
    }
    match server.options.access.decide(&head) {
        Access::Granted { headers } => with_headers(next.run(request).await, headers),
        Access::Preflight { headers } => {
            with_headers(StatusCode::NO_CONTENT.into_response(), headers)
        }
        Access::WrongHost => wrong_host(&request),
        _ => refusal(
            StatusCode::FORBIDDEN,
            "this server does not answer web pages of this origin; start it with --allow-origin to \
             allow it to read the values of flags",
        ),
    }
}

fn head(request: &Request) -> RequestHead<'_> {
    let text = |name: HeaderName| text(request.headers(), &name);
    RequestHead {
        method: request.method().as_str(),
        path: request.uri().path(),
        host: host(request),
        origin: text(header::ORIGIN),
        fetch_site: text(HeaderName::from_static("sec-fetch-site")),
        fetch_dest: text(HeaderName::from_static("sec-fetch-dest")),
        content_type: text(header::CONTENT_TYPE),
        marker: text(HeaderName::from_static("x-vexil")),
        requested_headers: text(header::ACCESS_CONTROL_REQUEST_HEADERS),
        requests_private_network: request
            .headers()
            .contains_key("access-control-request-private-network"),
    }
}

fn wrong_host(request: &Request) -> Response {
    let name = host(request).unwrap_or_default();
    let message = format!(
        "this server does not answer requests for the host {name:?}; start it with --allow-host to \
         allow it"
    );
    refusal(StatusCode::MISDIRECTED_REQUEST, &message)
}

/// The headers of the page and of its API.
fn page_headers() -> Vec<(&'static str, String)> {
    [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cache-control", "no-cache"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .into()
}

fn host(request: &Request) -> Option<&str> {
    let authority = request
        .uri()
        .authority()
        .map(|authority| authority.as_str());
    text(request.headers(), &header::HOST).or(authority)
}

fn is_of_page(path: &str) -> bool {
    path == "/" || path == "/vexil" || path.starts_with("/vexil/")
}

/// Returns the value of a header that is text.
pub(super) fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Returns an error for an SDK, which shows the message in its log.
pub(super) fn refusal(status: StatusCode, message: &str) -> Response {
    (status, axum::Json(json!({"message": message}))).into_response()
}

fn with_headers(mut response: Response, headers: Vec<(&'static str, String)>) -> Response {
    for (name, value) in headers {
        // A value that was received in a header can be sent in one.
        if let Ok(value) = HeaderValue::from_str(&value) {
            match name {
                "vary" => drop(response.headers_mut().append(name, value)),
                _ => drop(response.headers_mut().insert(name, value)),
            }
        }
    }
    response
}
