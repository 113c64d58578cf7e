//! A service that refuses the client. SRC-2.7.

use vexil::client::NotReadyError;
use vexil::config::{ConfigError, HttpConfig, ServiceEndpoints, WrapperInfo};
use vexil::transport::RetryPolicy;
use vexil::{Client, ClientBuilder};
use vexil_testing::FakeService;
use vexil_testing::fake_service::{Answer, Endpoint, Request};

use crate::polling::often;
use crate::setup::{
    NONE, SOON, Statuses, builder, error_status, ready, service, stream, streaming, value,
};

/// The requests with the key of a refused client.
fn refused(service: &FakeService) -> Vec<Request> {
    let is_refused = |request: &Request| request.header("authorization") == Some("sdk-refused");
    service.requests().into_iter().filter(is_refused).collect()
}

/// Another client of the service is refused temporarily and makes seven attempts. In that time, a
/// client that retries soon would be noticed.
fn meanwhile_others_retry(service: &FakeService) {
    service.answers(Endpoint::Stream, vec![Answer::status(503); 6]);
    drop(streaming(service));
}

/// A client all of whose requests are refused.
fn refused_builder(service: &FakeService) -> ClientBuilder {
    builder(service).sdk_key("sdk-refused")
}

fn guarded() -> FakeService {
    FakeService::builder().sdk_key("sdk-key").start().unwrap()
}

// SRC-F41
#[test]
fn a_refused_stream_is_not_retried_soon_and_the_client_is_not_ready() {
    let service = guarded();
    let client = refused_builder(&service)
        .data_source(stream())
        .start()
        .unwrap();
    assert_eq!(error_status(&client), "Initializing ErrorResponse 401");
    meanwhile_others_retry(&service);
    assert_eq!(refused(&service).len(), 1);
    reports_refusal(&client);
}

/// Waiting for the client ends at once and returns the refusal.
#[track_caller]
fn reports_refusal(client: &Client) {
    let waiting = client.blocking_wait_until_ready(std::time::Duration::MAX);
    let Err(NotReadyError::Refused { error }) = waiting else {
        panic!("{waiting:?}")
    };
    assert_eq!(error.status_code, Some(401));
}

// SRC-F41
#[test]
fn a_stream_that_is_refused_later_keeps_its_data_and_is_not_retried_soon() {
    for status in [403, 404, 405, 410] {
        let service = service("value");
        let client = ready(refused_builder(&service).data_source(stream()));
        let mut statuses = Statuses::of(&client);
        service.answer(Endpoint::Stream, Answer::status(status));
        service.close_streams();
        assert_eq!(statuses.next(), "Interrupted NetworkError");
        assert_eq!(
            statuses.next(),
            format!("Interrupted ErrorResponse {status}")
        );
        meanwhile_others_retry(&service);
        assert_eq!(refused(&service).len(), 2);
        assert_eq!(value(&client), "value");
    }
}

// SRC-F41
#[test]
fn a_refused_poll_is_not_repeated_soon() {
    let service = guarded();
    let client = refused_builder(&service)
        .data_source(often())
        .start()
        .unwrap();
    assert_eq!(error_status(&client), "Initializing ErrorResponse 401");
    let other = ready(builder(&service).data_source(often()));
    service
        .until("more polls", || service.requests().len() > 7)
        .wait()
        .unwrap();
    assert_eq!(refused(&service).len(), 1);
    reports_refusal(&client);
    drop(other);
}

#[track_caller]
fn gives_up(client: &Client, service: &FakeService) {
    let waiting = client.blocking_wait_until_ready(SOON);
    let Err(NotReadyError::GivenUp { error: Some(error) }) = waiting else {
        panic!("{waiting:?}")
    };
    assert_eq!(error.status_code, Some(401));
    assert_eq!(error_status(client), "Off ErrorResponse 401");
    meanwhile_others_retry(service);
    assert_eq!(refused(service).len(), 1);
    assert_eq!(value(client), NONE);
}

