//! [`Refusal`]: what the harness is told when something cannot be done.

use std::error::Error;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// An answer other than success, with a text that the harness shows.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    message: String,
}

impl Refusal {
    /// What was asked for makes no sense, or is not supported.
    pub(crate) fn bad(message: impl ToString) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            message: message.to_string(),
        }
    }

    /// There is no such client.
    pub(crate) fn unknown_client(id: u64) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            message: format!("there is no client {id}"),
        }
    }

    /// The SDK has failed.
    pub(crate) fn failed(message: impl ToString) -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            message: message.to_string(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        tracing::warn!(status = %self.status, "refused: {}", self.message);
        (self.status, self.message).into_response()
    }
}

/// An error with its causes.
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
