//! Plants secrets in all input of the SDK, and searches for them in all errors, debug output and
//! logs, of the SDK and of the libraries it uses.
//!
//! A separate test binary, because it captures the log of the whole process, of all threads and all
//! levels.

#![cfg(test)]
#![cfg(feature = "http")]

#[path = "support/log.rs"]
mod log;
#[path = "support/nowhere.rs"]
mod nowhere;
#[path = "support/planted.rs"]
mod planted;

use std::error::Error;
use std::io::Write;
use std::panic;
use std::sync::Arc;
use std::time::Duration;

use planted::{
    PLANTED, found_in, found_in_error, hides, hides_in_error, log, logged, nothing_was_logged,
    secret,
};
use vexil::config::{
    BigSegmentsConfig, ClientContext, ConfigError, Configure, DataSystem, EventsConfig, HttpConfig,
    PersistentStoreConfig, PollingConfig, SdkKey, ServiceEndpoints, StreamingConfig, WrapperInfo,
};
use vexil::data_source::DataSource;
use vexil::model::{DataKind, DataSet, Item};
use vexil::store::StoredItem;
use vexil::{Client, ClientBuilder, Context};
use vexil_testing::fake_service::{Answer, Endpoint};
use vexil_testing::{
    FakeService, MemoryBigSegmentStore, MemoryDatabase, MemoryPersistentStore, StoreFault,
};

/// Upper limit for every wait.
const SOON: Duration = Duration::from_secs(60);

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
    // The URL for streaming is missing, which is logged with the one that is set.
    let url = format!("{}/?token={}", service.url(), secret("query"));
    drop(
        builder(&service)
            .service_endpoints(ServiceEndpoints::new().with_events(url))
            .http(http().transport(nowhere::Nowhere))
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

/// What a client reports about itself hides the secrets too.
fn statuses_hide(client: &Client) {
    hides(&client.data_source_status().status());
    hides(&client.data_store_status().status());
    let big_segments = client.big_segment_store_status().blocking_status(SOON);
    hides(&big_segments);
    hides(&client.event_stats());
    if let Err(error) = client.blocking_wait_until_ready(Duration::ZERO) {
        hides_in_error(&error);
    }
}

/// Answers of a broken, lying or refusing service that quotes secrets.
fn failures() -> Vec<Answer> {
    let quoted = secret("answer");
    let text = format!("{{\"flags\": \"{quoted}\"}}");
    vec![
        Answer::status(503).body(quoted.as_str()),
        Answer::redirect(
            307,
            format!("http://ada:{quoted}@127.0.0.1:1/?token={quoted}"),
        ),
        Answer::redirect(307, format!("ftp://{quoted}")),
        Answer::json(text.as_str()),
        Answer::garbage(format!("{quoted} {quoted}\r\n\r\n")),
        Answer::stream().event("put", &text),
        Answer::usual().header("Content-Type", &quoted),
        Answer::hang_up(),
        Answer::reset(),
        Answer::status(401).body(quoted.as_str()),
    ]
}

#[test]
fn no_secret_is_logged_in_any_mode_while_the_service_fails() {
    type Mode = fn(ClientBuilder) -> ClientBuilder;
    let modes: [(Mode, Endpoint); 4] = [
        (|builder| builder, Endpoint::Stream),
        (
            |builder| builder.data_source(PollingConfig::new()),
            Endpoint::Poll,
        ),
        (
            |builder| builder.data_system(DataSystem::streaming()),
            Endpoint::PayloadStream,
        ),
        (
            |builder| builder.data_system(DataSystem::polling()),
            Endpoint::PayloadPoll,
        ),
    ];
    log();
    for (mode, endpoint) in modes {
        for answer in failures() {
            let service = FakeService::start().unwrap();
            service.set("flag", secret("value"));
            service.always(endpoint, answer);
            let plain = Client::builder(secret("sdk-key"))
                .service_endpoints(endpoints(&service))
                .http(http());
            let builder = mode(plain);
            hides(&builder);
            let client = builder.start().unwrap();
            service.next_request(endpoint).wait().unwrap();
            // A poll accepts the usual body whatever its content type, so the flag may have arrived.
            let flag = client.str_variation("flag", &context(), "default");
            assert!([secret("value").as_str(), "default"].contains(&flag.as_str()));
            client.track("event", &context());
            client.flush();
            service.next_request(Endpoint::Events).wait().unwrap();
            statuses_hide(&client);
        }
    }
    nothing_was_logged();
}

#[test]
fn no_secret_is_logged_with_databases_that_fail() {
    log();
    let flag = || StoredItem::new(format!("{{\"rules\": \"{}\"}}", secret("item")));
    for fault in [
        StoreFault::Fail,
        StoreFault::Refuse,
        StoreFault::TimeOut,
        StoreFault::Panic,
        StoreFault::LoseAnswer,
    ] {
        for daemon in [true, false] {
            let database = MemoryDatabase::new();
            database.put("ld", DataKind::Flag, "flag", flag());
            database.set_initialized("ld", true);
            let store = Arc::new(MemoryPersistentStore::attached(&database, "ld"));
            let members = Arc::new(MemoryBigSegmentStore::attached(&database, "ld"));
            let service = FakeService::start().unwrap();
            service.set("flag", secret("value"));
            let builder =
                builder(&service).big_segments(BigSegmentsConfig::new(Arc::clone(&members)));
            let client = if daemon {
                builder.daemon_mode(PersistentStoreConfig::new(Arc::clone(&store)))
            } else {
                builder.data_store(PersistentStoreConfig::new(Arc::clone(&store)))
            };
            let client = client.start().unwrap();
            drop(client.blocking_wait_until_ready(Duration::from_secs(1)));
            use_it(&client);
            store.calls().fault_all(fault);
            members.calls().fault_all(fault);
            service.set("flag", secret("another value"));
            use_it(&client);
            statuses_hide(&client);
            // Fails if the store panics.
            let _ = client.blocking_close(SOON);
        }
    }
    nothing_was_logged();
}

#[test]
fn no_part_of_a_client_key_is_shown() {
    log();
    let identity = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = identity.signing_key.serialize_pem();
    let body = key.lines().find(|line| !line.starts_with("--")).unwrap();
    let file = |text: String| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    };
    let good = file(identity.cert.pem() + &key);
    let service = FakeService::builder().tls().start().unwrap();
    let http = http().cert_file(good.path());
    hides(&http);
    for http in [
        http.clone().disable_ssl_verification(true),
        // The service is not trusted.
        http,
    ] {
        let client = builder(&service).http(http).start().unwrap();
        drop(client.blocking_wait_until_ready(Duration::from_secs(1)));
        use_it(&client);
        statuses_hide(&client);
    }
    for broken in [
        identity.cert.pem() + &key.replace(body, &secret("no base64!")),
        format!("{}{PLANTED}", identity.cert.pem()),
        key.replace("PRIVATE KEY", "CERTIFICATE") + &key,
    ] {
        let broken = file(broken);
        let http = HttpConfig::new().cert_file(broken.path());
        if let Err(error) = http.build() {
            hides_in_error(&error);
            assert!(!format!("{error:?}").contains(body), "{error:?}");
        }
    }
    assert_eq!(logged(body), [""; 0]);
    nothing_was_logged();
}

