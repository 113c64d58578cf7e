//! Where an answer sends a request.
//!
//! By hand, because the HTTP library's own way turns some methods into `GET` and drops headers with them: a request
//! for flags stays the same request wherever it is sent, only the SDK key does not travel to another origin.

use reqwest::header::{AUTHORIZATION, COOKIE, LOCATION, PROXY_AUTHORIZATION};
use reqwest::{Request, Response, StatusCode, Url};
use thiserror::Error;

/// The most redirects that are followed for one request.
pub(super) const MOST: usize = 10;

/// Why a redirect cannot be followed.
#[derive(Debug, Error)]
pub(super) enum RedirectError {
    /// There was no end to them.
    #[error("more than {MOST} redirects")]
    TooMany,
    /// The answer does not say where to.
    #[error("the answer has no location")]
    NoLocation,
    /// The answer says where to, but nobody can go there.
    #[error("the location is not an http or https URL")]
    BadLocation,
}

/// Points the request to where the answer sends it; says whether it sends it anywhere.
pub(super) fn follow(request: &mut Request, response: &Response) -> Result<bool, RedirectError> {
    if !redirects(response.status()) {
        return Ok(false);
    }
    let location = response.headers().get(LOCATION).filter(|location| !location.is_empty());
    let location = str::from_utf8(location.ok_or(RedirectError::NoLocation)?.as_bytes());
    let location = location.map_err(|_not_text| RedirectError::BadLocation)?;
    let url = request.url().join(location).map_err(|_not_a_url| RedirectError::BadLocation)?;
    if !is_http(&url) {
        return Err(RedirectError::BadLocation);
    }
    if url.origin() != request.url().origin() {
        for secret in [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION] {
            request.headers_mut().remove(secret);
        }
    }
    *request.url_mut() = url;
    Ok(true)
}

fn redirects(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn is_http(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.has_host()
}
