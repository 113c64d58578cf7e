//! The page, whose front end starts with the flags that are in it.

use std::env;
use std::path::PathBuf;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use serde_json::json;
use vexil::client::FlagsStateOptions;
use vexil_tower::RequestScope;

/// The SDK of the front end, as npm installs it.
const SDK: &str = "node_modules/@launchdarkly/js-client-sdk/dist/index.js";

pub(crate) fn routes() -> Router {
    Router::new()
        .route("/", get(page))
        .route("/page.mjs", get(async || script(include_str!("page.mjs"))))
        .route("/sdk.mjs", get(sdk))
}

async fn page(scope: RequestScope) -> Response {
    let Ok(context) = scope.context() else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    // Only the flags that browsers may see, with what the front end's SDK needs for its events.
    let options = FlagsStateOptions::default().client_side_only(true);
    let start = json!({
        "context": context,
        // Proves that this application vouches for the context: see `front_end.rs`.
        "hash": scope.client().secure_mode_hash(context),
        "flags": scope.all_flags_state(options),
    });
    // `<` could end the script element, or begin a comment in it.
    let start = start.to_string().replace('<', r"\u003c");
    let page = include_str!("page.html").replace("START", &start);
    let headers = [
        // The page is for this visitor.
        (CACHE_CONTROL, "no-store"),
        // The browser sends requests to no other address.
        (CONTENT_SECURITY_POLICY, "default-src 'self'; img-src data:"),
    ];
    (headers, Html(page)).into_response()
}

/// Serves the SDK from the folder `JS_SDK`, by default the one in which the README installs it.
async fn sdk() -> Response {
    let folder = env::var("JS_SDK")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/web/browser").to_owned());
    match tokio::fs::read_to_string(PathBuf::from(folder).join(SDK)).await {
        Ok(text) => script(text),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

fn script(text: impl IntoResponse) -> Response {
    ([(CONTENT_TYPE, "text/javascript")], text).into_response()
}
