//! The API of the page, under `/vexil/api`. `openapi.json` describes it.

mod changes;
mod error;
mod evaluate;
mod events;
mod flags;
mod items;
mod overrides;
mod refresh;
mod state;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequestParts};
use axum::http::header;
use axum::http::request::Parts;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::routing::{get, post, put};

pub(super) use self::error::ApiError;
use self::error::require_token;
use super::environment::Environment;
use super::server::Server;

/// The largest body of a request.
const MAX_BODY: usize = 8 << 20;

pub(super) fn routes(server: &Arc<Server>) -> Router<Arc<Server>> {
    let environment = Router::new()
        .route("/flags", post(flags::search))
        .route("/flags/{key}", get(items::flag))
        .route("/segments", get(items::segments))
        .route("/segments/{key}", get(items::segment))
        .route(
            "/overrides",
            get(overrides::all)
                .put(overrides::replace)
                .delete(overrides::remove_all),
        )
        .route("/overrides/save", post(overrides::save))
        .route("/overrides/reload", post(overrides::reload))
        .route(
            "/overrides/flags/{key}",
            put(overrides::set_flag).delete(overrides::remove_flag),
        )
        .route(
            "/overrides/segments/{key}",
            put(overrides::set_segment).delete(overrides::remove_segment),
        )
        .route("/evaluate", post(evaluate::evaluate))
        .route("/explain", post(evaluate::explain))
        .route("/findings", get(items::findings))
        .route("/events", get(events::events).delete(events::clear))
        .route("/events/counts", get(events::counts))
        .route("/contexts", get(events::contexts))
        .route("/sdks", get(events::sdks))
        .route("/sdks/{id}/cut", post(events::cut))
        .route("/resend", post(events::resend))
        .route("/refresh", post(refresh::refresh));
    Router::new()
        .route("/state", get(state::state))
        .route("/changes", get(changes::changes))
        .route("/openapi.json", get(openapi))
        .nest("/env/{environment}", environment)
        .fallback(async || ApiError::not_found("the API has no such path"))
        .method_not_allowed_fallback(async || ApiError::method())
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn_with_state(Arc::clone(server), require_token))
}

async fn openapi() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "application/json")],
        include_str!("openapi.json"),
    )
}

/// The environment in the path of a request.
pub(super) struct Chosen(pub(super) Arc<Environment>);

impl FromRequestParts<Arc<Server>> for Chosen {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, server: &Arc<Server>) -> Result<Self, ApiError> {
        let path = axum::extract::RawPathParams::from_request_parts(parts, server).await;
        let name = path.as_ref().ok().and_then(|path| {
            let mut values = path.iter();
            values.find(|(name, _)| *name == "environment")
        });
        let found = name.and_then(|(_, name)| server.environment(name));
        found
            .map(|environment| Self(Arc::clone(environment)))
            .ok_or_else(|| ApiError::not_found("there is no such environment"))
    }
}
