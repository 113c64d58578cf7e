//! Requests to a page of the service itself, and to the interface that the page uses.

use std::error::Error;
use std::fmt;

use super::{AccessRules, RequestHead};

impl AccessRules {
    /// Checks a request to a page of the service, or to the interface of the page, with which flags are
    /// changed. Answers have no CORS headers, so no other page can read them.
    ///
    /// - The host must be allowed.
    /// - An `Origin` must be `http` and the host of the request. Origins that may read the values of
    ///   flags have no access.
    /// - A `Sec-Fetch-Site` must be `same-origin` or `none`. As an exception, a link from another site may
    ///   open a page.
    /// - A method that may change something needs the `Origin`, which browsers send, or the header
    ///   `X-Vexil: 1`, which other websites cannot send without CORS.
    /// - A body must be `application/json`, which other websites cannot send without CORS either.
    ///
    /// ```
    /// use vexil_service::{AccessRules, RequestHead};
    ///
    /// let rules = AccessRules::default();
    /// let page = RequestHead {
    ///     host: Some("localhost:8765"),
    ///     origin: Some("http://localhost:8765"),
    ///     content_type: Some("application/json"),
    ///     ..RequestHead::new("PUT", "/vexil/api/env/default/overrides/flags/theme")
    /// };
    /// assert_eq!(rules.check_page(&page), Ok(()));
    ///
    /// let other = RequestHead { origin: Some("http://localhost:3000"), ..page };
    /// assert_eq!(rules.check_page(&other).unwrap_err().status(), 403);
    ///
    /// let command_line = RequestHead { origin: None, marker: Some("1"), ..page };
    /// assert_eq!(rules.check_page(&command_line), Ok(()));
    /// ```
    ///
    /// # Errors
    /// Returns an error that has the status of the response.
    pub fn check_page(&self, head: &RequestHead<'_>) -> Result<(), PageAccessError> {
        let host = head.host.filter(|host| self.is_host_allowed(host));
        let host = host.ok_or(PageAccessError::Host)?;
        let is_own = |origin: &str| {
            let authority = origin.strip_prefix("http://");
            authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
        };
        if head.origin.is_some_and(|origin| !is_own(origin)) {
            return Err(PageAccessError::Origin);
        }
        let may_change = !matches!(head.method, "GET" | "HEAD" | "OPTIONS");
        let is_opened = !may_change && head.fetch_dest == Some("document");
        let is_own_site = |site| matches!(site, "same-origin" | "none");
        if !is_opened && head.fetch_site.is_some_and(|site| !is_own_site(site)) {
            return Err(PageAccessError::Origin);
        }
        if may_change && head.origin.is_none() && head.marker != Some("1") {
            return Err(PageAccessError::Unmarked);
        }
        let needs_type = matches!(head.method, "POST" | "PUT" | "PATCH");
        match head.content_type {
            None if needs_type => Err(PageAccessError::MediaType),
            Some(media_type) if !is_json(media_type) => Err(PageAccessError::MediaType),
            _ => Ok(()),
        }
    }
}

/// Whether a media type is JSON, with any parameters.
fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

/// Why a request to a page of the service is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PageAccessError {
    /// The host is not allowed: 421.
    Host,
    /// The request comes from another page: 403.
    Origin,
    /// The request may change something, and neither its `Origin` nor the header `X-Vexil: 1` shows that
    /// no website has sent it: 403.
    Unmarked,
    /// The body is not declared as JSON: 415.
    MediaType,
}

impl PageAccessError {
    /// Returns the status of the response.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::Host => 421,
            Self::Origin | Self::Unmarked => 403,
            Self::MediaType => 415,
        }
    }
}

impl fmt::Display for PageAccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "the host of the request is not allowed",
            Self::Origin => "the request comes from another page",
            Self::Unmarked => "a request that changes something needs the header `X-Vexil: 1`",
            Self::MediaType => "the body must be `application/json`",
        })
    }
}

impl Error for PageAccessError {}
