//! The hosts of requests and origins.

/// Returns the host without the port. `None` if it is not of that form.
pub(super) fn host_of(authority: &str) -> Option<&str> {
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
pub(super) fn bare(host: &str) -> &str {
    let inner = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    inner.unwrap_or(host)
}

pub(super) fn is_this_machine(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or(host);
    let is_loopback = host
        .parse::<std::net::IpAddr>()
        .is_ok_and(|address| address.is_loopback());
    is_loopback || last.eq_ignore_ascii_case("localhost")
}
