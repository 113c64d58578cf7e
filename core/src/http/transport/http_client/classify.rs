//! Maps errors of the HTTP library to [`TransportError`].

use std::error::Error;
use std::{io, iter};

use super::connector::ConnectTimeout;
use super::tls::is_about_a_certificate;
use super::tls_settings::NoTls;
use crate::http::transport::{TransportError, TransportErrorKind};

/// Determines the kind of an error from its causes.
pub(super) fn classify(error: impl Error + Send + Sync + 'static) -> TransportError {
    let kind = if causes(&error).any(is_about_a_certificate) {
        TransportErrorKind::Certificate
    } else if causes(&error).any(is_timeout) {
        TransportErrorKind::Timeout
    } else if causes(&error).any(|cause| cause.is::<NoTls>()) {
        TransportErrorKind::Request
    } else {
        TransportErrorKind::Connection
    };
    TransportError::new(kind, error)
}

fn is_timeout(error: &(dyn Error + 'static)) -> bool {
    error.is::<ConnectTimeout>()
        || error.downcast_ref().is_some_and(hyper::Error::is_timeout)
        || error
            .downcast_ref()
            .is_some_and(|error: &io::Error| error.kind() == io::ErrorKind::TimedOut)
}

/// The error and its chain of causes.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| {
        below(*error)
    })
}

fn below<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref().and_then(io::Error::get_ref) {
        // `io::Error::source` would skip the inner error itself.
        Some(inner) => Some(inner),
        None => error.source(),
    }
}
