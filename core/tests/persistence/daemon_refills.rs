//! Daemon mode while an emptied database is filled again, in any order and at any pace.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use vexil::config::PersistentStoreConfig;

use super::*;
use crate::log::Log;

/// How long few items, or most items, have to be missing to count as deleted.
const LOSS_DELAY: Duration = Duration::from_secs(60);

/// One write of another process.
#[derive(Clone, Copy, Debug)]
enum Write {
    Flag(usize),
    Segment(usize),
    Marker,
}

/// A database with flags, segments and, by default, the marker of a complete data set.
struct Environment {
    database: MemoryDatabase,
    client: Client,
    flags: usize,
    segments: usize,
}

impl Environment {
    /// With `push`, the database notifies of changes, as Redis does and DynamoDB does not.
    async fn new(flags: usize, push: bool, has_marker: bool) -> Self {
        let database = MemoryDatabase::new();
        let segments = flags / 5;
        write_all(
            &database,
            (0..flags)
                .map(Write::Flag)
                .chain((0..segments).map(Write::Segment)),
            1,
        );
        database.set_initialized(PREFIX, has_marker);
        let store = MemoryPersistentStore::attached(&database, PREFIX);
        let store = if push { store.with_push() } else { store };
        let store = PersistentStoreConfig::new(store);
        // A database that does not notify is read more often, so that reads see every stage of a
        // refill.
        let store = if push {
            store
        } else {
            store.refresh_interval(Duration::from_millis(500))
        };
        let client = daemon(store).await;
        Self {
            database,
            client,
            flags,
            segments,
        }
    }

    fn flags(&self) -> impl DoubleEndedIterator<Item = Write> + use<> {
        (0..self.flags).map(Write::Flag)
    }

    fn segments(&self) -> impl DoubleEndedIterator<Item = Write> + use<> {
        (0..self.segments).map(Write::Segment)
    }

    fn write(&self, write: Write, version: u64) {
        write_all(&self.database, [write], version);
    }

    /// Empties the database, and writes the rest of the environment at the same instant.
    fn replace(&self, flags: usize, has_marker: bool) {
        self.database.clear(PREFIX);
        write_all(
            &self.database,
            (0..flags).map(Write::Flag).chain(self.segments()),
            2,
        );
        self.database.set_initialized(PREFIX, has_marker);
    }

    /// How many flags return their default.
    async fn defaults(&self) -> usize {
        let mut defaults = 0;
        for flag in 0..self.flags {
            defaults +=
                usize::from(value(&self.client, &format!("flag-{flag}")).await == "default");
        }
        defaults
    }

    /// Evaluates all flags repeatedly and checks that none returns its default.
    async fn has_no_default_for(&self, time: Duration, pause: Duration, case: &str) {
        let start = Instant::now();
        while start.elapsed() < time {
            assert_eq!(
                self.defaults().await,
                0,
                "{case}, after {:?}",
                start.elapsed()
            );
            sleep(pause).await;
        }
    }

    fn is_stale(&self) -> bool {
        self.client.data_store_status().status().stale
    }
}

fn write_all(database: &MemoryDatabase, writes: impl IntoIterator<Item = Write>, version: u64) {
    for write in writes {
        match write {
            Write::Flag(n) => put(database, &format!("flag-{n}"), &serving(version, version)),
            Write::Segment(n) => {
                let segment = StoredItem::new(json!({"version": version}).to_string());
                database.put(PREFIX, DataKind::Segment, format!("segment-{n}"), segment);
            }
            Write::Marker => database.set_initialized(PREFIX, true),
        }
    }
}

/// The sizes and kinds of databases that each refill is tested with.
const KINDS: [(usize, bool); 4] = [(30, true), (30, false), (8, true), (8, false)];