#[test]
fn diagnostic_events_hold_no_secret_and_events_no_private_attribute() {
    log();
    let service = FakeService::start().unwrap();
    service.set("flag", secret("value"));
    let builder = builder(&service).http(http().http_proxy(format!(
        "http://ada:{}@{}",
        secret("proxy"),
        service.address()
    )));
    let client = builder.start().unwrap();
    client.blocking_wait_until_ready(SOON).unwrap();
    use_it(&client);
    let diagnostic = service.next_request(Endpoint::Diagnostics).wait().unwrap();
    let text = String::from_utf8_lossy(diagnostic.body()).into_owned();
    assert!(text.contains("\"kind\":\"diagnostic-init\""), "{text}");
    assert!(!text.contains(PLANTED), "{text}");
    let events = serde_json::to_string(&service.events()).unwrap();
    assert!(events.contains(&secret("open")), "{events}");
    assert!(!events.contains(&secret("email")), "{events}");
    nothing_was_logged();
}

/// Shows a secret in its cause.
#[derive(Debug)]
struct Shows(Option<std::io::Error>);

impl std::fmt::Display for Shows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a harmless text")
    }
}

impl Error for Shows {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.as_ref().map(|error| error as _)
    }
}

#[test]
fn these_tests_find_a_secret() {
    log();
    tracing::trace!("{}", "a secret");
    assert_eq!(logged("a secret").len(), 1);
    let panicked = panic::catch_unwind(|| panic!("a secret of a panic"));
    panicked.unwrap_err();
    assert_eq!(logged("a secret of a panic").len(), 1);
    assert!(found_in(&Some(secret("debug"))).is_some());
    let error = Shows(Some(std::io::Error::other(secret("cause"))));
    assert!(found_in_error(&error).is_some());
    assert!(found_in_error(&Shows(None)).is_none());
}

#[cfg(feature = "metrics")]
mod metered {
    use std::fmt::Debug;
    use std::sync::Mutex;

    use metrics::{
        Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
    };

    use super::*;

    /// Keeps the names, labels and descriptions of metrics.
    #[derive(Debug, Default)]
    struct Metrics(Mutex<Vec<String>>);

    impl Metrics {
        fn keep(&self, what: &impl Debug) {
            self.0.lock().unwrap().push(format!("{what:?}"));
        }
    }

    impl Recorder for Metrics {
        fn describe_counter(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
            self.keep(&(key, unit, description));
        }

        fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
            self.keep(&(key, unit, description));
        }

        fn describe_histogram(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
            self.keep(&(key, unit, description));
        }

        fn register_counter(&self, key: &Key, metadata: &Metadata<'_>) -> Counter {
            self.keep(&(key, metadata));
            Counter::noop()
        }

        fn register_gauge(&self, key: &Key, metadata: &Metadata<'_>) -> Gauge {
            self.keep(&(key, metadata));
            Gauge::noop()
        }

        fn register_histogram(&self, key: &Key, metadata: &Metadata<'_>) -> Histogram {
            self.keep(&(key, metadata));
            Histogram::noop()
        }
    }

    #[test]
    fn no_metric_has_a_secret_in_its_name_labels_or_description() {
        log();
        let kept = Arc::new(Metrics::default());
        metrics::set_global_recorder(Arc::clone(&kept)).unwrap();
        let service = FakeService::start().unwrap();
        service.set("flag", secret("value"));
        for answer in [
            Answer::usual(),
            Answer::status(413),
            Answer::status(503),
            Answer::hang_up(),
            Answer::status(401),
        ] {
            service.always(Endpoint::Events, answer);
            let client = builder(&service).start().unwrap();
            use_it(&client);
            client.blocking_close(SOON);
        }
        let kept = kept.0.lock().unwrap();
        let has = |text: &str| kept.iter().any(|line| line.contains(text));
        assert!(
            has("vexil_events_delivered_total") && has("accepted"),
            "{kept:?}"
        );
        hides(&*kept);
        nothing_was_logged();
    }
}
