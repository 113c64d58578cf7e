//! Responses that are not an event stream, or only look like one.

use vexil_testing::fake_service::{Answer, Endpoint, Gate};

use crate::faults::{starts_after, starts_after_all};
use crate::setup::{SOON, Statuses, builder, ready, service, stream, value};

// SRC-F34
#[test]
fn a_response_of_another_content_type_is_not_a_stream() {
    starts_after(Answer::usual().content_type("text/html"), "InvalidData");
    starts_after(
        Answer::usual().without_header("content-type"),
        "InvalidData",
    );
    starts_after(Answer::json("{}"), "InvalidData");
}

// SRC-F35
#[test]
fn a_stream_can_declare_the_charset_utf_8_and_no_other() {
    let service = service("value");
    service.answer(
        Endpoint::Stream,
        Answer::usual().content_type("text/event-stream; charset=utf-8"),
    );
    assert_eq!(
        value(&ready(builder(&service).data_source(stream()))),
        "value"
    );
    assert_eq!(service.requests().len(), 1);
    starts_after(
        Answer::usual().content_type("text/event-stream; charset=latin1"),
        "InvalidData",
    );
}

/// An event as one stored (uncompressed) block of gzip, without the checksum at the end, which is
/// never reached.
fn gzip_block(event: &str) -> Vec<u8> {
    let length = u16::try_from(event.len()).unwrap();
    let header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    [
        &header[..],
        &[0],
        &length.to_le_bytes(),
        &(!length).to_le_bytes(),
        event.as_bytes(),
    ]
    .concat()
}

// SRC-F36
#[test]
fn a_compressed_stream_is_decoded_as_it_arrives() {
    let service = service("value");
    let put = gzip_block(
        "event: put\ndata: {\"path\": \"/\", \"data\": {\"flags\": {}, \"segments\": {}}}\n\n",
    );
    let compressed = Answer::stream()
        .header("content-encoding", "gzip")
        .body(put);
    service.answer(Endpoint::Stream, compressed);
    ready(builder(&service).data_source(stream()));
    assert_eq!(
        service.requests().len(),
        1,
        "the first stream is still open"
    );
    let request = service.next_request(Endpoint::Stream).wait().unwrap();
    assert_ne!(
        request.header("accept-encoding"),
        Some("gzip"),
        "compression was not requested"
    );
}

// SRC-F37, SRC-F39 and SRC-F40
#[test]
fn temporary_statuses_are_retried_soon_whatever_they_ask_for() {
    for status in [204, 206, 304, 400, 408, 429, 500, 502, 503, 504] {
        let answer = Answer::status(status).header("retry-after", "3600");
        starts_after(answer, &format!("ErrorResponse {status}"));
    }
}

// SRC-F40
#[test]
fn a_subscription_sees_every_status_of_a_reconnect_in_order() {
    let service = service("value");
    let client = ready(builder(&service).data_source(stream()));
    let mut statuses = Statuses::of(&client);
    service.answers(Endpoint::Stream, [500, 429, 503].map(Answer::status));
    service.close_streams();
    let expected = [
        "Interrupted NetworkError",
        "Interrupted ErrorResponse 500",
        "Interrupted ErrorResponse 429",
    ];
    assert_eq!([(); 3].map(|()| statuses.next()), expected);
    assert_eq!(
        [(); 2].map(|()| statuses.next()),
        ["Interrupted ErrorResponse 503", "Valid"]
    );
    let error = client.data_source_status().status().error.unwrap();
    assert_eq!(error.status_code, Some(503), "the last error is kept");
    pollster::block_on(client.close(SOON));
    assert!(statuses.next().starts_with("Off"));
}

// SRC-2.8; SRC-F38
#[test]
fn a_redirect_is_followed_with_all_headers_and_not_remembered() {
    for status in [301, 302, 303, 307, 308] {
        let service = service("value");
        service.answer(Endpoint::Stream, Answer::redirect(status, "/moved/all"));
        let client = ready(builder(&service).data_source(stream()));
        let mut statuses = Statuses::of(&client);
        service.close_streams();
        assert_eq!(statuses.next(), "Interrupted NetworkError");
        assert_eq!(statuses.next(), "Valid");
        let requests = service.requests();
        let paths: Vec<_> = requests.iter().map(|request| request.path()).collect();
        assert_eq!(paths, ["/all", "/moved/all", "/all"], "{status}");
        assert!(
            requests
                .iter()
                .all(|request| request.header("authorization") == Some("sdk-key"))
        );
        assert!(
            requests
                .iter()
                .all(|request| request.header("accept") == Some("text/event-stream"))
        );
    }
}

// SRC-F38
#[test]
fn a_redirect_to_another_origin_does_not_carry_the_key() {
    let (home, abroad) = (service("home"), service("abroad"));
    home.answer(
        Endpoint::Stream,
        Answer::redirect(307, format!("{}/all", abroad.url())),
    );
    assert_eq!(
        value(&ready(builder(&home).data_source(stream()))),
        "abroad"
    );
    let request = abroad.next_request(Endpoint::Stream).wait().unwrap();
    assert_eq!(request.header("authorization"), None);
}

// SRC-F38
#[test]
fn an_invalid_or_circular_redirect_is_retried() {
    starts_after(Answer::redirect(302, ""), "NetworkError");
    starts_after(Answer::redirect(307, "ftp://127.0.0.1/all"), "NetworkError");
    starts_after(Answer::status(301), "NetworkError");
    starts_after_all(vec![Answer::redirect(302, "/all"); 11], "NetworkError");
}

// SRC-2.8: a response may be slow
#[test]
fn late_headers_are_awaited() {
    let (service, gate) = (service("value"), Gate::new());
    service.answer(Endpoint::Stream, Answer::usual().after(&gate));
    let late = builder(&service).data_source(stream()).start().unwrap();
    service.next_request(Endpoint::Stream).wait().unwrap();
    ready(builder(&service));
    assert!(!late.is_initialized());
    gate.open();
    late.blocking_wait_until_ready(SOON).unwrap();
}
