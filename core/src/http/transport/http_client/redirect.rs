//! Follows redirects.
//!
//! A redirect changes neither the method nor the body, whatever its status: a request for flags
//! stays the same request wherever it is sent. Only credentials are removed when the origin
//! changes.
//!
//! Two kinds of redirects are refused, whatever their status. A redirect from https to http would
//! expose flags to reading and tampering. A redirect of a POST to another origin would disclose the
//! bodies of events, which hold personal data.

use std::sync::{Mutex, PoisonError};

use http::header::{AUTHORIZATION, COOKIE, LOCATION, PROXY_AUTHORIZATION};
use http::{Method, Response, StatusCode};
use hyper::body::Incoming;
use thiserror::Error;
use url::Url;

use super::request::{Request, is_http};

/// The maximum number of redirects for one request.
pub(super) const MOST: usize = 10;

/// A redirect that cannot be followed.
#[derive(Debug, Error)]
pub(super) enum RedirectError {
    /// There were too many redirects.
    #[error("more than {MOST} redirects")]
    TooMany,
    /// The response has no `Location` header.
    #[error("the redirect has no location")]
    NoLocation,
    /// The location is not a URL that a request can be sent to.
    #[error("the location is not an http or https URL")]
    BadLocation,
    /// The redirect leads from https to http.
    #[error("it leads from https to http, to {host}")]
    Insecure {
        /// The host, and the port if it is not the usual one.
        host: String,
    },
    /// The redirect would send the body of a request to another origin.
    #[error("it leads a {method} to another origin, to {host}")]
    OtherOrigin {
        /// The request's method.
        method: Method,
        /// The host, and the port if it is not the usual one.
        host: String,
    },
}

impl RedirectError {
    /// The host of a valid redirect that is refused.
    fn refused_host(&self) -> Option<&str> {
        match self {
            Self::Insecure { host } | Self::OtherOrigin { host, .. } => Some(host),
            Self::TooMany | Self::NoLocation | Self::BadLocation => None,
        }
    }
}

/// Logs refused redirects. Each request may be refused again, so a refusal is logged only if it
/// differs from the previous one.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    /// The last logged reason. Held only while two reasons are compared.
    last: Mutex<String>,
}

impl Refusals {
    pub(super) fn log(&self, error: &RedirectError) {
        let Some(host) = error.refused_host() else {
            return;
        };
        let reason = error.to_string();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if *last == reason {
            return;
        }
        last.clone_from(&reason);
        drop(last);
        tracing::warn!(host, reason, "a redirect is refused");
    }
}

/// Applies a redirect to the request. Returns whether the response is a redirect.
pub(super) fn follow(
    request: &mut Request,
    response: &Response<Incoming>,
) -> Result<bool, RedirectError> {
    if !redirects(response.status()) {
        return Ok(false);
    }
    let location = response
        .headers()
        .get(LOCATION)
        .filter(|location| !location.is_empty());
    let location = str::from_utf8(location.ok_or(RedirectError::NoLocation)?.as_bytes());
    let location = location.map_err(|_not_text| RedirectError::BadLocation)?;
    let url = request
        .url()
        .join(location)
        .map_err(|_not_a_url| RedirectError::BadLocation)?;
    if !is_http(&url) {
        return Err(RedirectError::BadLocation);
    }
    let url = without_credentials(url);
    permit(request.method(), request.url(), &url)?;
    if url.origin() != request.url().origin() {
        for secret in [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION] {
            request.headers_mut().remove(secret);
        }
    }
    *request.url_mut() = url;
    Ok(true)
}

/// Removes credentials: a server must not choose the credentials that are sent to another server.
fn without_credentials(mut url: Url) -> Url {
    // Fails only for URLs without a host.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url
}

/// Checks whether a request may be redirected from one URL to another.
fn permit(method: &Method, from: &Url, to: &Url) -> Result<(), RedirectError> {
    if from.scheme() == "https" && to.scheme() == "http" {
        return Err(RedirectError::Insecure {
            host: shown_host(to),
        });
    }
    if !method.is_safe() && from.origin() != to.origin() {
        return Err(RedirectError::OtherOrigin {
            method: method.clone(),
            host: shown_host(to),
        });
    }
    Ok(())
}

/// Host and port for the log, truncated to the maximum length of a host name.
fn shown_host(url: &Url) -> String {
    const LONGEST: usize = 253;
    let host: String = url
        .host_str()
        .unwrap_or_default()
        .chars()
        .take(LONGEST)
        .collect();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host,
    }
}

fn redirects(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(method: &Method, from: &str, to: &str) -> &'static str {
        match permit(method, &Url::parse(from).unwrap(), &Url::parse(to).unwrap()) {
            Ok(()) => "followed",
            Err(RedirectError::Insecure { .. }) => "insecure",
            Err(_) => "other origin",
        }
    }

    #[test]
    fn no_request_leaves_https_and_no_post_leaves_its_origin() {
        for (from, to, get, post) in [
            ("https://a/x", "https://a/y", "followed", "followed"),
            ("https://a/x", "https://A:443/y", "followed", "followed"),
            ("http://a/x", "http://a:80/y", "followed", "followed"),
            ("https://a/x", "https://b/x", "followed", "other origin"),
            ("https://a/x", "https://a:444/x", "followed", "other origin"),
            ("https://a/x", "https://a.b/x", "followed", "other origin"),
            ("https://a/x", "https://a./x", "followed", "other origin"),
            ("http://a/x", "https://a/x", "followed", "other origin"),
            ("https://a/x", "http://a/x", "insecure", "insecure"),
            ("https://a/x", "http://a:443/x", "insecure", "insecure"),
            ("https://a/x", "http://127.0.0.1/x", "insecure", "insecure"),
        ] {
            assert_eq!(outcome(&Method::GET, from, to), get, "{from} {to}");
            assert_eq!(outcome(&Method::POST, from, to), post, "{from} {to}");
        }
    }
}
