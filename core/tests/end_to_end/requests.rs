//! Requests: their URLs, headers and identity. SRC-1.

use std::collections::BTreeSet;

use vexil::config::{ApplicationInfo, PollingConfig, ServiceEndpoints, WrapperInfo};
use vexil::{Client, ClientBuilder};
use vexil_testing::FakeService;
use vexil_testing::fake_service::{Endpoint, Request};

use crate::polling::often;
use crate::setup::{SOON, builder, ready, service, stream, streaming, value};

/// A client with application and wrapper info, and with events.
fn identified(service: &FakeService) -> ClientBuilder {
    Client::builder("sdk-key")
        .service_endpoints(ServiceEndpoints::relay(service.url()))
        .application(ApplicationInfo::new().id("shop").version("1.0"))
        .wrapper(WrapperInfo::new("framework").version("2"))
}

/// The values of a header in these requests.
fn values(requests: &[Request], name: &str) -> BTreeSet<Option<String>> {
    requests
        .iter()
        .map(|request| request.header(name).map(str::to_owned))
        .collect()
}

#[track_caller]
fn identify_the_client(requests: &[Request]) {
    let same = |name: &str, value: &str| {
        assert_eq!(
            values(requests, name),
            [Some(value.to_owned())].into(),
            "{name}"
        )
    };
    same("authorization", "sdk-key");
    same(
        "user-agent",
        concat!("VexilRust/", env!("CARGO_PKG_VERSION")),
    );
    same(
        "x-launchdarkly-tags",
        "application-id/shop application-version/1.0",
    );
    same("x-launchdarkly-wrapper", "framework/2");
    assert_eq!(values(requests, "x-launchdarkly-instance-id").len(), 1);
}

// SRC-1.4 and SRC-1.5
#[test]
fn every_request_of_a_streaming_client_identifies_it() {
    let service = service("value");
    let client = ready(identified(&service).data_source(stream()));
    let streams = || service.requests_to(Endpoint::Stream);
    for connections in 2..4 {
        service.close_streams();
        service
            .until("the next connection", || streams().len() == connections)
            .wait()
            .unwrap();
        service.wait_for_streams(1).wait().unwrap();
    }
    assert_eq!(value(&client), "value");
    pollster::block_on(client.close(SOON));
    assert!(
        !service.requests_to(Endpoint::Events).is_empty(),
        "the evaluation was reported"
    );
    identify_the_client(&service.requests());
    assert_eq!(
        values(&streams(), "accept"),
        [Some("text/event-stream".to_owned())].into()
    );
    assert_eq!(
        values(&streams(), "cache-control"),
        [Some("no-cache".to_owned())].into()
    );
    assert_eq!(values(&streams(), "last-event-id"), [None].into());
}

// SRC-1.4 and SRC-1.5
#[test]
fn every_request_of_a_polling_client_identifies_it() {
    let service = service("value");
    let client = ready(identified(&service).data_source(often()));
    service
        .until("three polls", || {
            service.requests_to(Endpoint::Poll).len() >= 3
        })
        .wait()
        .unwrap();
    assert_eq!(value(&client), "value");
    pollster::block_on(client.close(SOON));
    assert!(
        !service.requests_to(Endpoint::Events).is_empty(),
        "the evaluation was reported"
    );
    identify_the_client(&service.requests());
}

// SRC-1.4 and SRC-1.5
#[test]
fn headers_without_a_value_are_not_sent() {
    let service = service("value");
    let nothing = identified(&service)
        .application(ApplicationInfo::new())
        .wrapper(WrapperInfo::new("").version("2"));
    drop(ready(nothing));
    let request = service.next_request(Endpoint::Stream).wait().unwrap();
    assert!(
        !request.headers().contains_key("x-launchdarkly-tags"),
        "absent, not empty"
    );
    assert!(!request.headers().contains_key("x-launchdarkly-wrapper"));
}

// SRC-1.5
#[test]
fn an_invalid_tag_is_left_out_and_the_other_is_sent() {
    let service = service("value");
    for bad in ["a b", "a\tb", "a\r\nb", "é", "🚩"] {
        drop(ready(
            builder(&service).application(ApplicationInfo::new().id(bad).version("ok")),
        ));
        let request = service.next_request(Endpoint::Stream).wait().unwrap();
        assert_eq!(
            request.header("x-launchdarkly-tags"),
            Some("application-version/ok"),
            "{bad:?}"
        );
    }
}

