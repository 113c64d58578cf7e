//! A client in daemon mode while its server is emptied and refilled.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use vexil::{Client, Context};
use vexil_redis::RedisDataStore;
use vexil_testing::servers::RedisServer;

use crate::support::TIMEOUT;

pub(crate) const FLAGS: u32 = 30;
const SEGMENTS: u32 = 6;

/// A write by another process.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Write {
    Flag(u32),
    Segment(u32),
    Marker,
}

/// All writes that make the data set complete.
pub(crate) fn complete() -> Vec<Write> {
    let segments = (0..SEGMENTS).map(Write::Segment);
    (0..FLAGS)
        .map(Write::Flag)
        .chain(segments)
        .chain([Write::Marker])
        .collect()
}

/// The command for a write, with this version of an item.
pub(crate) fn command(write: Write, version: u32) -> Vec<String> {
    let words = match write {
        Write::Flag(number) => {
            // Half of the flags also depend on a segment.
            let rules = match number % 2 {
                0 => "[]".to_owned(),
                _ => format!(
                    r#"[{{"id":"r","variation":0,"clauses":[{{"attribute":"","op":"segmentMatch","values":["segment-{}"]}}]}}]"#,
                    number % SEGMENTS
                ),
            };
            let flag = format!(
                r#"{{"key":"flag-{number}","version":{version},"on":true,"variations":[{version},-1],"rules":{rules},"fallthrough":{{"variation":{}}}}}"#,
                number % 2
            );
            [
                "HSET".into(),
                "launchdarkly:features".into(),
                format!("flag-{number}"),
                flag,
            ]
        }
        Write::Segment(number) => {
            let segment =
                format!(r#"{{"key":"segment-{number}","version":{version},"included":["ada"]}}"#);
            [
                "HSET".into(),
                "launchdarkly:segments".into(),
                format!("segment-{number}"),
                segment,
            ]
        }
        Write::Marker => return ["SET", "launchdarkly:$inited", ""].map(String::from).into(),
    };
    words.into()
}

/// A client in daemon mode that has read a complete data set of version 1.
pub(crate) fn reading(server: &RedisServer) -> Client {
    for write in complete() {
        server.command(command(write, 1)).unwrap();
    }
    let store = RedisDataStore::builder().url(server.url());
    let client = Client::builder("sdk-key")
        .daemon_mode(store)
        .without_events()
        .start()
        .unwrap();
    client.blocking_wait_until_ready(TIMEOUT).unwrap();
    client
}

/// The value of a flag: its version, -1 if its segment is missing, or the default 0.
pub(crate) fn value(client: &Client, flag: u32) -> i64 {
    client.int_variation(&format!("flag-{flag}"), &Context::new("ada").unwrap(), 0)
}

/// Counts of the evaluations of a background thread.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    pub(crate) evaluations: AtomicU64,
    /// Evaluations in which a flag or its segment was missing.
    pub(crate) missing: AtomicU64,
}

/// Evaluates all flags continuously on another thread while `act` runs.
pub(crate) fn while_watched(client: &Client, watch: &Watch, act: impl FnOnce()) {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                for flag in 0..FLAGS {
                    watch
                        .missing
                        .fetch_add(u64::from(value(client, flag) <= 0), Ordering::Relaxed);
                    watch.evaluations.fetch_add(1, Ordering::Relaxed);
                }
                // Leave processor time to the client and the server.
                thread::sleep(Duration::from_micros(200));
            }
        });
        // Stop the thread even after a panic, so that the failure is reported.
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(act));
        is_over.store(true, Ordering::Relaxed);
        if let Err(panic) = result {
            std::panic::resume_unwind(panic);
        }
    });
}

pub(crate) fn until(what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < TIMEOUT, "never: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

fn flush(server: &RedisServer) {
    server.command(["FLUSHALL"]).unwrap();
}

#[test]
fn one_patch_after_flushall_removes_no_flag() {
    let server = RedisServer::start().unwrap();
    let client = reading(&server);
    let watch = Watch::default();
    while_watched(&client, &watch, || {
        flush(&server);
        server.command(command(Write::Flag(0), 2)).unwrap();
        until("the patch is visible", || value(&client, 0) == 2);
        let status = client.data_store_status();
        assert!(status.blocking_wait_for(|status| status.stale, TIMEOUT));
        // Longer than the confirmation of a suspicious loss takes.
        assert!(!status.blocking_wait_for(|status| !status.stale, Duration::from_secs(4)));
    });
    assert_eq!(
        watch.missing.into_inner(),
        0,
        "of {} evaluations",
        watch.evaluations.into_inner()
    );
}

#[test]
fn a_refill_in_any_order_removes_no_flag() {
    let server = RedisServer::start().unwrap();
    let client = reading(&server);
    let mut version = 1;
    for pause in [
        Duration::ZERO,
        Duration::from_millis(1),
        Duration::from_millis(80),
    ] {
        for order in ["marker last", "marker first", "segments first", "backwards"] {
            let mut writes = complete();
            match order {
                "marker first" => writes.rotate_right(1),
                "segments first" => writes.rotate_left(FLAGS as usize),
                "backwards" => writes.reverse(),
                _ => {}
            }
            version += 1;
            let watch = Watch::default();
            while_watched(&client, &watch, || {
                flush(&server);
                for write in writes {
                    server.command(command(write, version)).unwrap();
                    thread::sleep(pause);
                }
                until("the refill is complete", || {
                    (0..FLAGS).all(|flag| value(&client, flag) == i64::from(version))
                        && !client.data_store_status().status().stale
                });
            });
            let missing = watch.missing.into_inner();
            assert_eq!(
                missing,
                0,
                "{order}, {pause:?}: of {} evaluations",
                watch.evaluations.into_inner()
            );
        }
    }
}
