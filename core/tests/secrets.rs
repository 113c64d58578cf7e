//! Plants secrets in all input of the SDK, and searches for them in all errors, debug output and
//! logs, of the SDK and of the libraries it uses.
//!
//! A separate test binary, because it captures the log of the whole process, of all threads and all
//! levels.

#![cfg(test)]
#![cfg(feature = "http")]

#[path = "support/log.rs"]
mod log;

use std::error::Error;
use std::fmt::Debug;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use log::Log;
use tracing_subscriber::util::SubscriberInitExt;
use vexil::config::{
    ClientContext, ConfigError, Configure, EventsConfig, HttpConfig, PollingConfig, SdkKey,
    ServiceEndpoints, StreamingConfig, WrapperInfo,
};
use vexil::data_source::DataSource;
use vexil::model::{DataSet, Item};
use vexil::{Client, ClientBuilder, Context};
use vexil_testing::FakeService;
use vexil_testing::fake_service::{Answer, Endpoint};

/// Upper limit for every wait.
const SOON: Duration = Duration::from_secs(60);

/// The part that all secrets share, and that occurs nowhere else.
const PLANTED: &str = "pl4nted";

fn secret(name: &str) -> String {
    format!("{name}-{PLANTED}")
}

/// The log of the process.
fn log() -> &'static Log {
    static LOG: OnceLock<Log> = OnceLock::new();
    LOG.get_or_init(|| {
        let log = Log::default();
        // Also captures the records of the `log` crate.
        log.subscriber().try_init().unwrap();
        log
    })
}

#[track_caller]
fn nothing_was_logged() {
    let lines = log().lines();
    let shown: Vec<_> = lines.iter().filter(|line| line.contains(PLANTED)).collect();
    assert!(shown.is_empty(), "{shown:#?}");
}

#[track_caller]
fn hides(thing: &(impl Debug + ?Sized)) {
    let shown = format!("{thing:?} {thing:#?}");
    assert!(!shown.contains(PLANTED), "{shown}");
}

