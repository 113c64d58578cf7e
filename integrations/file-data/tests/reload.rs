//! Reloading files that change: SRC-6.4 and SRC-6.5.
#![cfg(test)]

#[allow(dead_code, reason = "each test binary uses a part of it")]
mod support;

use std::path::Path;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use support::{Files, TIMEOUT, changes, next, next_in, start, value};
use vexil::Client;
use vexil::data_source::{
    DataSink, DataSource, DataSourceErrorInfo, DataSourceErrorKind, DataSourceState, NotStoredError,
};
use vexil::model::{DataSet, Item, Upserted};
use vexil_file_data::{FileData, FileDataBuilder};

const ONE: &str = "flagValues: { a: 1 }";
const TWO: &str = "flagValues: { a: 2 }";

fn watching(path: impl AsRef<Path>) -> FileDataBuilder {
    FileData::path(path).watch(true)
}

fn polling(path: impl AsRef<Path>) -> FileDataBuilder {
    watching(path)
        .force_polling(true)
        .poll_interval(Duration::from_millis(5))
}

/// Both ways to detect a change.
fn both(path: &Path) -> [FileDataBuilder; 2] {
    [watching(path), polling(path)]
}

fn next_change(changes: &Receiver<String>) -> String {
    changes
        .recv_timeout(TIMEOUT)
        .expect("a flag change is notified")
}

/// Waits until flag `a` has this value. A file is briefly empty while it is rewritten, and polling
/// may see that.
fn until(client: &Client, changes: &Receiver<String>, expected: usize) {
    while value(client, "a") != expected.into() {
        next_change(changes);
    }
}

// SRC-6.4: auto_update
#[test]
fn a_rewritten_file_is_reloaded() {
    let files = Files::new();
    for data in both(&files.path("f")) {
        files.write("f", ONE);
        let client = start(data);
        let changes = changes(&client);
        files.write("f", "flagValues: { a: 22 }");
        until(&client, &changes, 22);
    }
}

// SRC-6.4: editors replace by rename
#[test]
fn a_file_replaced_by_rename_is_reloaded_every_time() {
    let files = Files::new();
    for data in both(&files.path("f")) {
        files.write("f", ONE);
        let client = start(data);
        let changes = changes(&client);
        for n in 10..14 {
            files.replace(
                "f",
                &format!("flagValues: {{ a: {n}, b: {} }}", "x".repeat(n)),
            );
            until(&client, &changes, n);
        }
    }
}

// SRC-6.4: Kubernetes `..data` symlink swap
#[cfg(unix)]
#[test]
fn a_retargeted_link_to_a_directory_is_followed() {
    use std::os::unix::fs::symlink;
    let files = Files::new();
    let place = |name: &str, text: &str| {
        std::fs::create_dir(files.path(name)).unwrap();
        files.write(&format!("{name}/f"), text);
    };
    let swap = |to: &str| {
        symlink(to, files.path("..data_tmp")).unwrap();
        std::fs::rename(files.path("..data_tmp"), files.path("..data")).unwrap();
    };
    symlink("..data/f", files.path("f")).unwrap();
    for (round, data) in both(&files.path("f")).into_iter().enumerate() {
        place(&format!("..{round}-0"), "flagValues: { a: 0 }");
        swap(&format!("..{round}-0"));
        let client = start(data);
        assert_eq!(value(&client, "a"), 0.into());
        let changes = changes(&client);
        // Twice, because the first swap also changes the watched directories.
        for n in 1..3 {
            place(
                &format!("..{round}-{n}"),
                &format!("flagValues: {{ a: {n} }}"),
            );
            swap(&format!("..{round}-{n}"));
            std::fs::remove_dir_all(files.path(&format!("..{round}-{}", n - 1))).unwrap();
            until(&client, &changes, n);
        }
        // The new target of the links is watched, and the link itself.
        files.write(&format!("..{round}-2/f"), "flagValues: { a: 100 }");
        until(&client, &changes, 100);
    }
}

