//! [`RequestScope`] as an extractor of axum.

use std::error::Error;
use std::fmt;

use axum_core::extract::FromRequestParts;
use axum_core::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;

use crate::RequestScope;

/// ```
/// use axum::Router;
/// use axum::routing::get;
/// use vexil::{Client, Context};
/// use vexil_testing::TestData;
/// use vexil_tower::{RequestScope, ScopeLayer};
///
/// async fn theme(scope: RequestScope) -> String {
///     scope.str_variation("theme", "light").to_string()
/// }
///
/// let client = Client::builder("sdk-key").data_source(TestData::new()).start()?;
/// let app: Router = Router::new()
///     .route("/theme", get(theme))
///     .layer(ScopeLayer::new(client, |_| || Context::new("ada")));
/// # let _ = app;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl<S: Sync> FromRequestParts<S> for RequestScope {
    type Rejection = MissingScope;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, MissingScope> {
        Self::of(&parts.extensions).cloned().ok_or(MissingScope)
    }
}

/// The route has no [`ScopeLayer`](crate::ScopeLayer): 500.
///
/// ```
/// use axum::body::Body;
/// use axum::{Router, routing::get};
/// use http::{Request, StatusCode};
/// use tower::ServiceExt;
/// use vexil_tower::RequestScope;
///
/// # pollster::block_on(async {
/// // The layer was forgotten.
/// let app: Router = Router::new().route("/", get(async |_: RequestScope| "hello"));
/// let response = app.oneshot(Request::new(Body::empty())).await?;
/// assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MissingScope;

impl IntoResponse for MissingScope {
    fn into_response(self) -> Response {
        (StatusCode::INTERNAL_SERVER_ERROR, self.to_string()).into_response()
    }
}

impl fmt::Display for MissingScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the route has no layer that adds a scope to its requests")
    }
}

impl Error for MissingScope {}
