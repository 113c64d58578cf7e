//! Poll responses, and flag changes.

use flate2::read::GzDecoder;
use serde_json::{Value, json};
use vexil_testing::fake_service::{ItemsError, StartError};
use vexil_testing::{FakeService, PreconfiguredError};

use crate::support::Wire;

fn poll(service: &FakeService) -> Value {
    Wire::new(service)
        .ask("GET", "/sdk/latest-all", &[], b"")
        .json()
}

#[test]
fn a_poll_gets_all_flags_and_segments() {
    let service = FakeService::start().unwrap();
    assert_eq!(poll(&service), json!({"flags": {}, "segments": {}}));
    service.set("banner", "hello").set("on", false);
    service
        .use_preconfigured_segment(json!({"key": "staff", "included": ["ada"], "version": 7}))
        .unwrap();
    let data = poll(&service);
    assert_eq!(data["flags"]["banner"]["variations"], json!(["hello"]));
    assert_eq!(data["flags"]["on"]["fallthrough"], json!({"variation": 1}));
    assert_eq!(
        data["segments"]["staff"],
        json!({"key": "staff", "included": ["ada"], "version": 7})
    );
    service.delete("banner").delete_segment("staff");
    let data = poll(&service);
    assert_eq!(
        data["flags"]
            .as_object()
            .unwrap()
            .keys()
            .collect::<Vec<_>>(),
        ["on"]
    );
    assert_eq!(data["segments"], json!({}));
}

// SRC-3: 304 if the client has the current data.
#[test]
fn a_poll_gets_304_until_something_changes() {
    let service = FakeService::start().unwrap();
    let mut wire = Wire::new(&service);
    let first = wire.ask("GET", "/sdk/latest-all", &[], b"");
    let etag = first.header("etag").unwrap();
    let same = wire.ask("GET", "/sdk/latest-all", &[("if-none-match", etag)], b"");
    assert_eq!(
        (same.status, same.header("etag"), same.text()),
        (304, Some(etag), "")
    );
    assert_eq!(same.header("content-length"), None);
    service.set("banner", "hello");
    let other = wire.ask("GET", "/sdk/latest-all", &[("if-none-match", etag)], b"");
    assert_eq!(other.status, 200);
    assert_ne!(other.header("etag"), Some(etag));
}

// SRC-1.4: gzip if the client accepts it.
#[test]
fn a_poll_is_compressed_if_the_client_accepts_it() {
    let service = FakeService::start().unwrap();
    let mut wire = Wire::new(&service);
    for accepts in ["gzip", "br, GZIP;q=0.5", "deflate,gzip"] {
        let answer = wire.ask(
            "GET",
            "/sdk/latest-all",
            &[("accept-encoding", accepts)],
            b"",
        );
        assert_eq!(answer.header("content-encoding"), Some("gzip"), "{accepts}");
        let data: Value = serde_json::from_reader(GzDecoder::new(&answer.body[..])).unwrap();
        assert_eq!(data, json!({"flags": {}, "segments": {}}));
    }
    for refuses in ["br", "gzip;q=0", ""] {
        let answer = wire.ask(
            "GET",
            "/sdk/latest-all",
            &[("accept-encoding", refuses)],
            b"",
        );
        assert_eq!(answer.header("content-encoding"), None, "{refuses}");
    }
}

#[test]
fn versions_increase_even_after_a_deletion() {
    let service = FakeService::start().unwrap();
    let version = || poll(&service)["flags"]["a"]["version"].clone();
    service.set("a", 1).set("a", 2);
    assert_eq!(version(), 2);
    service.delete("a").set("a", 3);
    assert_eq!(version(), 4);
    service
        .use_preconfigured_flag(json!({"key": "a", "version": 9}))
        .unwrap();
    assert_eq!(version(), 9);
    service
        .use_preconfigured_flag(json!({"key": "a", "version": 9}))
        .unwrap();
    assert_eq!(version(), 10);
}

#[test]
fn a_builder_continues_from_the_last_one_of_its_flag() {
    let service = FakeService::start().unwrap();
    service.update(service.flag("a").variation_for_user("ada", false));
    service.update(service.flag("a").variation_for_user("bob", false));
    assert_eq!(
        poll(&service)["flags"]["a"]["targets"],
        json!([{"variation": 1, "values": ["ada", "bob"]}])
    );
    service.delete("a");
    service.update(service.flag("a"));
    assert_eq!(poll(&service)["flags"]["a"]["targets"], json!([]));
}

#[test]
fn complete_data_is_served_unchanged() {
    let data =
        json!({"flags": {"a": null, "b": {"version": 3, "new": {"thing": 1.5}}}, "segments": {}});
    let service = FakeService::builder()
        .data(data.to_string())
        .start()
        .unwrap();
    assert_eq!(poll(&service), data);
    service.set_data("{}").unwrap();
    assert_eq!(poll(&service), json!({"flags": {}, "segments": {}}));
}

#[test]
fn invalid_data_is_refused() {
    let service = FakeService::start().unwrap();
    assert!(matches!(
        service.set_data("{sorry"),
        Err(ItemsError::NotJson { .. })
    ));
    assert!(matches!(service.set_data("[]"), Err(ItemsError::NoObject)));
    assert!(matches!(
        service.set_data(r#"{"flags": true}"#),
        Err(ItemsError::NoMap { property: "flags" })
    ));
    let refused = FakeService::builder().data("no").start();
    assert!(matches!(
        refused,
        Err(StartError::Data {
            source: ItemsError::NotJson { .. }
        })
    ));
    let keyless = service.use_preconfigured_flag(json!({"on": true}));
    assert!(matches!(keyless, Err(PreconfiguredError::NoKey { .. })));
}

// SRC-1.2: a prefix is preserved, and `//` is an error.
#[test]
fn a_path_may_have_a_prefix_but_no_empty_segment() {
    let service = FakeService::start().unwrap();
    let mut wire = Wire::new(&service);
    assert_eq!(
        wire.ask("GET", "/relay/1/sdk/latest-all?filter=a+b", &[], b"")
            .status,
        200
    );
    assert_eq!(
        wire.ask("GET", "http://elsewhere:1/sdk/latest-all", &[], b"")
            .status,
        200
    );
    assert_eq!(
        wire.ask("GET", "/relay//sdk/latest-all", &[], b"").status,
        404
    );
    assert_eq!(wire.ask("GET", "/sdk/latest-flags", &[], b"").status, 404);
    assert_eq!(wire.ask("POST", "/all", &[], b"").status, 405);
    assert_eq!(wire.ask("GET", "/bulk", &[], b"").status, 405);
    let requests = service.requests();
    assert_eq!(
        (requests[0].path(), requests[0].query()),
        ("/relay/1/sdk/latest-all", Some("filter=a+b"))
    );
    assert_eq!(
        (requests[1].path(), requests[1].query()),
        ("/sdk/latest-all", None)
    );
}

#[test]
fn a_service_can_require_a_key_and_send_its_environment() {
    let service = FakeService::builder()
        .sdk_key("sdk-key")
        .environment_id("env-1")
        .start()
        .unwrap();
    let mut wire = Wire::new(&service);
    assert_eq!(wire.ask("GET", "/sdk/latest-all", &[], b"").status, 401);
    assert_eq!(
        wire.ask("GET", "/sdk/latest-all", &[("Authorization", "other")], b"")
            .status,
        401
    );
    let answer = wire.ask(
        "GET",
        "/sdk/latest-all",
        &[("Authorization", "sdk-key")],
        b"",
    );
    assert_eq!(
        (answer.status, answer.header("x-ld-envid")),
        (200, Some("env-1"))
    );
}
