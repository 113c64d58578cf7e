//! From the HTTP library's errors to ours.

use std::error::Error;
use std::{io, iter};

use crate::transport::{TransportError, TransportErrorKind};

/// Says what kind of trouble an error is. The URL is left out of it: it may hold credentials.
pub(super) fn classify(error: reqwest::Error) -> TransportError {
    let kind = if causes(&error).any(is_about_a_certificate) {
        TransportErrorKind::Certificate
    } else if error.is_timeout() {
        TransportErrorKind::Timeout
    } else if error.is_builder() {
        TransportErrorKind::Request
    } else {
        TransportErrorKind::Connection
    };
    TransportError::new(kind, error.without_url())
}

/// Only the other side's certificate: an alert about ours, or a handshake that breaks, is ordinary trouble.
fn is_about_a_certificate(error: &(dyn Error + 'static)) -> bool {
    matches!(error.downcast_ref(), Some(rustls::Error::InvalidCertificate(_)))
}

/// The error and what lies below it.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| below(*error))
}

fn below<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref().and_then(io::Error::get_ref) {
        // Its `source` would skip this one.
        Some(inner) => Some(inner),
        None => error.source(),
    }
}
