//! Selects the proxy of each request.
//!
//! A configured proxy takes every request. Otherwise the environment variables decide, by the rules
//! that `curl` established. They are implemented here because the HTTP library's own implementation
//! does not support ports in `no_proxy`.

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

/// The URI of a proxy is invalid. The error does not show it, because it may contain a password.
#[derive(Debug, Error)]
#[error("the proxy is not an http or https URI with a host")]
pub(crate) struct ProxyError;

/// Parses the URI of a proxy. Without a scheme it is an http proxy.
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

/// The proxies of a transport.
pub(crate) enum Proxies {
    /// No proxy for any request.
    None,
    /// One proxy for every request.
    Fixed(Url),
    /// The proxies that the environment names.
    Environment(Environment),
}

impl Proxies {
    /// The proxies that the process environment names, if any.
    pub(crate) fn of_environment() -> Self {
        Environment::of_process().map_or(Self::None, Self::Environment)
    }

    /// The proxy for requests to this address.
    pub(super) fn proxy_for(&self, target: &Uri) -> Option<Proxy> {
        let url = match self {
            Self::None => return None,
            Self::Fixed(url) => Some(url.clone()),
            Self::Environment(environment) => {
                environment.proxy_for(&Url::parse(&target.to_string()).ok()?)
            }
        };
        url.and_then(|url| Proxy::new(&url))
    }
}

// Omits the credentials of proxies.
impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proxies")
    }
}

/// A proxy with the client's credentials.
pub(super) struct Proxy {
    pub(super) uri: Uri,
    /// The value of `Proxy-Authorization`.
    pub(super) authorization: Option<HeaderValue>,
}

impl Proxy {
    fn new(url: &Url) -> Option<Self> {
        // `parse` has checked that this is an http or https URL.
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
pub(crate) struct Environment {
    http: Option<Url>,
    https: Option<Url>,
    /// The hosts that are reached without a proxy.
    except: Vec<Exception>,
}

/// Whether the process environment names a proxy.
pub(crate) fn in_environment() -> bool {
    Environment::of_process().is_some()
}

impl Environment {
    /// Reads the process environment. Returns `None` if it has no proxy variables.
    pub(super) fn of_process() -> Option<Self> {
        Self::read(|name| std::env::var(name).ok())
    }

    /// Reads the variables with `variable`. Returns `None` if there are no proxy variables.
    pub(crate) fn read(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let variable = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let either =
            |lower: &str| variable(lower).or_else(|| variable(&lower.to_ascii_uppercase()));
        // In a CGI program, `HTTP_PROXY` holds the `Proxy` header of the incoming request.
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
    pub(crate) fn proxy_for(&self, target: &Url) -> Option<Url> {
        let (host, port) = (target.host_str()?, target.port_or_known_default()?);
        // A proxy would connect to its own loopback interface.
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

/// Parses a proxy that the environment names. Logs and ignores an invalid one.
fn usable(uri: String) -> Option<Url> {
    let url = parse(&uri);
    if let Err(error) = &url {
        tracing::warn!(%error, "ignoring an invalid proxy of the environment");
    }
    url.ok()
}

/// Parses `no_proxy`, whose items are separated by commas or white space.
fn exceptions(list: &str) -> Vec<Exception> {
    let items = list
        .split([',', ' ', '\t', '\n', '\r'])
        .filter(|item| !item.is_empty());
    let parse = |item| {
        let exception = Exception::parse(item);
        if exception.is_none() {
            tracing::warn!(
                item,
                "ignoring an item of no_proxy that is not a host, a network or \"*\""
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
    /// `None` means every port.
    port: Option<u16>,
}

#[derive(Debug, PartialEq, Eq)]
enum Hosts {
    All,
    /// Addresses that share this many leading bits with this one.
    Network(IpAddr, u32),
    /// The host of this name and its subdomains. In lower case, without dots at either end.
    Domain(String),
    /// Only the subdomains of this name, in the same form.
    Below(String),
}

impl Exception {
    fn parse(item: &str) -> Option<Self> {
        let item = item.to_ascii_lowercase();
        // Several colons without brackets are an IPv6 address without a port.
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

/// The part of a host name before the name of a domain. Hosts of URLs are in lower case.
fn beyond<'h>(host: &'h str, domain: &str) -> Option<&'h str> {
    host.trim_end_matches('.').strip_suffix(domain)
}

/// How many leading bits two addresses share. `None` if their IP versions differ.
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
    fn each_scheme_has_its_own_variable_and_lower_case_wins() {
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
    fn empty_and_invalid_variables_are_ignored() {
        assert!(Environment::read(|_| Some(" ".to_owned())).is_none());
        assert_eq!(proxy(&[("http_proxy", "socks5://a:1")], "http://x/"), None);
    }

    #[test]
    fn loopback_addresses_need_no_proxy() {
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
