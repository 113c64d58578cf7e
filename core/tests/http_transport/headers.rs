//! Custom headers. SRC-1.4, last row.

use std::sync::{Arc, Mutex};

use http::HeaderMap;
use vexil::Client;
use vexil::config::{ClientContext, ConfigError, Configure, HttpConfig, WrapperInfo};
use vexil::data_source::DataSource;

/// Records the headers that a component receives, and then fails to configure.
#[derive(Clone, Debug, Default)]
struct Probe(Arc<Mutex<HeaderMap>>);

impl Configure<dyn DataSource> for Probe {
    fn configure(
        self: Arc<Self>,
        context: &ClientContext,
    ) -> Result<Arc<dyn DataSource>, ConfigError> {
        *self.0.lock().unwrap() = context.headers().clone();
        Err(ConfigError::component("probe", "not a data source"))
    }
}

fn headers(config: HttpConfig) -> HeaderMap {
    let probe = Probe::default();
    drop(
        Client::builder("sdk-key")
            .http(config)
            .data_source(probe.clone())
            .start(),
    );
    let headers = probe.0.lock().unwrap();
    headers.clone()
}

#[test]
fn a_custom_header_is_sent() {
    let config = HttpConfig::new()
        .header("X-Tenant", "blue")
        .header("x-tenant", "green");
    assert_eq!(headers(config)["x-tenant"], "green", "the last value wins");
}

#[test]
fn the_sdk_key_is_never_replaced() {
    let config = HttpConfig::new()
        .header("authorization", "other")
        .header("AUTHORIZATION", "another");
    let headers = headers(config);
    assert_eq!(
        headers.get_all("authorization").iter().collect::<Vec<_>>(),
        ["sdk-key"]
    );
}

#[test]
fn a_header_that_cannot_be_sent_is_left_out() {
    let config = HttpConfig::new()
        .header("X Y", "1")
        .header("", "1")
        .header("X-Line", "a\r\nb")
        .header("X-Accent", "é")
        .header("X-Good", "1");
    let headers = headers(config);
    assert!(
        headers.contains_key("x-good")
            && !headers.contains_key("x-line")
            && !headers.contains_key("x-accent")
    );
}

#[test]
fn a_line_break_in_any_text_that_becomes_a_header_is_an_error() {
    let builder = || Client::builder("sdk-key");
    for line_break in ["\r\n", "\n", "\r", "\0"] {
        let bad = format!("a{line_break}X-Injected: b");
        let error = builder().sdk_key(bad.as_str()).start().unwrap_err();
        assert!(matches!(error, ConfigError::SdkKey { .. }), "{error}");
        for (component, builder) in [
            (
                "HTTP transport",
                builder().http(HttpConfig::new().header(&bad, "v")),
            ),
            (
                "HTTP transport",
                builder().http(HttpConfig::new().header("X-A", &bad)),
            ),
            ("wrapper", builder().wrapper(WrapperInfo::new(&bad))),
            (
                "wrapper",
                builder().wrapper(WrapperInfo::new("w").version(&bad)),
            ),
        ] {
            let error = builder.start().unwrap_err();
            let ConfigError::Component {
                component: named,
                source,
            } = &error
            else {
                panic!("{error}");
            };
            assert_eq!(*named, component, "{bad:?}");
            assert!(
                !format!("{source} {source:?}").contains("Injected"),
                "{source:?}"
            );
        }
    }
}

#[test]
fn debug_output_of_settings_contains_no_secret() {
    let shown = format!(
        "{:?}",
        HttpConfig::new()
            .http_proxy("http://ada:secret@host:1")
            .header("X-Token", "secret")
    );
    assert!(
        !shown.contains("secret") && shown.contains("host:1") && shown.contains("x-token"),
        "{shown}"
    );
}
