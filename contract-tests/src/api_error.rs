//! [`ApiError`]: an error response to the harness.

use std::error::Error;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// An error response with a message that the harness displays.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    message: String,
}

impl ApiError {
    /// The request is invalid or not supported.
    pub(crate) fn bad(message: impl ToString) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            message: message.to_string(),
        }
    }

    /// The client does not exist.
    pub(crate) fn unknown_client(id: u64) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            message: format!("there is no client {id}"),
        }
    }

    /// The SDK failed.
    pub(crate) fn failed(message: impl ToString) -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            message: message.to_string(),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        // Without the message, which may quote the request and thus a secret.
        tracing::warn!(status = %self.status, "request refused");
        (self.status, self.message).into_response()
    }
}

/// Formats an error with its causes.
pub(crate) fn describe(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
