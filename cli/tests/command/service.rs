//! Sources that are the flag service, a Relay Proxy, or another web server.

use crate::support::{Folder, Ran};
use vexil_cli::Exit;
use vexil_testing::FakeService;
use vexil_testing::fake_service::{Answer, Endpoint};

const KEY: &str = "sdk-1234-pl4nted";
const FLAG: &str = r#"{ "key": "theme","version": 8, "x": 1.50, "rules": [ ] }"#;

fn data() -> String {
    format!(r#"{{"flags": {{"theme": {FLAG} }}, "segments": {{}}}}"#)
}

fn folder() -> Folder {
    let mut folder = Folder::new();
    folder
        .variables
        .insert("VEXIL_SDK_KEY".to_owned(), KEY.to_owned());
    folder
}

fn service() -> FakeService {
    FakeService::builder()
        .sdk_key(KEY)
        .data(data())
        .start()
        .unwrap()
}

fn host(service: &FakeService) -> String {
    service.address().to_string()
}

#[track_caller]
fn is_refused(ran: &Ran, exit: Exit, message: &str, help: &str) {
    assert_eq!((ran.exit, ran.stdout.as_str()), (exit, ""), "{ran:?}");
    let expected = format!("error: {message}\nhelp: {help}\n");
    assert_eq!(ran.stderr, expected);
}

#[test]
fn a_poll_shows_an_item_byte_for_byte_and_sends_no_events() {
    let service = service();
    service.answer(Endpoint::Poll, Answer::json(data()));
    let source = format!("service?base={}", service.url());
    let ran = folder().vexil(&["show", &source, "theme", "--raw"]);
    assert_eq!(
        (ran.exit, ran.stdout.as_str()),
        (Exit::Done, FLAG),
        "{ran:?}"
    );
    let requests = service.requests();
    assert_eq!(requests.len(), 1, "{requests:?}");
    assert_eq!(requests[0].endpoint(), Endpoint::Poll);
    assert_eq!(requests[0].header("authorization"), Some(KEY));
    let agent = requests[0]
        .header("x-launchdarkly-wrapper")
        .unwrap_or_default();
    assert!(agent.starts_with("vexil-cli/"), "{agent}");
}

#[test]
fn every_protocol_and_mode_reads_the_same() {
    let service = service();
    let (url, host) = (service.url(), host(&service));
    for (source, endpoint) in [
        (format!("service?base={url}&mode=stream"), Endpoint::Stream),
        (
            format!("service?base=http://127.0.0.1:1&stream={url}&mode=stream"),
            Endpoint::Stream,
        ),
        (
            format!("service?base={url}&protocol=fdv2"),
            Endpoint::PayloadPoll,
        ),
        (
            format!("service?base={url}&protocol=fdv2&mode=stream"),
            Endpoint::PayloadStream,
        ),
        (
            format!("service?base={url}&protocol=auto"),
            Endpoint::PayloadPoll,
        ),
        (format!("relay+http://{host}"), Endpoint::Stream),
        (
            format!("relay+http://{host}/any/prefix?mode=poll"),
            Endpoint::Poll,
        ),
        (
            format!("relay+http://{host}?protocol=fdv2"),
            Endpoint::PayloadStream,
        ),
        (format!("service?base={url}&filter=part-1"), Endpoint::Poll),
    ] {
        let before = service.requests_to(endpoint).len();
        let ran = folder().vexil(&["show", &source, "theme"]);
        assert_eq!(
            (ran.exit, ran.stderr.as_str()),
            (Exit::Done, ""),
            "{source}"
        );
        assert!(
            ran.stdout.contains("\"x\": 1.5"),
            "{source}: {}",
            ran.stdout
        );
        assert_eq!(service.requests_to(endpoint).len(), before + 1, "{source}");
    }
    let filtered = service.requests_to(Endpoint::Poll).pop().unwrap();
    assert_eq!(filtered.query(), Some("filter=part-1"));
    assert!(service.requests_to(Endpoint::Events).is_empty());
    assert!(service.requests_to(Endpoint::Diagnostics).is_empty());
}

#[test]
fn the_second_protocol_gives_way_to_the_first_if_it_may() {
    for answer in [
        Answer::status(404),
        Answer::payload().fallback_directive(None),
    ] {
        let service = service();
        service.always(Endpoint::PayloadPoll, answer);
        let source = format!("service?base={}&protocol=auto", service.url());
        let ran = folder().vexil(&["show", &source, "theme"]);
        assert_eq!((ran.exit, ran.stderr.as_str()), (Exit::Done, ""));
        assert_eq!(service.requests_to(Endpoint::Poll).len(), 1);
        let source = format!("service?base={}&protocol=fdv2", service.url());
        let ran = folder().vexil(&["show", &source, "theme"]);
        assert_eq!(ran.exit, Exit::Unreachable, "{ran:?}");
        assert!(ran.stderr.contains("protocol=fdv1"), "{ran:?}");
    }
}

#[test]
fn a_failure_is_explained() {
    let service = service();
    let (url, host) = (service.url(), host(&service));
    let mut folder = folder();
    for (name, value) in [("WRONG", "sdk-wrong"), ("INVALID", "sdk wrong")] {
        folder.variables.insert(name.to_owned(), value.to_owned());
    }
    folder.write("key", "sdk-wrong\n");
    let key_help = "it must be a server-side key (\"sdk-…\"), of the environment you mean";
    let ran = folder.vexil(&["list", &format!("service?base={url}&key-env=WRONG")]);
    is_refused(
        &ran,
        Exit::Unreachable,
        "the service refused the SDK key in WRONG (401)",
        key_help,
    );
    let ran = folder.vexil(&["list", &format!("relay+http://{host}?key-env=WRONG")]);
    is_refused(
        &ran,
        Exit::Unreachable,
        &format!("relay+http://{host}?key-env=WRONG refused the SDK key in WRONG (401)"),
        key_help,
    );
    let ran = folder.vexil(&["list", &format!("service?base={url}&key-env=INVALID")]);
    assert_eq!(ran.exit, Exit::Usage, "{ran:?}");
    assert!(
        ran.stderr.contains("help: check the value of INVALID"),
        "{ran:?}"
    );
    let ran = folder.vexil(&["list", &format!("service?base={url}&key-env=UNSET")]);
    is_refused(
        &ran,
        Exit::Usage,
        "the SDK key is missing: the environment variable UNSET is not set",
        "export UNSET=…",
    );
    let source = format!("service?base={url}");
    service.answer(Endpoint::Poll, Answer::status(503));
    let ran = folder.vexil(&["list", &source]);
    is_refused(
        &ran,
        Exit::Unreachable,
        &format!("{source} answered with status 503"),
        "try again later; -v logs each attempt",
    );
    service.answer(Endpoint::Poll, Answer::json("{\"flags\": [\"secret\"]}"));
    let ran = folder.vexil(&["list", &source]);
    assert_eq!(ran.exit, Exit::Unreadable, "{ran:?}");
    let begin = format!("error: {source} sent data that cannot be read: ");
    assert!(ran.stderr.starts_with(&begin), "{ran:?}");
    assert!(!ran.stderr.contains("secret"), "{ran:?}");

    service.answer(Endpoint::Stream, Answer::nothing());
    let source = format!("relay+http://{host}?timeout=300ms");
    let ran = folder.vexil(&["list", &source]);
    is_refused(
        &ran,
        Exit::Unreachable,
        &format!("{source} did not answer in time"),
        "is the address right? ?timeout=30s waits longer",
    );
    service.answer(Endpoint::Poll, Answer::status(404));
    let source = format!("relay+http://{host}?mode=poll");
    let ran = folder.vexil(&["list", &source]);
    is_refused(
        &ran,
        Exit::Unreachable,
        &format!("{source} has no polls (404)"),
        "a Relay Proxy only serves streams: leave out mode=poll",
    );
    let ran = folder.vexil(&["list", "relay+http://127.0.0.1:1"]);
    is_refused(
        &ran,
        Exit::Unreachable,
        "cannot connect to relay+http://127.0.0.1:1: connection refused",
        "is it running? \"vexil list relay+http://127.0.0.1:1 -v\" logs each attempt",
    );
}

#[test]
fn a_certificate_is_trusted_by_its_authority() {
    let service = FakeService::builder().data(data()).tls().start().unwrap();
    let folder = folder();
    let ca = service.ca_pem_path().unwrap().to_str().unwrap().to_owned();
    let url = service.url();
    let host = host(&service);
    for source in [
        format!("service?base={url}&ca={ca}"),
        format!("relay+https://{host}?ca={ca}"),
        format!("{url}/sdk/latest-all?ca={ca}"),
    ] {
        let ran = folder.vexil(&["show", &source, "theme"]);
        assert_eq!(
            (ran.exit, ran.stderr.as_str()),
            (Exit::Done, ""),
            "{source}"
        );
    }
    for source in [
        format!("relay+https://{host}"),
        format!("{url}/sdk/latest-all"),
    ] {
        let ran = folder.vexil(&["list", &source]);
        is_refused(
            &ran,
            Exit::Unreachable,
            &format!("the certificate of {source} is not trusted: its issuer is unknown"),
            "add ?ca=FILE, the PEM file of the certificate authority, if you trust it",
        );
    }
}

#[test]
fn a_document_is_fetched() {
    let service = FakeService::start().unwrap();
    service.answer(Endpoint::Other, Answer::json(data()));
    let url = format!("{}/flags.json", service.url());
    let mut folder = folder();
    let ran = folder.vexil(&["show", &format!("{url}?token=a%20b"), "theme", "--raw"]);
    assert_eq!(
        (ran.exit, ran.stdout.as_str()),
        (Exit::Done, FLAG),
        "{ran:?}"
    );
    let request = service.next_request(Endpoint::Other).wait().unwrap();
    assert_eq!(request.query(), Some("token=a%20b"));
    assert_eq!(request.header("authorization"), None);

    let yaml = "theme: { on: true }";
    service.answer(Endpoint::Other, Answer::json(yaml));
    let with_password = url.replace("http://", "http://ada:pw%21@");
    folder.variables.insert("URL".to_owned(), with_password);
    let section = format!("{url}?section=flags&format=yaml");
    let ran = folder.vexil(&["show", &section, "theme", "--raw"]);
    assert_eq!(ran.stdout, r#"{"on":true}"#, "{ran:?}");
    service.answer(Endpoint::Other, Answer::json("{}"));
    assert_eq!(folder.vexil(&["list", "env:URL"]).exit, Exit::Done);
    let request = service.requests_to(Endpoint::Other).pop().unwrap();
    // The words "ada:pw!".
    assert_eq!(request.header("authorization"), Some("Basic YWRhOnB3IQ=="));

    let ran = folder.vexil(&["list", &url]);
    is_refused(
        &ran,
        Exit::Unreachable,
        &format!("{url} does not exist (404)"),
        "is the path right?",
    );
    service.answer(Endpoint::Other, Answer::status(403));
    let ran = folder.vexil(&["list", &url]);
    assert_eq!(ran.exit, Exit::Unreachable);
    assert!(ran.stderr.contains("refuses access (403)"), "{ran:?}");
    service.answer(Endpoint::Other, Answer::json("{\"flags\": "));
    let ran = folder.vexil(&["list", &url]);
    assert_eq!(ran.exit, Exit::Unreadable);
    assert!(
        ran.stderr.contains(&format!("error: {url}:1:10: ")),
        "{ran:?}"
    );
}
