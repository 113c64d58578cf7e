//! Enforces that the wall clock is read only where a date is reported or compared.
//!
//! Timers, timeouts and intervals use the monotonic clock, so a wall clock that is set back or
//! forward does not affect them (SRC-F55 and FDV2-F31).

#![cfg(test)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The files that read the wall clock, each with the effect of a clock that is set.
const READERS: &[(&str, &str)] = &[
    (
        "core/src/big_segments/reader.rs",
        "the age of a synchronization, which another machine has dated; the future counts as now",
    ),
    (
        "core/src/client/flags_state.rs",
        "whether the debugging of a flag is over, compared for each state of all flags",
    ),
    (
        "core/src/data_source/service/streaming.rs",
        "the date of a connection in diagnostics; its duration is monotonic",
    ),
    (
        "core/src/events/service/payload.rs",
        "the dates of events, and whether the debugging of a flag is over",
    ),
    (
        "core/src/meter/numbers.rs",
        "the dates of the last byte and the last update, for display",
    ),
    (
        "core/src/moment.rs",
        "cached items expire by the clock that is first",
    ),
    (
        "core/src/status/data_source.rs",
        "the date of a status, for display",
    ),
    (
        "core/src/status/data_store.rs",
        "the date of a status, for display",
    ),
    (
        "core/src/store/persistent/health.rs",
        "the date of the last refresh, for display",
    ),
    (
        "integrations/dynamodb/src/lease.rs",
        "the end of a lease, which other machines compare: a clock that is ahead may take it early",
    ),
    (
        "integrations/file-data/src/watch/file_metadata.rs",
        "whether a file was changed just now; a date in the future counts as settled",
    ),
];

// SRC-F55 and FDV2-F31
#[test]
fn the_wall_clock_is_read_only_where_a_date_is_reported_or_compared() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut folders = vec![root.join("core/src"), root.join("eval/src")];
    for entry in fs::read_dir(root.join("integrations")).unwrap() {
        folders.push(entry.unwrap().path().join("src"));
    }
    let (mut files, mut readers) = (0, BTreeSet::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.extend((!path.ends_with("tests")).then_some(path));
            } else if !path.ends_with("tests.rs") {
                files += 1;
                if reads_wall_clock(&fs::read_to_string(&path).unwrap()) {
                    let path = path.strip_prefix(root).unwrap().to_str().unwrap();
                    readers.insert(path.replace('\\', "/"));
                }
            }
        }
    }
    assert!(files > 200, "only {files} files found");
    let expected = READERS.iter().map(|(path, _)| (*path).to_owned()).collect();
    assert_eq!(readers, expected);
}

#[test]
fn a_read_of_the_wall_clock_is_found_outside_of_tests_and_comments() {
    for code in [
        "let now = SystemTime::now();",
        "error.get_or_insert_with(SystemTime::now)",
        "UNIX_EPOCH.elapsed()",
        "use time::OffsetDateTime; OffsetDateTime::now_utc()",
    ] {
        assert!(reads_wall_clock(code), "{code}");
    }
    for code in [
        "let now = Instant::now();",
        "fn at(began: SystemTime) {}",
        "// SystemTime::now()",
        "#[cfg(test)]\nmod tests { SystemTime::now() }",
    ] {
        assert!(!reads_wall_clock(code), "{code}");
    }
}

fn reads_wall_clock(code: &str) -> bool {
    let production = code.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    production
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .any(|line| {
            ["SystemTime::now", "UNIX_EPOCH.elapsed", "now_utc"]
                .iter()
                .any(|read| line.contains(read))
        })
}