// SRC-F42
#[test]
fn under_the_legacy_policy_a_refusal_is_final() {
    let service = guarded();
    let legacy = stream().retry_policy(RetryPolicy::LegacyStop);
    gives_up(
        &refused_builder(&service)
            .data_source(legacy)
            .start()
            .unwrap(),
        &service,
    );
    let service = guarded();
    let legacy = often().retry_policy(RetryPolicy::LegacyStop);
    gives_up(
        &refused_builder(&service)
            .data_source(legacy)
            .start()
            .unwrap(),
        &service,
    );
}

// SRC-F48
#[test]
fn a_client_does_not_start_with_an_invalid_base_url() {
    let service = service("value");
    let bad = [
        "",
        "relay",
        "relay:8030",
        "/path",
        "ftp://127.0.0.1",
        "http://",
        "http://a b",
        "http://ada:secret@relay",
    ];
    for base in bad {
        let builder = builder(&service).service_endpoints(ServiceEndpoints::relay(base));
        for builder in [
            builder.clone().data_source(stream()),
            builder.clone().data_source(often()),
        ] {
            let error = builder.start().unwrap_err();
            assert!(
                matches!(
                    error,
                    ConfigError::BaseUrl {
                        part: "streaming",
                        ..
                    }
                ),
                "{base:?}: {error:?}"
            );
            assert!(
                !format!("{error:?} {error}").contains("secret"),
                "{error:?}"
            );
        }
        assert!(builder.offline(true).start().is_ok(), "{base:?}");
    }
}

// SRC-F49
#[test]
fn a_key_with_a_trailing_newline_is_accepted_and_an_invalid_key_is_an_error() {
    let service = guarded();
    for (number, key) in ["sdk-key\n", " sdk-key\r\n", "\tsdk-key"]
        .into_iter()
        .enumerate()
    {
        drop(ready(builder(&service).sdk_key(key).data_source(stream())));
        let requests = service.requests();
        assert_eq!(requests.len(), number + 1);
        assert_eq!(
            requests[number].header("authorization"),
            Some("sdk-key"),
            "{key:?}"
        );
    }
    for key in ["sdk key", "sdk\nkey", "", " \n", "é", "sdk-key\0"] {
        let error = builder(&service)
            .sdk_key(key)
            .data_source(stream())
            .start()
            .unwrap_err();
        assert!(
            matches!(error, ConfigError::SdkKey { .. }),
            "{key:?}: {error:?}"
        );
    }
    assert!(builder(&service).sdk_key("").offline(true).start().is_ok());
    assert!(
        builder(&service)
            .sdk_key("sdk key")
            .offline(true)
            .start()
            .is_err()
    );
}

#[test]
fn a_client_does_not_start_with_an_invalid_header() {
    let service = service("value");
    for wrapper in [
        WrapperInfo::new("a\nb"),
        WrapperInfo::new("a").version("1\u{0}2"),
    ] {
        let error = builder(&service).wrapper(wrapper).start().unwrap_err();
        assert!(
            matches!(
                error,
                ConfigError::Component {
                    component: "wrapper",
                    ..
                }
            ),
            "{error:?}"
        );
    }
    for (name, value, shown) in [
        ("X-Tenant", "blue\nsecret", "x-tenant"),
        ("X-Tenant", "secret\0", "x-tenant"),
        ("X-Tenant", "sécret", "x-tenant"),
        ("X secret", "blue", "name"),
        ("", "secret", "name"),
    ] {
        let error = builder(&service)
            .http(HttpConfig::new().header(name, value))
            .start()
            .unwrap_err();
        let shown_error = format!("{error:?} {}", std::error::Error::source(&error).unwrap());
        assert!(
            shown_error.contains(shown) && !shown_error.contains("ecret"),
            "{shown_error}"
        );
    }
    let client = ready(
        builder(&service)
            .wrapper(WrapperInfo::new(" w\n").version("1 "))
            .http(HttpConfig::new().header("X-Tenant", "blue\n"))
            .data_source(stream()),
    );
    let requests = service.requests();
    assert_eq!(requests[0].header("x-launchdarkly-wrapper"), Some("w/1"));
    assert_eq!(requests[0].header("x-tenant"), Some("blue"));
    drop(client);
}