/// An error and its causes hide it, in both `Display` and `Debug`.
#[track_caller]
fn hides_in_error(error: &(dyn Error + 'static)) {
    for cause in std::iter::successors(Some(error), |&error| error.source()) {
        hides(cause);
        assert!(!cause.to_string().contains(PLANTED), "{cause}");
    }
}

/// A data source configuration that prints everything it may know about the client.
#[derive(Clone, Debug)]
struct Looks(Arc<StreamingConfig>);

impl Configure<dyn DataSource> for Looks {
    fn configure(
        self: Arc<Self>,
        context: &ClientContext,
    ) -> Result<Arc<dyn DataSource>, ConfigError> {
        hides(context);
        hides(context.headers());
        hides(context.endpoints());
        let source = Arc::clone(&self.0).configure(context)?;
        hides(&*source);
        Ok(source)
    }
}

fn http() -> HttpConfig {
    HttpConfig::new().header("X-Tenant", &secret("header"))
}

fn endpoints(service: &FakeService) -> ServiceEndpoints {
    ServiceEndpoints::relay(format!("{}?token={}", service.url(), secret("query")))
}

fn builder(service: &FakeService) -> ClientBuilder {
    let stream = StreamingConfig::new().initial_reconnect_delay(Duration::from_millis(1));
    Client::builder(secret("sdk-key"))
        .service_endpoints(endpoints(service))
        .http(http())
        .data_source(Looks(Arc::new(stream)))
        .events(EventsConfig::new().flush_interval(Duration::from_millis(10)))
}

fn context() -> Context {
    Context::builder(secret("key"))
        .name(secret("name"))
        .set("email", secret("email"))
        .set("open", secret("open"))
        .private(["email"])
        .build()
        .unwrap()
}

fn use_it(client: &Client) {
    let flag = client.str_variation("flag", &context(), "default");
    drop(client.variation_detail("unknown", &context(), 1));
    client.track("event", &context());
    client.identify(&context());
    hides(client);
    assert!(!flag.is_empty());
    pollster::block_on(client.flush_and_wait(SOON));
}

#[test]
fn no_secret_is_logged_while_a_client_streams_sends_events_and_fails() {
    log();
    let service = FakeService::start().unwrap();
    service.set("flag", secret("value"));
    let builder = builder(&service);
    hides(&builder);
    let client = builder.start().unwrap();
    client.blocking_wait_until_ready(SOON).unwrap();
    use_it(&client);

    let mut statuses = client.data_source_status().subscribe();
    for flag in [
        "\"$\"",
        "{\"on\": \"$\"}",
        "{\"rules\": [{\"clauses\": [{\"values\": \"$\"}]}]}",
        "{\"salt\": [\"$\"]}",
    ] {
        let flag = flag.replace('$', &secret("flag"));
        service.send_event(
            "patch",
            &format!(r#"{{"path": "/flags/flag", "data": {flag}}}"#),
        );
        let status = loop {
            let status = statuses.blocking_next(SOON).unwrap();
            if format!("{status:?}").contains("InvalidData") {
                break status;
            }
        };
        hides(&status);
        let message = status.error.unwrap().message;
        assert!(
            message.contains("flag \"flag\" cannot be read") && !message.contains(PLANTED),
            "{message}"
        );
        client.blocking_wait_until_ready(SOON).unwrap();
    }
    service.answers(Endpoint::Events, [Answer::status(503), Answer::status(401)]);
    use_it(&client);
    drop(client);
    nothing_was_logged();
}

#[test]
fn no_secret_is_logged_while_a_client_polls_through_a_proxy() {
    log();
    let service = FakeService::start().unwrap();
    service.set("flag", secret("value"));
    let host = service.url().trim_start_matches("http://").to_owned();
    // The service answers a request as a proxy would receive it, or refuses it. Either way it was
    // sent and logged.
    for proxy in [
        format!("http://ada:{0}@{host}", secret("proxy")),
        "http://127.0.0.1:1".to_owned(),
    ] {
        let http = http()
            .http_proxy(proxy)
            .connect_timeout(Duration::from_secs(5));
        hides(&http);
        let client = builder(&service)
            .http(http)
            .data_source(PollingConfig::new())
            .start()
            .unwrap();
        drop(client.blocking_wait_until_ready(Duration::from_secs(1)));
        use_it(&client);
        hides(&client.data_source_status().status());
    }
    nothing_was_logged();
}

#[test]
fn no_setting_and_no_error_about_one_contains_a_secret() {
    log();
    let service = FakeService::start().unwrap();
    hides(&SdkKey::from(secret("sdk-key")));
    hides(&endpoints(&service));
    hides(&WrapperInfo::new("w"));
    for url in [
        format!("http://ada:{}@relay", secret("password")),
        format!("http://{}@relay", secret("user")),
        format!("ftp://ada:{0}@relay?token={0}", secret("password")),
        format!("ada:{}@relay", secret("password")),
        format!("http://relay:99999/?token={}", secret("query")),
        format!("http://relay/#{}", secret("fragment")),
        format!("http://a b?token=x@{}", secret("query")),
    ] {
        let endpoints = ServiceEndpoints::relay(url);
        hides(&endpoints);
        hides_in_error(
            &builder(&service)
                .service_endpoints(endpoints)
                .start()
                .unwrap_err(),
        );
    }
    let key = format!("{} ", secret("sdk key"));
    hides_in_error(&builder(&service).sdk_key(key).start().unwrap_err());
    for http in [
        http().http_proxy(format!("socks5://ada:{}@proxy", secret("proxy"))),
        http().http_proxy(format!("http://ada:{}@pro xy", secret("proxy"))),
        http().header("X-Tenant", &format!("{}\n.", secret("header"))),
        http().header(&format!("X {}", secret("header")), "x"),
    ] {
        hides(&http);
        hides_in_error(&http.build().unwrap_err());
        hides_in_error(&builder(&service).http(http).start().unwrap_err());
    }
    let wrapper = WrapperInfo::new("w").version(format!("{}\0.", secret("wrapper")));
    hides_in_error(&builder(&service).wrapper(wrapper).start().unwrap_err());
    let mixed = ServiceEndpoints::new().with_streaming(format!(
        "{}/?token={}",
        service.url(),
        secret("query")
    ));
    drop(
        builder(&service)
            .service_endpoints(mixed)
            .without_events()
            .start()
            .unwrap(),
    );
    nothing_was_logged();
}

#[test]
fn no_error_about_data_quotes_the_data() {
    let quoted = secret("data");
    for kind in [
        vexil::model::DataKind::Flag,
        vexil::model::DataKind::Segment,
    ] {
        for json in [
            "\"$\"",
            "{\"version\": \"$\"}",
            "{\"rules\": \"$\"}",
            "{\"salt\": {\"$\": 1}}",
            "[\"$\"]",
            "{\"$",
            "$",
        ] {
            let json = json.replace('$', &quoted);
            hides_in_error(&Item::from_json(kind, "k", json.as_bytes()).unwrap_err());
        }
    }
    for json in [
        "{\"flags\": \"$\"}",
        "{\"flags\": {\"k\": \"$\"}}",
        "\"$\"",
        "{\"segments\": [\"$\"]}",
    ] {
        hides_in_error(&DataSet::from_json(json.replace('$', &quoted).as_bytes()).unwrap_err());
    }
    for json in [
        r#"{"kind": "user", "key": {"$": 1}}"#,
        r#"{"key": "k", "anonymous": "$"}"#,
        r#"{"kind": "$ $", "key": "k"}"#,
    ] {
        hides_in_error(&json.replace('$', &quoted).parse::<Context>().unwrap_err());
    }
}

#[test]
fn the_log_of_these_tests_would_contain_a_secret() {
    log();
    tracing::trace!("{}", "a secret");
    assert!(log().lines().iter().any(|line| line.contains("a secret")));
}
