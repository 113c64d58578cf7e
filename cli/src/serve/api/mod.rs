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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    /// The paths that the code of this module routes, and the methods of each.
    fn routed() -> BTreeSet<(String, String)> {
        let code = include_str!("mod.rs");
        let code = code.split("\n#[cfg(test)]").next().unwrap_or_default();
        let mut routed = BTreeSet::new();
        let (environment, server) = code
            .split_once("Router::new()\n        .route(\"/state\"")
            .expect("two routers");
        for (prefix, router) in [("/env/{environment}", environment), ("", server)] {
            let router = if prefix.is_empty() {
                format!(".route(\"/state\"{router}")
            } else {
                router.to_owned()
            };
            for route in router.split(".route(").skip(1) {
                let path = route.split('"').nth(1).expect("a path");
                for method in ["get", "post", "put", "delete"] {
                    if route
                        .split(|character: char| !character.is_alphanumeric())
                        .any(|word| word == method)
                    {
                        routed.insert((format!("{prefix}{path}"), method.to_owned()));
                    }
                }
            }
        }
        routed
    }

    #[test]
    fn the_description_has_the_paths_and_methods_of_the_api() {
        let document: Value = serde_json::from_str(include_str!("openapi.json")).unwrap();
        let paths = document["paths"].as_object().unwrap();
        let described: BTreeSet<_> = paths
            .iter()
            .flat_map(|(path, methods)| {
                let methods = methods.as_object().unwrap().keys();
                methods.map(move |method| (path.clone(), method.clone()))
            })
            .collect();
        assert_eq!(described, routed());
        assert!(described.len() > 20);
    }
}