#[tokio::test(start_paused = true)]
async fn one_patch_written_to_an_emptied_database_removes_no_flag() {
    for (flags, push) in KINDS {
        for patch in [Write::Flag(3), Write::Segment(0)] {
            let environment = Environment::new(flags, push, true).await;
            let case = format!("{flags} flags, push: {push}, {patch:?}");
            environment.database.clear(PREFIX);
            environment.write(patch, 2);
            environment
                .has_no_default_for(Duration::from_secs(10), Duration::from_millis(50), &case)
                .await;
            sleep(Duration::from_secs(3600)).await;
            environment
                .has_no_default_for(Duration::from_secs(10), Duration::from_millis(500), &case)
                .await;
            assert!(environment.is_stale(), "{case}");
            if let Write::Flag(_) = patch {
                assert_eq!(
                    value(&environment.client, "flag-3").await,
                    2,
                    "the written flag is used: {case}"
                );
            }
        }
    }
}

// STO-F25
#[tokio::test(start_paused = true)]
async fn a_refill_removes_no_flag_in_whatever_order_and_however_slow_it_is() {
    for (flags, push) in KINDS {
        for pace in [
            Duration::ZERO,
            Duration::from_millis(7),
            Duration::from_secs(4),
        ] {
            for order in [
                "marker first",
                "marker last",
                "marker between",
                "segments first",
                "backwards",
            ] {
                let environment = Environment::new(flags, push, true).await;
                let marker = || std::iter::once(Write::Marker);
                let writes: Vec<Write> = match order {
                    "marker first" => marker()
                        .chain(environment.flags())
                        .chain(environment.segments())
                        .collect(),
                    "marker last" => environment
                        .flags()
                        .chain(environment.segments())
                        .chain(marker())
                        .collect(),
                    "marker between" => environment
                        .flags()
                        .chain(marker())
                        .chain(environment.segments())
                        .collect(),
                    "segments first" => environment
                        .segments()
                        .chain(marker())
                        .chain(environment.flags())
                        .collect(),
                    _ => marker()
                        .chain(environment.segments().chain(environment.flags()))
                        .rev()
                        .collect(),
                };
                let case = format!("{flags} flags, push: {push}, one write per {pace:?}, {order}");
                environment.database.clear(PREFIX);
                for write in writes {
                    environment.write(write, 2);
                    environment
                        .has_no_default_for(pace, pace.max(Duration::from_millis(2)) / 2, &case)
                        .await;
                }
                environment
                    .has_no_default_for(Duration::from_secs(3), Duration::from_millis(100), &case)
                    .await;
                assert!(!environment.is_stale(), "the refill is complete: {case}");
                until_value(&environment.client, "flag-0", 2).await;
                sleep(LOSS_DELAY * 2).await;
                assert_eq!(environment.defaults().await, 0, "{case}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_refill_without_the_marker_stays_stale_and_keeps_what_it_lacks() {
    let environment = Environment::new(30, true, true).await;
    environment.database.clear(PREFIX);
    for write in environment.segments().chain(environment.flags().take(29)) {
        environment.write(write, 2);
        sleep(Duration::from_secs(1)).await;
    }
    environment
        .has_no_default_for(
            LOSS_DELAY * 10,
            Duration::from_secs(1),
            "one flag is missing",
        )
        .await;
    assert!(environment.is_stale());
    environment.write(Write::Flag(29), 2);
    until_value(&environment.client, "flag-29", 2).await;
    assert!(
        environment.is_stale(),
        "only the marker proves that the data set is complete"
    );
    environment.write(Write::Marker, 2);
    until(&environment.client, |status| {
        !status.stale && status.initialized
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_environment_that_was_reduced_on_purpose_is_accepted_after_a_while() {
    for (flags, push) in KINDS {
        // The remaining flags, whether the database was seen without a marker before, and the delay
        // until the others are removed.
        for (left, was_lost, delay) in [
            (flags - 2, false, Duration::from_secs(2)),
            (flags / 4, false, LOSS_DELAY),
            (flags - 2, true, LOSS_DELAY),
            (flags / 4, true, LOSS_DELAY),
        ] {
            let environment = Environment::new(flags, push, true).await;
            let case = format!("{left} of {flags} flags, push: {push}, lost: {was_lost}");
            if was_lost {
                environment.database.clear(PREFIX);
                until(&environment.client, |status| status.stale).await;
            }
            environment.replace(left, true);
            let start = Instant::now();
            until_value(&environment.client, "flag-0", 2).await;
            environment
                .has_no_default_for(
                    delay - Duration::from_secs(1),
                    Duration::from_millis(500),
                    &case,
                )
                .await;
            let last = format!("flag-{}", flags - 1);
            until_value(&environment.client, &last, "default").await;
            assert!(
                start.elapsed() <= delay + Duration::from_secs(2),
                "{case}: {:?}",
                start.elapsed()
            );
            assert_eq!(environment.defaults().await, flags - left, "{case}");
            assert!(!environment.is_stale(), "{case}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn change_notifications_do_not_shorten_the_delay_until_missing_flags_are_removed() {
    for (has_marker, delay) in [(true, LOSS_DELAY), (false, Duration::from_secs(2))] {
        let environment = Environment::new(30, true, has_marker).await;
        environment.replace(5, has_marker);
        let start = Instant::now();
        let mut version = 2;
        while start.elapsed() < delay - Duration::from_millis(100) {
            version += 1;
            environment.write(Write::Flag(0), version);
            sleep(Duration::from_millis(50)).await;
            assert_eq!(
                value(&environment.client, "flag-0").await,
                version,
                "changes are applied meanwhile"
            );
            assert_eq!(
                environment.defaults().await,
                0,
                "marker: {has_marker}, after {:?}",
                start.elapsed()
            );
        }
        until_value(&environment.client, "flag-29", "default").await;
        assert!(
            start.elapsed() < delay + Duration::from_secs(1),
            "{:?}",
            start.elapsed()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_marker_the_number_of_missing_flags_decides() {
    let environment = Environment::new(30, true, false).await;
    // A loss of less than half is accepted at once.
    environment.replace(20, false);
    sleep(Duration::from_millis(100)).await;
    assert_eq!(environment.defaults().await, 10);
    // A complete loss is not accepted, and neither is a partial refill.
    environment.database.clear(PREFIX);
    sleep(LOSS_DELAY * 60).await;
    assert_eq!(environment.defaults().await, 10);
    environment.write(Write::Flag(0), 3);
    until_value(&environment.client, "flag-0", 3).await;
    sleep(LOSS_DELAY / 2).await;
    assert_eq!(environment.defaults().await, 10);
}

#[tokio::test(start_paused = true)]
async fn a_loss_and_its_end_are_logged_once() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.subscriber());
    let environment = Environment::new(30, true, true).await;
    environment.database.clear(PREFIX);
    for write in environment.flags().chain(environment.segments()) {
        environment.write(write, 2);
        sleep(Duration::from_secs(1)).await;
    }
    environment.write(Write::Marker, 2);
    until(&environment.client, |status| !status.stale).await;
    let lines = log.lines();
    let count = |words: &str| lines.iter().filter(|line| line.contains(words)).count();
    assert_eq!(count(" WARN "), 1, "{lines:#?}");
    assert_eq!(count("the data store has lost data"), 1, "{lines:#?}");
    assert_eq!(count("has recovered its lost data"), 1, "{lines:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_starts_on_flags_without_a_marker_warns() {
    for (has_marker, warnings) in [(true, 0), (false, 1)] {
        let log = Log::default();
        let _guard = tracing::subscriber::set_default(log.subscriber());
        let environment = Environment::new(30, true, has_marker).await;
        assert_eq!(environment.defaults().await, 0, "the flags are used");
        sleep(Duration::from_secs(60)).await;
        let lines = log.lines();
        let count = lines
            .iter()
            .filter(|line| line.contains(" WARN ") && line.contains("no marker"))
            .count();
        assert_eq!(count, warnings, "{lines:#?}");
    }
}
