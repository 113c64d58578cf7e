//! [`AccessRules`]: which hosts and web pages a service on this machine answers.
//!
//! A browser lets any website send requests to a service on the developer's machine. Three rules keep
//! websites from reading or changing flags:
//!
//! - The host of a request must be this machine. A name that an attacker controls can resolve to it.
//! - Only pages on this machine, and origins that are allowed, may read the values of flags.
//! - No page may read whole flags, which only server-side SDKs request.

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
                return match is_allowed || head.method == "GET" {
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

/// Returns the host without the port. `None` if it is not of that form.
fn host_of(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            (
                host,
                if port.is_empty() {
                    None
                } else {
                    Some(port.strip_prefix(':')?)
                },
            )
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:%".contains(&byte);
    let is_valid = !host.is_empty() && host.bytes().all(is_host) && port.is_none_or(is_port);
    is_valid.then(|| host.strip_suffix('.').unwrap_or(host))
}

/// Removes the brackets of an address.
fn bare(host: &str) -> &str {
    let inner = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    inner.unwrap_or(host)
}

fn is_this_machine(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or(host);
    let is_loopback = host
        .parse::<std::net::IpAddr>()
        .is_ok_and(|address| address.is_loopback());
    is_loopback || last.eq_ignore_ascii_case("localhost")
}

/// Whether the names of headers are tokens.
fn are_tokens(names: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    names.split(',').all(|name| {
        let name = name.trim();
        !name.is_empty() && name.bytes().all(is_token)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCAL: &str = "127.0.0.1:8765";
    const CLIENT: &str = "/eval/shop/e30";
    const SERVER: &str = "/sdk/latest-all";

    fn rules() -> AccessRules {
        AccessRules::default()
            .allow_host("flags")
            .allow_host("[fd00::1]")
            .allow_origin("https://app.example")
    }

    /// The decision and the origin that is allowed, in short.
    fn decision(access: &Access) -> String {
        let origin = |headers: &[(&'static str, String)]| {
            let found = headers
                .iter()
                .find(|(name, _)| *name == "access-control-allow-origin");
            found.map_or("-".to_owned(), |(_, origin)| origin.clone())
        };
        match access {
            Access::Granted { headers } => format!("granted {}", origin(headers)),
            Access::Preflight { headers } => format!("preflight {}", origin(headers)),
            Access::WrongHost => "421".to_owned(),
            Access::Forbidden => "403".to_owned(),
        }
    }

    #[test]
    fn only_hosts_of_this_machine_and_allowed_ones_are_answered() {
        for (host, is_allowed) in [
            (Some("localhost"), true),
            (Some("LOCALHOST:8765"), true),
            (Some("localhost.:8765"), true),
            (Some("a.localhost:1"), true),
            (Some("127.0.0.1"), true),
            (Some("127.8.9.1:80"), true),
            (Some("[::1]:8765"), true),
            (Some("[::1]"), true),
            (Some("flags:8765"), true),
            (Some("Flags"), true),
            (Some("[fd00::1]:80"), true),
            (None, false),
            (Some(""), false),
            (Some("evil.example:8765"), false),
            (Some("localhost.evil.example"), false),
            (Some("evillocalhost"), false),
            (Some("128.0.0.1"), false),
            (Some("0.0.0.0"), false),
            (Some("[::]"), false),
            (Some("user@localhost"), false),
            (Some("evil.example@localhost"), false),
            (Some("localhost:80@evil.example"), false),
            (Some("evil.example/localhost"), false),
            (Some("localhost:"), true),
            (Some("[::1"), false),
            (Some("[::1]x"), false),
        ] {
            for path in [CLIENT, SERVER, "/unknown", "/"] {
                let head = RequestHead {
                    host,
                    ..RequestHead::new("GET", path)
                };
                let access = rules().decide(&head);
                assert_eq!(access != Access::WrongHost, is_allowed, "{host:?} {path}");
            }
        }
    }

    #[test]
    fn pages_read_values_from_this_machine_only_and_never_whole_flags() {
        let local = "http://localhost:3000";
        let evil = "https://evil.example";
        for (method, path, origin, site, expected) in [
            ("GET", CLIENT, None, None, "granted -"),
            (
                "GET",
                CLIENT,
                Some(local),
                None,
                "granted http://localhost:3000",
            ),
            (
                "GET",
                CLIENT,
                Some("https://app.example"),
                Some("cross-site"),
                "granted https://app.example",
            ),
            (
                "REPORT",
                "/eval/shop",
                Some(local),
                None,
                "granted http://localhost:3000",
            ),
            (
                "OPTIONS",
                "/eval/shop",
                Some(local),
                None,
                "preflight http://localhost:3000",
            ),
            (
                "GET",
                "/sdk/poll/eval/e30",
                Some(local),
                None,
                "granted http://localhost:3000",
            ),
            (
                "GET",
                "/unknown",
                Some(local),
                None,
                "granted http://localhost:3000",
            ),
            ("GET", CLIENT, Some(evil), None, "granted -"),
            ("GET", CLIENT, Some("null"), None, "granted -"),
            (
                "GET",
                CLIENT,
                Some("http://localhost.evil.example"),
                None,
                "granted -",
            ),
            ("GET", CLIENT, Some("ftp://localhost"), None, "granted -"),
            ("GET", CLIENT, Some("http://x@localhost"), None, "granted -"),
            ("OPTIONS", CLIENT, Some(evil), None, "preflight -"),
            ("REPORT", "/eval/shop", Some(evil), None, "403"),
            ("POST", "/events/bulk/shop", Some(evil), None, "403"),
            ("POST", "/events/bulk/shop", Some("null"), None, "403"),
            ("GET", SERVER, None, None, "granted -"),
            ("GET", SERVER, None, Some("none"), "granted -"),
            ("GET", SERVER, Some(local), None, "403"),
            ("GET", SERVER, Some("https://app.example"), None, "403"),
            ("GET", SERVER, None, Some("cross-site"), "403"),
            ("OPTIONS", SERVER, Some(local), None, "403"),
            ("GET", "/all", Some(local), None, "403"),
            ("GET", "/sdk/evalx/contexts/e30", Some(local), None, "403"),
            ("POST", "/bulk", Some(local), None, "403"),
            ("GET", "/meval/e30", Some(local), None, "granted -"),
            ("POST", "/mobile", None, None, "granted -"),
            ("POST", "/mobile", Some(local), None, "granted -"),
            ("POST", "/mobile", Some(evil), None, "403"),
        ] {
            let head = RequestHead {
                host: Some(LOCAL),
                origin,
                fetch_site: site,
                ..RequestHead::new(method, path)
            };
            let access = rules().decide(&head);
            assert_eq!(
                decision(&access),
                expected,
                "{method} {path} {origin:?} {site:?}"
            );
        }
    }

    #[test]
    fn a_preflight_allows_what_sdks_send() {
        let head = RequestHead {
            host: Some(LOCAL),
            origin: Some("http://localhost:3000"),
            requested_headers: Some("content-type, x-launchdarkly-user-agent"),
            requests_private_network: true,
            ..RequestHead::new("OPTIONS", "/events/bulk/shop")
        };
        let expected = [
            ("vary", "Origin"),
            ("access-control-allow-origin", "http://localhost:3000"),
            ("access-control-allow-methods", "GET, POST, REPORT, OPTIONS"),
            (
                "access-control-allow-headers",
                "content-type, x-launchdarkly-user-agent",
            ),
            ("access-control-max-age", "300"),
            ("access-control-allow-private-network", "true"),
        ];
        let headers = expected
            .map(|(name, value)| (name, value.to_owned()))
            .to_vec();
        assert_eq!(rules().decide(&head), Access::Preflight { headers });

        let head = RequestHead {
            requested_headers: Some("x-a, b\r\nc"),
            ..head
        };
        let Access::Preflight { headers } = rules().decide(&head) else {
            panic!()
        };
        assert!(
            !headers
                .iter()
                .any(|(name, _)| *name == "access-control-allow-headers")
        );
    }
}
