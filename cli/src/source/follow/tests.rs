use std::path::Path;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::time::timeout;
use vexil_testing::FakeService;
use vexil_testing::fake_service::{Answer, Endpoint};
use vexil_testing::servers::RedisServer;

use super::*;
use crate::source::testing::in_session;

/// Longer than any step takes, even on a busy machine.
const SOON: Duration = Duration::from_secs(60);
const NEVER: Duration = Duration::from_secs(100_000);
const OFTEN: Duration = Duration::from_millis(50);

const THEME: &str = r#"{"flags": {"theme": {"version": 1}}, "segments": {}}"#;
const NEW_THEME: &str = r#"{"flags": {"theme": {"version": 2}}, "segments": {}}"#;

fn begin(source: &str, also: &[&str], interval: Duration) -> Result<Follow, Failure> {
    in_session(&[("VEXIL_SDK_KEY", "sdk-key")], &[], |session| {
        let reading = ReadingArgs {
            also: also.iter().map(|&also| also.to_owned()).collect(),
            ..ReadingArgs::default()
        };
        Source::parse(source, session)?.follow(&reading, interval, session)
    })
}

fn follow(source: &str, interval: Duration) -> Follow {
    match begin(source, &[], interval) {
        Ok(follow) => follow,
        Err(failure) => panic!("{failure:?}"),
    }
}

/// Describes the next change: `whole theme@1`, `theme@2`, `theme@3 deleted`, `outage: …`, `ended`,
/// `failed: …`.
async fn next(follow: &mut Follow) -> String {
    let item = |key: &Text, item: &StoredText| {
        let deleted = if item.deleted { " deleted" } else { "" };
        format!("{key}@{}{deleted}", item.version)
    };
    let next = timeout(SOON, follow.next()).await;
    match next.expect("a change arrives") {
        Ok(Change::Whole(snapshot)) => {
            let items: Vec<_> = snapshot
                .items()
                .map(|(_, key, text)| item(key, text))
                .collect();
            format!("whole {}", items.join(" "))
        }
        Ok(Change::Item {
            key, item: text, ..
        }) => item(&key, &text),
        Ok(Change::OutageBegan(reason)) => format!("outage: {reason}"),
        Ok(Change::OutageEnded) => "ended".to_owned(),
        Err(failure) => format!("failed: {}", failure.message),
    }
}

struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> String {
        let path: &Path = self.0.path();
        path.join(name).to_str().unwrap().to_owned()
    }

    /// Replaces a file, as editors do.
    fn write(&self, name: &str, text: &str) {
        let new = self.path(".new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, self.path(name)).unwrap();
    }
}

#[tokio::test]
async fn files_are_watched_and_faults_in_them_are_outages() {
    let files = Files::new();
    files.write("a.json", THEME);
    files.write("b.yaml", "flagValues: { items: 1 }");
    let (a, b) = (files.path("a.json"), files.path("b.yaml"));
    let mut follow = begin(&a, &[&b], NEVER).unwrap();
    assert_eq!(next(&mut follow).await, "whole items@1 theme@1");
    files.write("a.json", NEW_THEME);
    assert_eq!(next(&mut follow).await, "whole items@1 theme@2");
    files.write("b.yaml", "flagValues: [");
    let outage = next(&mut follow).await;
    assert!(outage.starts_with(&format!("outage: {b}:1:")), "{outage}");
    files.write("b.yaml", "flagValues: { items: 1 }");
    assert_eq!(next(&mut follow).await, "ended");
}

#[tokio::test]
async fn a_file_that_becomes_empty_keeps_its_flags_until_it_is_read_again() {
    let files = Files::new();
    files.write("a.yaml", THEME);
    files.write("b.yaml", "flagValues: { items: 1 }");
    let (a, b) = (files.path("a.yaml"), files.path("b.yaml"));
    let mut follow = begin(&a, &[&b], NEVER).unwrap();
    assert_eq!(next(&mut follow).await, "whole items@1 theme@1");
    let emptied = Instant::now();
    std::fs::write(&a, "").unwrap();
    assert_eq!(next(&mut follow).await, "whole items@1");
    assert!(emptied.elapsed() >= Duration::from_secs(2));
}

