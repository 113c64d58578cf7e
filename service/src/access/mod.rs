//! [`AccessRules`]: which hosts and web pages a service on this machine answers.
//!
//! A browser lets any website send requests to a service on the developer's machine. Three rules keep
//! websites from reading or changing flags:
//!
//! - The host of a request must be this machine. A name that an attacker controls can resolve to it.
//! - Only pages on this machine, and origins that are allowed, may read the values of flags.
//! - No page may read whole flags, which only server-side SDKs request.
//!
//! A page of the service itself has stricter rules: see [`AccessRules::check_page`].

mod host;
mod page;
#[cfg(test)]
mod tests;

use self::host::{bare, host_of, is_this_machine};
pub use self::page::PageAccessError;
use crate::SdkFamily;
use crate::route::family_of;

/// The methods of client-side SDKs.
const METHODS: &str = "GET, POST, REPORT, OPTIONS";
/// The headers that client-side SDKs read.
const EXPOSED: &str = "Date, ETag, X-LD-EnvID, X-LD-FD-Fallback, X-LD-FD-Fallback-TTL";
/// How long a browser may remember the answer to a preflight, in seconds.
const MAX_AGE: &str = "300";

/// The hosts and origins that a service answers. By default those of this machine: `localhost`, names
/// below it, `127.0.0.0/8` and `::1`, on any port.
///
/// ```
/// use vexil_service::{Access, AccessRules, RequestHead};
///
/// let rules = AccessRules::default().allow_host("flags");
/// let head = RequestHead {
///     host: Some("flags:8765"),
///     origin: Some("http://localhost:3000"),
///     ..RequestHead::new("GET", "/sdk/goals/shop")
/// };
/// let Access::Granted { headers } = rules.decide(&head) else { unreachable!() };
/// assert!(headers.contains(&("access-control-allow-origin", "http://localhost:3000".to_owned())));
///
/// let rebound = RequestHead { host: Some("evil.example:8765"), ..head };
/// assert_eq!(rules.decide(&rebound), Access::WrongHost);
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct AccessRules {
    hosts: Vec<String>,
    origins: Vec<String>,
}

/// The parts of a request that decide on access. Header values are as received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestHead<'r> {
    /// The method.
    pub method: &'r str,
    /// The path, without the query.
    pub path: &'r str,
    /// The header `Host`, or the authority of HTTP/2.
    pub host: Option<&'r str>,
    /// The header `Origin`.
    pub origin: Option<&'r str>,
    /// The header `Sec-Fetch-Site`.
    pub fetch_site: Option<&'r str>,
    /// The header `Sec-Fetch-Dest`.
    pub fetch_dest: Option<&'r str>,
    /// The header `Content-Type`.
    pub content_type: Option<&'r str>,
    /// The header `X-Vexil`.
    pub marker: Option<&'r str>,
    /// The header `Access-Control-Request-Headers`.
    pub requested_headers: Option<&'r str>,
    /// Whether there is a header `Access-Control-Request-Private-Network`.
    pub requests_private_network: bool,
}

/// Whether a request is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// The request is answered. The answer has these headers too, also if it is an error: without
    /// them a web page does not see its status.
    Granted {
        /// Names in lower case, with values.
        headers: Vec<(&'static str, String)>,
    },
    /// The request is a preflight: 204 with these headers, without a body.
    Preflight {
        /// Names in lower case, with values.
        headers: Vec<(&'static str, String)>,
    },
    /// The request is for a host that is not allowed: 421.
    WrongHost,
    /// The request comes from a web page that is not allowed: 403.
    Forbidden,
}

impl<'r> RequestHead<'r> {
    /// Creates the head of a request without headers.
    #[must_use]
    pub fn new(method: &'r str, path: &'r str) -> Self {
        Self {
            method,
            path,
            ..Self::default()
        }
    }
}

impl AccessRules {
    /// Allows requests for this host, a name or an address without a port.
    pub fn allow_host(mut self, host: impl Into<String>) -> Self {
        self.hosts.push(host.into());
        self
    }

    /// Allows pages of this origin, such as `https://app.example`, to read the values of flags.
    pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
        self.origins.push(origin.into());
        self
    }

    /// Decides on a request to a path of an SDK.
    #[must_use]
    pub fn decide(&self, head: &RequestHead<'_>) -> Access {
        if !head.host.is_some_and(|host| self.is_host_allowed(host)) {
            return Access::WrongHost;
        }
        let is_cross_site = head.fetch_site == Some("cross-site");
        let is_from_page = head.origin.is_some() || is_cross_site;
        match family_of(head.path) {
            Some(SdkFamily::Server) if is_from_page => return Access::Forbidden,
            Some(SdkFamily::Server) => return granted(head, Vec::new()),
            Some(SdkFamily::Mobile) => {
                let is_allowed = head
                    .origin
                    .is_none_or(|origin| self.is_origin_allowed(origin));
                return match is_allowed || matches!(head.method, "GET" | "OPTIONS") {
                    true => granted(head, Vec::new()),
                    false => Access::Forbidden,
                };
            }
            Some(SdkFamily::JavaScript) | None => {}
        }
        let mut headers = vec![("vary", "Origin".to_owned())];
        let Some(origin) = head.origin else {
            return granted(head, headers);
        };
        if !self.is_origin_allowed(origin) {
            // The browser does not show the answer to the page.
            return match head.method {
                "GET" | "OPTIONS" => granted(head, headers),
                _ => Access::Forbidden,
            };
        }
        headers.push(("access-control-allow-origin", origin.to_owned()));
        if head.method == "OPTIONS" {
            headers.push(("access-control-allow-methods", METHODS.to_owned()));
            let requested = head.requested_headers.filter(|names| are_tokens(names));
            headers
                .extend(requested.map(|names| ("access-control-allow-headers", names.to_owned())));
            headers.push(("access-control-max-age", MAX_AGE.to_owned()));
            if head.requests_private_network {
                headers.push(("access-control-allow-private-network", "true".to_owned()));
            }
        } else {
            headers.push(("access-control-expose-headers", EXPOSED.to_owned()));
        }
        granted(head, headers)
    }

    fn is_host_allowed(&self, authority: &str) -> bool {
        host_of(authority).is_some_and(|host| {
            is_this_machine(host)
                || self
                    .hosts
                    .iter()
                    .any(|allowed| bare(allowed).eq_ignore_ascii_case(host))
        })
    }

    fn is_origin_allowed(&self, origin: &str) -> bool {
        if self
            .origins
            .iter()
            .any(|allowed| allowed.eq_ignore_ascii_case(origin))
        {
            return true;
        }
        let authority = origin
            .strip_prefix("http://")
            .or_else(|| origin.strip_prefix("https://"));
        authority.and_then(host_of).is_some_and(is_this_machine)
    }
}

fn granted(head: &RequestHead<'_>, headers: Vec<(&'static str, String)>) -> Access {
    match head.method {
        "OPTIONS" => Access::Preflight { headers },
        _ => Access::Granted { headers },
    }
}

/// Whether the names of headers are tokens.
fn are_tokens(names: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    names.split(',').all(|name| {
        let name = name.trim();
        !name.is_empty() && name.bytes().all(is_token)
    })
}
