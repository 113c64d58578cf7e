//! Which requests go through which proxy.
//!
//! A proxy that is set by hand takes every request. Otherwise the environment decides, by the rules
//! that `curl` made common. They are written out here because the HTTP library's own do not know
//! ports in `no_proxy`.

use std::fmt;
use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Uri};
use percent_encoding::percent_decode_str;
use thiserror::Error;
use url::Url;

use super::request::uri;

pub(crate) use crate::url_text::redacted_url as redacted;

/// A proxy's URI cannot be used. It may hold a password, so it is not shown.
#[derive(Debug, Error)]
#[error("the proxy is not given as an http or https URI with a host")]
pub(crate) struct ProxyError;

/// Reads a proxy's URI. Without a scheme it is an http proxy.
pub(crate) fn parse(uri: &str) -> Result<Url, ProxyError> {
    let with_scheme = if uri.contains("://") {
        uri.to_owned()
    } else {
        format!("http://{uri}")
    };
    let url = Url::parse(with_scheme.trim()).map_err(|_not_a_url| ProxyError)?;
    if matches!(url.scheme(), "http" | "https") && url.has_host() {
        Ok(url)
    } else {
        Err(ProxyError)
    }
}

/// Which proxies there are.
pub(super) enum Proxies {
    /// One for every request.
    Fixed(Url),
    /// Those that the environment names, if it names any.
    Environment(Option<Environment>),
}

impl Proxies {
    /// The given proxy for every request, or those that the environment of the process names.
    pub(super) fn new(fixed: Option<Url>) -> Self {
        fixed.map_or_else(|| Self::Environment(Environment::of_process()), Self::Fixed)
    }

    /// The proxy for requests to this address.
    pub(super) fn proxy_for(&self, target: &Uri) -> Option<Proxy> {
        let url = match self {
            Self::Fixed(url) => Some(url.clone()),
            Self::Environment(environment) => environment
                .as_ref()?
                .proxy_for(&Url::parse(&target.to_string()).ok()?),
        };
        url.and_then(|url| Proxy::new(&url))
    }
}

// Without the credentials of proxies.
impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proxies")
    }
}

/// A proxy, and how the client identifies itself to it.
pub(super) struct Proxy {
    pub(super) uri: Uri,
    /// The value of `Proxy-Authorization`.
    pub(super) authorization: Option<HeaderValue>,
}

impl Proxy {
    fn new(url: &Url) -> Option<Self> {
        // A URL that was read as a proxy's is an http or https URL.
        Some(Self {
            uri: uri(url).ok()?,
            authorization: authorization(url),
        })
    }
}