// SRC-6.4, SRC-F64: initialized only after success
#[test]
fn a_missing_file_is_loaded_when_it_and_its_directory_are_created() {
    let files = Files::new();
    for (round, name) in [("1", "1/2/f"), ("3", "3/f")] {
        for data in both(&files.path(name)) {
            let client = start(data);
            assert!(!client.is_initialized());
            let status = client.data_source_status().status();
            assert_eq!(status.state, DataSourceState::Initializing);
            assert_eq!(status.error.unwrap().kind, DataSourceErrorKind::InvalidData);
            std::fs::create_dir_all(files.path(name).parent().unwrap()).unwrap();
            files.replace(name, ONE);
            client.blocking_wait_until_ready(TIMEOUT).unwrap();
            assert_eq!(value(&client, "a"), 1.into());
            drop(client);
            std::fs::remove_dir_all(files.path(round)).unwrap();
        }
    }
}

// SRC-6.3 and SRC-6.4, SRC-F64: half-written file
#[test]
fn a_half_written_file_changes_nothing_and_the_error_has_its_position() {
    let files = Files::new();
    for data in both(&files.path("f")) {
        files.write("f", "{\"flagValues\": {\"a\": 1}}");
        let client = start(data);
        let changes = changes(&client);
        let mut statuses = client.data_source_status().subscribe();
        files.write("f", "{\"flagValues\": {\n  \"a\": 2,\n  \"banner\": {\"te");
        let status = next_in(&mut statuses, DataSourceState::Interrupted);
        let error = status.error.unwrap();
        assert_eq!(error.kind, DataSourceErrorKind::InvalidData);
        let expected = format!(
            "{}:3:16: flag \"banner\" cannot be read: EOF while parsing",
            files.path("f").display()
        );
        assert!(error.message.starts_with(&expected), "{error}");
        assert!(client.is_initialized());
        files.write(
            "f",
            "{\"flagValues\": {\n  \"a\": 2,\n  \"banner\": {\"text\": 1}}}",
        );
        next_in(&mut statuses, DataSourceState::Valid);
        until(&client, &changes, 2);
    }
}

// SRC-6.3: previous data stays
#[test]
fn invalid_data_leaves_the_flags_unchanged() {
    let files = Files::new();
    for data in both(&files.path("f")) {
        files.write("f", ONE);
        let client = start(data);
        let mut statuses = client.data_source_status().subscribe();
        files.replace("f", "flagValues: { a: 2");
        assert_eq!(next(&mut statuses).state, DataSourceState::Interrupted);
        assert_eq!(value(&client, "a"), 1.into());
        // The same bytes as before: nothing to load, but the error is resolved.
        files.replace("f", ONE);
        next_in(&mut statuses, DataSourceState::Valid);
        assert_eq!(value(&client, "a"), 1.into());
    }
}

// SRC-6.5: each successful reload is a change for every flag
#[test]
fn a_reload_changes_every_flag_regardless_of_versions_in_the_file() {
    let files = Files::new();
    for data in both(&files.path("f")) {
        files.write("f", "flags: { a: { version: 9 }, b: { version: 9 } }");
        let client = start(data);
        let changes = changes(&client);
        files.replace(
            "f",
            "flags: { a: { version: 1 }, b: { version: 9, on: true } }",
        );
        let mut keys = [next_change(&changes), next_change(&changes)];
        keys.sort();
        assert_eq!(keys, ["a", "b"]);
    }
}

// SRC-6.5: versions, those of tombstones included
#[test]
fn all_items_have_the_number_of_the_attempt_as_version() {
    let files = Files::new();
    for data in both(&files.path("f")) {
        files.write(
            "f",
            "flags: { a: { version: 70 }, gone: { deleted: true, version: 80 } }",
        );
        let run = Run::of(data);
        assert_eq!(
            run.next(),
            SinkCall::Data(vec![("a".into(), 1), ("gone".into(), 1)])
        );
        files.replace("f", "flags: {");
        assert_eq!(
            run.next_but_valid(),
            SinkCall::Status(DataSourceState::Interrupted)
        );
        files.replace("f", "flags: { b: { version: 1 }, c: {} }");
        let third = loop {
            // The bad file may have been tried more than once.
            match run.next_but_valid() {
                SinkCall::Data(versions) => break versions,
                other => assert_eq!(other, SinkCall::Status(DataSourceState::Interrupted)),
            }
        };
        assert!(third[0].1 >= 3 && third[0].1 == third[1].1, "{third:?}");
    }
}

