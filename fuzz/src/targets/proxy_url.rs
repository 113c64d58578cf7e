//! Proxies: the URI of a proxy, a list of exceptions, and the URL of a request, in three lines.

use url::Url;
use vexil::config::{HttpConfig, redacted_url};
use vexil::fuzzing::{proxy, proxy_for};

use crate::inputs::{hides_secrets, lines};

pub(super) fn target(input: &[u8]) {
    let Some([uri, except, request]) = lines(input) else {
        return;
    };
    hides_secrets(uri, &redacted_url(uri));
    hides_secrets(uri, &format!("{:?}", HttpConfig::new().http_proxy(uri)));
    let parsed = proxy(uri);
    match &parsed {
        Ok(url) => {
            let url = Url::parse(url).expect("a proxy is a URL");
            assert!(url.has_host() && ["http", "https"].contains(&url.scheme()));
        }
        Err(error) => hides_secrets(uri, error),
    }

    let variables = [
        ("http_proxy", uri),
        ("https_proxy", uri),
        ("no_proxy", except),
    ];
    let used = proxy_for(&variables, request);
    // A variable that is empty is the same as a missing one.
    if let Some(used) = &used {
        assert_eq!(Ok(used), parsed.as_ref());
    }
    let Ok(request_url) = Url::parse(request) else {
        assert_eq!(used, None);
        return;
    };
    let host = request_url.host_str().unwrap_or_default();
    let mut items = except.split([',', ' ', '\t', '\r']);
    let is_web = ["http", "https"].contains(&request_url.scheme());
    // A leading dot of an exception is ignored, so that one of dots alone names nothing.
    let is_name = is_web && !host.trim_matches('.').is_empty();
    if items.any(|item| item == "*" || is_name && item == host) {
        assert_eq!(used, None, "{host} is an exception");
    }
}
