//! [`ApiError`]: the errors of the API; [`Body`]: the bodies of requests.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::task::JoinError;
use vexil_service::PageAccessError;

use crate::serve::handler::text;
use crate::serve::server::Server;

/// An error of the API.
#[derive(Debug)]
pub(in crate::serve) struct ApiError {
    status: StatusCode,
    body: Box<ErrorBody>,
}

#[derive(Debug, Serialize)]
struct ErrorBody {
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'static str>,
    /// A JSON pointer to the part of the body that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
    /// How the file of overrides differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    diff: Option<String>,
}

impl ApiError {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            body: Box::new(ErrorBody {
                code,
                message: message.into(),
                help: None,
                pointer: None,
                diff: None,
            }),
        }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", message)
    }

    pub(super) fn not_found(message: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", message)
    }

    pub(super) fn method() -> Self {
        let message = "the path does not allow this method";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method", message)
    }

    pub(super) fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, message)
    }

    /// The request does not come from the page.
    pub(in crate::serve) fn access(error: PageAccessError) -> Self {
        let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::FORBIDDEN);
        let code = match error {
            PageAccessError::MediaType => "media-type",
            _ => "forbidden",
        };
        Self::new(status, code, error.to_string())
    }

    /// The server has a defect.
    pub(super) fn defect(error: &dyn std::fmt::Display) -> Self {
        tracing::error!("a request of the page could not be answered: {error}");
        let message = "the server has a defect, which its log shows";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "defect", message)
    }

    pub(super) fn help(mut self, help: &'static str) -> Self {
        self.body.help = Some(help);
        self
    }

    pub(super) fn pointer(mut self, pointer: impl Into<String>) -> Self {
        self.body.pointer = Some(pointer.into());
        self
    }

    pub(super) fn diff(mut self, diff: String) -> Self {
        self.body.diff = Some(diff);
        self
    }
}

/// A task has panicked.
impl From<JoinError> for ApiError {
    fn from(error: JoinError) -> Self {
        Self::defect(&error)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = serde_json::json!({"error": self.body});
        (self.status, Json(body)).into_response()
    }
}

/// The JSON body of a request.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        match Json::from_request(request, state).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(JsonRejection::MissingJsonContentType(_)) => Err(ApiError::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "media-type",
                "the body must be application/json",
            )),
            Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                Err(ApiError::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "too-large",
                    "the body is larger than 8 MiB",
                ))
            }
            Err(rejection) => Err(ApiError::invalid(rejection.body_text())),
        }
    }
}

/// A body without members.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Empty {}

/// Refuses a request without the token, if the server has one.
pub(super) async fn require_token(
    State(server): State<Arc<Server>>,
    request: Request,
    next: Next,
) -> Response {
    let Some(token) = &server.options.token else {
        return next.run(request).await;
    };
    let given = text(request.headers(), &header::AUTHORIZATION)
        .and_then(|value| value.strip_prefix("Bearer "));
    match given.is_some_and(|given| token.is(given)) {
        true => next.run(request).await,
        false => ApiError::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "the token is missing or wrong",
        )
        .help("open the page with the address that the server has printed")
        .into_response(),
    }
}