// SRC-6.5: unchanged bytes
#[test]
fn unchanged_bytes_do_not_count_as_an_attempt() {
    let files = Files::new();
    for data in both(&files.path("f")) {
        files.write("f", ONE);
        let run = Run::of(data);
        assert_eq!(run.next(), SinkCall::Data(vec![("a".into(), 1)]));
        files.replace("f", ONE);
        files.replace("f", TWO);
        assert_eq!(run.next_but_valid(), SinkCall::Data(vec![("a".into(), 2)]));
    }
}

// SRC-6.5: unchanged bytes
#[test]
fn a_file_with_unchanged_bytes_is_not_loaded_again() {
    let files = Files::new();
    for data in both(&files.write("f", ONE)) {
        files.replace("f", ONE);
        let client = start(data);
        let changes = changes(&client);
        files.replace("f", ONE);
        files.replace("f", "flagValues: { b: 3 }");
        // Had the same bytes been loaded in between, `a` would have changed twice.
        let mut keys = [next_change(&changes), next_change(&changes)];
        keys.sort();
        assert_eq!(keys, ["a", "b"]);
        assert!(changes.try_recv().is_err());
    }
}

// SRC-6.4: a file that disappears does not trigger a reload by itself, its return does
#[test]
fn polling_ignores_a_file_that_disappears_and_notices_its_return() {
    let files = Files::new();
    files.write("f", ONE);
    let client = start(polling(files.path("f")));
    let changes = changes(&client);
    let mut statuses = client.data_source_status().subscribe();
    std::fs::rename(files.path("f"), files.path("away")).unwrap();
    // Many intervals pass without an event.
    assert!(statuses.blocking_next(Duration::from_millis(100)).is_none());
    files.write("f", TWO);
    until(&client, &changes, 2);
}

// SRC-6.4: watching is off by default
#[test]
fn without_watching_the_source_ends_after_delivery() {
    let files = Files::new();
    let run = Run::of(FileData::path(files.write("f", ONE)));
    assert_eq!(run.next(), SinkCall::Data(vec![("a".into(), 1)]));
    assert_eq!(run.next(), SinkCall::End);
}

// SRC-6.3: store failure on init
#[test]
fn data_that_was_not_stored_is_delivered_again() {
    let files = Files::new();
    let run = Run::with(watching(files.write("f", ONE)), 1);
    assert_eq!(run.next(), SinkCall::Refused);
    assert_eq!(run.next_but_valid(), SinkCall::Data(vec![("a".into(), 2)]));
}

#[test]
fn one_builder_starts_any_number_of_clients() {
    let files = Files::new();
    let data = watching(files.write("f", ONE)).build().unwrap();
    let clients = [start(data.clone()), start(data)];
    let changes = clients.each_ref().map(changes);
    files.replace("f", TWO);
    for (client, changes) in clients.iter().zip(&changes) {
        assert_eq!(next_change(changes), "a");
        assert_eq!(value(client, "a"), 2.into());
    }
}

/// A call of the source to its sink.
#[derive(Debug, PartialEq, Eq)]
enum SinkCall {
    /// Keys and versions.
    Data(Vec<(String, u64)>),
    Refused,
    Status(DataSourceState),
    End,
}

#[derive(Debug)]
struct Sink {
    calls: Mutex<std::sync::mpsc::Sender<SinkCall>>,
    /// How many more times storing fails.
    failures: Mutex<u32>,
}

impl Sink {
    fn record(&self, call: SinkCall) {
        drop(self.calls.lock().unwrap().send(call));
    }
}