fn authorization(url: &Url) -> Option<HeaderValue> {
    let password = url.password().unwrap_or_default();
    if url.username().is_empty() && password.is_empty() {
        return None;
    }
    let decoded = |text| percent_decode_str(text).collect::<Vec<_>>();
    let credentials = [decoded(url.username()), b":".to_vec(), decoded(password)].concat();
    let mut value =
        HeaderValue::try_from(format!("Basic {}", STANDARD.encode(credentials))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The proxies that the environment names.
pub(super) struct Environment {
    http: Option<Url>,
    https: Option<Url>,
    /// Where no proxy is used.
    except: Vec<Exception>,
}

/// Whether the environment of the process names a proxy.
pub(crate) fn in_environment() -> bool {
    Environment::of_process().is_some()
}

impl Environment {
    /// What the environment of the process says; none if it says nothing about proxies.
    pub(super) fn of_process() -> Option<Self> {
        Self::read(|name| std::env::var(name).ok())
    }

    /// Reads the variables by `variable`; none if there are none about proxies.
    pub(super) fn read(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let variable = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let either =
            |lower: &str| variable(lower).or_else(|| variable(&lower.to_ascii_uppercase()));
        // A CGI program is given a request's `Proxy` header as `HTTP_PROXY`.
        let is_cgi = variable("REQUEST_METHOD").is_some();
        let http = if is_cgi {
            variable("http_proxy")
        } else {
            either("http_proxy")
        };
        let (https, all) = (either("https_proxy"), either("all_proxy"));
        if http.is_none() && https.is_none() && all.is_none() {
            return None;
        }
        let except = either("no_proxy").unwrap_or_default();
        Some(Self {
            http: http.or_else(|| all.clone()).and_then(usable),
            https: https.or(all).and_then(usable),
            except: exceptions(&except),
        })
    }

    /// The proxy for requests to this address.
    pub(super) fn proxy_for(&self, target: &Url) -> Option<Url> {
        let (host, port) = (target.host_str()?, target.port_or_known_default()?);
        // Seen from a proxy, these would be the proxy's own.
        if is_loopback(host) {
            return None;
        }
        if self
            .except
            .iter()
            .any(|exception| exception.covers(host, port))
        {
            return None;
        }
        if target.scheme() == "https" {
            self.https.clone()
        } else {
            self.http.clone()
        }
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || bare(host)
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// A proxy that the environment names, unless it cannot be used.
fn usable(uri: String) -> Option<Url> {
    let url = parse(&uri);
    if let Err(error) = &url {
        tracing::warn!(%error, "a proxy that the environment names is ignored");
    }
    url.ok()
}

/// The items of `no_proxy`, with commas or white space between them.
fn exceptions(list: &str) -> Vec<Exception> {
    let items = list
        .split([',', ' ', '\t', '\n', '\r'])
        .filter(|item| !item.is_empty());
    let parse = |item| {
        let exception = Exception::parse(item);
        if exception.is_none() {
            tracing::warn!(
                item,
                "an item of no_proxy is not a host, a network or \"*\" and is ignored"
            );
        }
        exception
    };
    items.filter_map(parse).collect()
}

/// One item of `no_proxy`.
#[derive(Debug, PartialEq, Eq)]
struct Exception {
    hosts: Hosts,
    /// None stands for every port.
    port: Option<u16>,
}

#[derive(Debug, PartialEq, Eq)]
enum Hosts {
    All,
    /// Addresses whose first bits are those of this one.
    Network(IpAddr, u32),
    /// In lower case, without dots at the ends: the host of this name and those below it.
    Domain(String),
    /// The same, but only the hosts below it.
    Below(String),
}

impl Exception {
    fn parse(item: &str) -> Option<Self> {
        let item = item.to_ascii_lowercase();
        // Several colons and no brackets: an address, not a port.
        let (host, port) = match item.rsplit_once(':') {
            Some((host, port)) if host.ends_with(']') || !host.contains(':') => {
                (host, Some(port.parse().ok()?))
            }
            _ => (item.as_str(), None),
        };
        Some(Self {
            hosts: Hosts::parse(host)?,
            port,
        })
    }

    fn covers(&self, host: &str, port: u16) -> bool {
        self.port.is_none_or(|own| own == port) && self.hosts.contain(bare(host))
    }
}

impl Hosts {
    fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::All);
        }
        let (address, length) = text
            .split_once('/')
            .map_or((text, None), |(address, length)| (address, Some(length)));
        if let Ok(address) = bare(address).parse::<IpAddr>() {
            let most = if address.is_ipv4() { 32 } else { 128 };
            let length = length.map_or(Some(most), |length| length.parse().ok())?;
            return (length <= most).then_some(Self::Network(address, length));
        }
        let (below, domain) = text
            .strip_prefix("*.")
            .map_or((false, text), |domain| (true, domain));
        let domain = domain.trim_start_matches('.').trim_end_matches('.');
        if domain.is_empty() || domain.contains(['*', '/', ':', '[', ']']) {
            return None;
        }
        Some(if below {
            Self::Below(domain.to_owned())
        } else {
            Self::Domain(domain.to_owned())
        })
    }

    fn contain(&self, host: &str) -> bool {
        match self {
            Self::All => true,
            Self::Network(network, length) => host
                .parse()
                .is_ok_and(|address| shared_prefix(*network, address) >= Some(*length)),
            Self::Domain(domain) => {
                beyond(host, domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            }
            Self::Below(domain) => beyond(host, domain).is_some_and(|rest| rest.ends_with('.')),
        }
    }
}

/// What a host's name has before the name of a domain. URLs have hosts in lower case.
fn beyond<'h>(host: &'h str, domain: &str) -> Option<&'h str> {
    host.trim_end_matches('.').strip_suffix(domain)
}

/// How many bits two addresses have in common; none if they are of different versions.
fn shared_prefix(a: IpAddr, b: IpAddr) -> Option<u32> {
    match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => Some((a.to_bits() ^ b.to_bits()).leading_zeros()),
        (IpAddr::V6(a), IpAddr::V6(b)) => Some((a.to_bits() ^ b.to_bits()).leading_zeros()),
        _ => None,
    }
}

