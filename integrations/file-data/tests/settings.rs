//! The poll interval accepts any duration.
#![cfg(test)]

#[allow(dead_code, reason = "each test binary uses a part of it")]
mod support;

use std::time::Duration;

use support::{Files, TIMEOUT, changes, start, value};
use vexil::data_source::DataSourceState;
use vexil_file_data::FileData;

const SETTING: &str = "FileDataBuilder::poll_interval";

#[test]
fn the_poll_interval_accepts_any_duration() {
    for interval in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
        let files = Files::new();
        let path = files.write("f", "flagValues: { a: 1 }");
        let client = start(
            FileData::path(path)
                .watch(true)
                .force_polling(true)
                .poll_interval(interval),
        );
        assert_eq!(value(&client, "a"), 1.into(), "{SETTING}({interval:?})");
        let changes = changes(&client);
        files.replace("f", "flagValues: { a: 22 }");
        if interval == Duration::MAX {
            // The source is still running and polls nothing.
            assert!(
                client
                    .data_source_status()
                    .blocking_wait_for(DataSourceState::Valid, TIMEOUT)
            );
            assert_eq!(value(&client, "a"), 1.into());
        } else {
            while value(&client, "a") != 22.into() {
                changes
                    .recv_timeout(TIMEOUT)
                    .unwrap_or_else(|_| panic!("{SETTING}({interval:?})"));
            }
        }
    }
}