#[vexil::async_trait]
impl DataSink for Sink {
    async fn init(&self, data: DataSet) -> Result<(), NotStoredError> {
        {
            let mut failures = self.failures.lock().unwrap();
            if *failures > 0 {
                *failures -= 1;
                self.record(SinkCall::Refused);
                return Err(NotStoredError::new("no room"));
            }
        }
        let mut versions: Vec<_> = data
            .flags
            .iter()
            .map(|flag| (flag.key().to_string(), flag.version()))
            .collect();
        versions.sort();
        self.record(SinkCall::Data(versions));
        Ok(())
    }

    async fn upsert(&self, _: Item) -> Result<Upserted, NotStoredError> {
        unreachable!("files are loaded whole")
    }

    fn update_status(&self, state: DataSourceState, _: Option<DataSourceErrorInfo>) {
        self.record(SinkCall::Status(state));
    }
}

/// Runs a source with a recording sink, on a separate thread that ends when this is dropped.
struct Run {
    calls: Receiver<SinkCall>,
    _end: tokio::sync::oneshot::Sender<()>,
}

impl Run {
    fn of(data: FileDataBuilder) -> Self {
        Self::with(data, 0)
    }

    fn with(data: FileDataBuilder, failures: u32) -> Self {
        let (send, calls) = std::sync::mpsc::channel();
        let sink = Arc::new(Sink {
            calls: Mutex::new(send),
            failures: Mutex::new(failures),
        });
        let data = data.build().unwrap();
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let run = async move {
            data.run(Arc::clone(&sink) as Arc<dyn DataSink>)
                .await
                .unwrap();
            sink.record(SinkCall::End);
        };
        std::thread::spawn(move || {
            runtime.block_on(async move {
                tokio::select! {
                    () = run => {}
                    _ = ended => {}
                }
            });
        });
        Self { calls, _end: end }
    }

    fn next(&self) -> SinkCall {
        self.calls
            .recv_timeout(TIMEOUT)
            .expect("the source calls its sink")
    }

    /// Skips valid statuses: a source repeats them after the watcher is installed and after files
    /// are touched.
    fn next_but_valid(&self) -> SinkCall {
        loop {
            let call = self.next();
            if call != SinkCall::Status(DataSourceState::Valid) {
                return call;
            }
        }
    }
}

#[test]
fn a_briefly_empty_file_keeps_its_flags() {
    for empty in ["", " \n", "\u{feff}", "# generated\n", "flagValues:\n"] {
        let files = Files::new();
        for data in both(&files.path("f")) {
            files.write("f", ONE);
            let client = start(data);
            let changes = changes(&client);
            loop {
                let begin = Instant::now();
                files.write("f", empty);
                // Longer than either way takes to detect a change.
                let change = changes.recv_timeout(Duration::from_millis(300));
                // On a busy machine the second check may already have happened.
                if begin.elapsed() < Duration::from_secs(1) {
                    assert!(change.is_err(), "{empty:?}");
                    break;
                }
                files.write("f", ONE);
                until(&client, &changes, 1);
            }
            files.write("f", TWO);
            until(&client, &changes, 2);
        }
    }
}

#[test]
fn a_file_that_stays_empty_is_accepted_at_the_second_check() {
    let files = Files::new();
    for data in both(&files.path("f")) {
        files.write("f", ONE);
        let client = start(data);
        let changes = changes(&client);
        files.write("f", "");
        assert_eq!(next_change(&changes), "a");
        assert_eq!(value(&client, "a"), "default".into());
    }
}

#[test]
fn json_without_flags_is_accepted_at_once() {
    let files = Files::new();
    for data in both(&files.path("f")) {
        files.write("f", ONE);
        let client = start(data.path(files.write("other", "# no overrides")));
        let changes = changes(&client);
        files.replace("f", "{}");
        assert_eq!(next_change(&changes), "a");
        assert_eq!(value(&client, "a"), "default".into());
        // A file that has always been empty causes no delay.
        files.replace("f", TWO);
        assert_eq!(next_change(&changes), "a");
    }
}