#[tokio::test]
async fn a_file_that_cannot_be_read_at_the_start_is_a_failure() {
    let files = Files::new();
    let path = files.path("none.yaml");
    let mut missing = follow(&path, NEVER);
    let expected = format!("failed: cannot read {path}: there is no such file");
    assert_eq!(next(&mut missing).await, expected);
    assert!(next(&mut missing).await.starts_with("failed: "));
    for (source, also, words) in [
        ("-", "", "standard input cannot be followed"),
        (
            "redis://localhost",
            "a.yaml",
            "only if all sources are files",
        ),
    ] {
        let also: Vec<_> = Some(also)
            .into_iter()
            .filter(|also| !also.is_empty())
            .collect();
        let failure = begin(source, &also, NEVER).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.message.contains(words), "{failure:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_is_read_after_notifications_and_at_intervals() {
    let server = RedisServer::start().unwrap();
    let put = |version: u64| {
        let item = format!(r#"{{"version": {version}}}"#);
        server
            .command(["HSET", "launchdarkly:features", "theme", &item])
            .unwrap();
    };
    put(1);
    server.command(["SET", "launchdarkly:$inited", ""]).unwrap();
    let url = server.url();
    let mut notified = follow(&url, NEVER);
    let mut polling = follow(&url, OFTEN);
    assert_eq!(next(&mut notified).await, "whole theme@1");
    assert_eq!(next(&mut polling).await, "whole theme@1");
    put(2);
    assert_eq!(next(&mut notified).await, "whole theme@2");
    assert_eq!(next(&mut polling).await, "whole theme@2");
    server.kill();
    let outage = next(&mut polling).await;
    let expected = format!("outage: cannot connect to {url}: ");
    assert!(outage.starts_with(&expected), "{outage}");
    server.restart().unwrap();
    assert_eq!(next(&mut polling).await, "ended");
    assert_eq!(next(&mut polling).await, "whole ");
    put(3);
    assert_eq!(next(&mut polling).await, "whole theme@3");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_sends_whole_sets_and_single_items() {
    for query in ["", "&protocol=fdv2"] {
        let service = FakeService::builder().data(THEME).start().unwrap();
        let source = format!("service?base={}{query}", service.url());
        let mut follow = follow(&source, NEVER);
        assert_eq!(next(&mut follow).await, "whole theme@1");
        service.set("banner", "hi");
        let item = next(&mut follow).await;
        assert!(
            item.starts_with("banner@") && !item.contains("deleted"),
            "{item}"
        );
        service.delete("banner");
        let item = next(&mut follow).await;
        assert!(
            item.starts_with("banner@") && item.ends_with(" deleted"),
            "{item}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_of_a_service_begins_and_ends() {
    let service = FakeService::builder().data(THEME).start().unwrap();
    let host = service.address();
    let source = format!("relay+http://{host}");
    let mut follow = follow(&source, NEVER);
    assert_eq!(next(&mut follow).await, "whole theme@1");
    service.always(Endpoint::Stream, Answer::status(503));
    service.reset_streams();
    let outage = next(&mut follow).await;
    assert!(outage.starts_with("outage: "), "{outage}");
    assert!(outage.contains(&source), "{outage}");
    service.set_data(NEW_THEME).unwrap();
    service.as_usual(Endpoint::Stream);
    assert_eq!(next(&mut follow).await, "ended");
    assert_eq!(next(&mut follow).await, "whole theme@2");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_refuses_the_key_at_the_start_is_a_failure() {
    let service = FakeService::builder().sdk_key("sdk-other").start().unwrap();
    let source = format!("service?base={}", service.url());
    let mut follow = follow(&source, NEVER);
    assert_eq!(
        next(&mut follow).await,
        "failed: the service refused the SDK key in VEXIL_SDK_KEY (401)"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_does_not_offer_the_second_protocol_is_followed_with_the_first() {
    let service = FakeService::builder().data(THEME).start().unwrap();
    service.always(Endpoint::PayloadStream, Answer::status(404));
    let source = format!("service?base={}&protocol=auto", service.url());
    let mut follow = follow(&source, NEVER);
    assert_eq!(next(&mut follow).await, "whole theme@1");
    assert_eq!(service.requests_to(Endpoint::Stream).len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn polls_and_documents_are_compared_at_intervals() {
    let service = FakeService::builder().data(THEME).start().unwrap();
    let url = service.url();
    let poll = format!("service?base={url}&mode=poll");
    let document = format!("{url}/sdk/latest-all");
    let mut follows = [follow(&poll, OFTEN), follow(&document, OFTEN)];
    for follow in &mut follows {
        assert_eq!(next(follow).await, "whole theme@1");
    }
    service.set_data(NEW_THEME).unwrap();
    for follow in &mut follows {
        assert_eq!(next(follow).await, "whole theme@2");
    }
    service.always(Endpoint::Poll, Answer::status(503));
    for follow in &mut follows {
        let outage = next(follow).await;
        assert!(
            outage.starts_with("outage: ") && outage.contains("503"),
            "{outage}"
        );
    }
    service.as_usual(Endpoint::Poll);
    for follow in &mut follows {
        assert_eq!(next(follow).await, "ended");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropping_it_ends_the_connection() {
    let service = FakeService::builder().data(THEME).start().unwrap();
    let source = format!("service?base={}", service.url());
    let mut follow = follow(&source, NEVER);
    assert_eq!(next(&mut follow).await, "whole theme@1");
    assert_eq!(service.open_streams(), 1);
    drop(follow);
    service.wait_for_streams(0).await.unwrap();
}
