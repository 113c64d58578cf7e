//! Log lines: SRC-6.3.
#![cfg(test)]

#[allow(dead_code, reason = "each test binary uses a part of it")]
mod support;

use std::fmt;
use std::sync::{Arc, Mutex};

use support::{Files, start};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use vexil_file_data::FileData;

// SRC-6.3: log error with path
#[test]
fn a_failed_load_logs_one_error_with_path_line_column_and_flag() {
    let files = Files::new();
    let path = files.write("f", "flags:\n  banner: { on: 7 }\n");
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), || {
        drop(start(FileData::path(&path).watch(true)))
    });
    let lines = log.0.lock().unwrap();
    let [line] = &lines[..] else {
        panic!("one line: {lines:?}")
    };
    for part in [
        "cannot load flag files, keeping the last good data".to_owned(),
        format!("path={}", path.display()),
        "line=2".to_owned(),
        "column=17".to_owned(),
        "kind=flag".to_owned(),
        "key=\"banner\"".to_owned(),
    ] {
        assert!(line.contains(&part), "{part} in {line}");
    }
}

/// Records the errors of one thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::ERROR
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.push_str(&format!("{}={value:?} ", field.name()));
    }
}