/// An address without the brackets that URLs put around it.
pub(super) fn bare(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(variables: &[(&str, &str)], target: &str) -> Option<String> {
        let find = |name: &str| {
            variables
                .iter()
                .find(|(own, _)| *own == name)
                .map(|(_, value)| (*value).to_owned())
        };
        let proxy = Environment::read(find)?.proxy_for(&Url::parse(target).unwrap())?;
        Some(proxy.as_str().trim_end_matches('/').to_owned())
    }

    // SRC-9: environment proxy
    #[test]
    fn each_scheme_has_its_variable_and_lower_case_wins() {
        let both = [
            ("http_proxy", "a:1"),
            ("HTTP_PROXY", "b:2"),
            ("HTTPS_PROXY", "https://c:3"),
        ];
        assert_eq!(proxy(&both, "http://x/").as_deref(), Some("http://a:1"));
        assert_eq!(proxy(&both, "https://x/").as_deref(), Some("https://c:3"));
        assert_eq!(proxy(&both[1..2], "https://x/"), None);
        assert_eq!(
            proxy(&both[1..2], "http://x/").as_deref(),
            Some("http://b:2")
        );
        assert_eq!(
            proxy(&[("ALL_PROXY", "d:4")], "https://x/").as_deref(),
            Some("http://d:4")
        );
    }

    #[test]
    fn a_cgi_program_does_not_trust_the_upper_case_variable() {
        let cgi = ("REQUEST_METHOD", "GET");
        assert_eq!(proxy(&[cgi, ("HTTP_PROXY", "evil:1")], "http://x/"), None);
        assert_eq!(
            proxy(&[cgi, ("http_proxy", "good:1")], "http://x/").as_deref(),
            Some("http://good:1")
        );
    }

    #[test]
    fn an_empty_or_unusable_variable_is_no_proxy() {
        assert!(Environment::read(|_| Some(" ".to_owned())).is_none());
        assert_eq!(proxy(&[("http_proxy", "socks5://a:1")], "http://x/"), None);
    }

    #[test]
    fn this_machine_needs_no_proxy() {
        for target in [
            "http://localhost/",
            "http://127.0.0.1:1/",
            "http://127.1.2.3/",
            "http://[::1]/",
        ] {
            assert_eq!(proxy(&[("http_proxy", "a:1")], target), None, "{target}");
        }
        assert!(proxy(&[("http_proxy", "a:1")], "http://localhost.example.com/").is_some());
    }

    // SRC-9: no_proxy
    #[test]
    fn no_proxy_names_hosts_suffixes_ports_and_networks() {
        let goes_direct = |no_proxy: &str, host: &str| {
            proxy(
                &[("http_proxy", "a:1"), ("NO_PROXY", no_proxy)],
                &format!("http://{host}/"),
            )
            .is_none()
        };
        for (no_proxy, host) in [
            ("*", "any.where"),
            ("Example.com", "example.com"),
            ("other, example.com ,", "API.example.COM"),
            (".example.com", "example.com"),
            (".example.com", "api.example.com"),
            ("example.com:8080", "example.com:8080"),
            ("example.com:80", "example.com"),
            ("10.0.0.0/8", "10.1.2.3"),
            ("10.0.0.1", "10.0.0.1"),
            ("fd00::1", "[fd00::1]"),
            ("[fd00::1]:80", "[fd00::1]"),
            ("fd00::/8", "[fd12::3]"),
            ("[FD00::1]", "[fd00:0::1]"),
            ("*.example.com", "api.example.com"),
            ("*.Example.com", "a.b.EXAMPLE.com"),
            ("*.example.com:8080", "api.example.com:8080"),
            ("example.com.", "example.com"),
            ("example.com", "api.example.com."),
            ("a.b c.d\texample.com", "example.com"),
            ("\n, 10.0.0.0/8 ,,", "10.1.2.3"),
        ] {
            assert!(goes_direct(no_proxy, host), "{host} is not in {no_proxy}");
        }
        for (no_proxy, host) in [
            ("", "example.com"),
            ("example.com", "notexample.com"),
            ("example.com:8080", "example.com"),
            ("10.0.0.0/8", "11.1.2.3"),
            ("10.0.0.0/33", "10.0.0.0"),
            ("0.0.0.0/0", "[fd00::1]"),
            (".", "example.com"),
            ("*.", "example.com"),
            ("*.example.com", "example.com"),
            ("*.example.com", "notexample.com"),
            ("*.example.com:8080", "api.example.com"),
            ("api.*.com", "api.example.com"),
            ("10.*", "10.1.2.3"),
            ("10.0.0.0/8", "10.example.com"),
            ("example.com:port", "example.com"),
        ] {
            assert!(!goes_direct(no_proxy, host), "{host} is in {no_proxy}");
        }
    }
}