// SRC-1.4; SRC-F54
#[test]
fn two_clients_of_one_builder_have_different_instance_ids() {
    let service = service("value");
    let builder = builder(&service);
    let _clients = [ready(builder.clone()), ready(builder)];
    let ids = values(&service.requests(), "x-launchdarkly-instance-id");
    assert_eq!(ids.len(), 2, "{ids:?}");
    for id in ids.into_iter().map(Option::unwrap) {
        // A UUID of version 4.
        let parts: Vec<_> = id.split('-').map(str::len).collect();
        assert_eq!((parts, &id[14..15]), (vec![8, 4, 4, 4, 12], "4"), "{id}");
        assert!(
            id.chars().all(|c| c == '-' || c.is_ascii_hexdigit()),
            "{id}"
        );
    }
}

// SRC-1.1 and SRC-1.2
#[test]
fn paths_are_appended_to_any_base_with_or_without_slashes() {
    let service = service("value");
    for (below, prefix) in [
        ("", ""),
        ("/", ""),
        ("/relay/7", "/relay/7"),
        ("/relay/7/", "/relay/7"),
        ("/a//", "/a"),
    ] {
        let endpoints = || ServiceEndpoints::relay(format!("{}{below}", service.url()));
        drop(ready(builder(&service).service_endpoints(endpoints())));
        drop(ready(
            builder(&service)
                .service_endpoints(endpoints())
                .data_source(PollingConfig::new()),
        ));
        let path = |endpoint| {
            service
                .next_request(endpoint)
                .wait()
                .unwrap()
                .path()
                .to_owned()
        };
        assert_eq!(path(Endpoint::Stream), format!("{prefix}/all"));
        assert_eq!(path(Endpoint::Poll), format!("{prefix}/sdk/latest-all"));
    }
}

// SRC-1.1 and SRC-1.2
#[test]
fn each_endpoint_can_be_set_separately() {
    let (streams, polls) = (service("from the stream"), service("from the poll"));
    let endpoints = ServiceEndpoints::new()
        .with_streaming(streams.url())
        .with_polling(polls.url());
    let builder = builder(&streams).service_endpoints(endpoints);
    assert_eq!(value(&ready(builder.clone())), "from the stream");
    assert_eq!(
        value(&ready(builder.data_source(PollingConfig::new()))),
        "from the poll"
    );
    assert_eq!((streams.requests().len(), polls.requests().len()), (1, 1));
}

// SRC-1.3
#[test]
fn a_payload_filter_is_sent_once_if_valid_and_left_out_otherwise() {
    let service = service("value");
    let invalid = ["", "encoding necessary +! %& ( )", ".a", "a&b=c", "é"].map(|key| (key, None));
    let valid =
        ["encoding_not_necessary", "A.b-C_9"].map(|key| (key, Some(format!("filter={key}"))));
    for (key, query) in valid.into_iter().chain(invalid) {
        let stream = ready(builder(&service).data_source(stream().payload_filter(key)));
        let poll = ready(builder(&service).data_source(PollingConfig::new().payload_filter(key)));
        assert_eq!(
            (value(&stream).as_str(), value(&poll).as_str()),
            ("value", "value")
        );
        for endpoint in [Endpoint::Stream, Endpoint::Poll] {
            let request = service.next_request(endpoint).wait().unwrap();
            assert_eq!(request.query(), query.as_deref(), "{key:?}");
        }
    }
}

// SRC-1.3: a base with a query
#[test]
fn the_query_of_a_base_is_kept_before_the_filter() {
    let service = service("value");
    let endpoints = ServiceEndpoints::relay(format!("{}/relay/?tenant=blue", service.url()));
    drop(ready(
        builder(&service)
            .service_endpoints(endpoints)
            .data_source(stream().payload_filter("part")),
    ));
    let request = service.next_request(Endpoint::Stream).wait().unwrap();
    assert_eq!(
        (request.path(), request.query()),
        ("/relay/all", Some("tenant=blue&filter=part"))
    );
}

// SRC-2.1, rule 10: the service sends no ids, a proxy may
#[test]
fn an_event_id_is_sent_with_the_next_connection() {
    let service = service("value");
    let _client = streaming(&service);
    service.next_request(Endpoint::Stream).wait().unwrap();
    service.send_raw("id: 17\ndata: x\n\n").close_streams();
    let again = service.next_request(Endpoint::Stream).wait().unwrap();
    assert_eq!(again.header("last-event-id"), Some("17"));
}
