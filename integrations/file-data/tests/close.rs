//! Closing a client ends its watcher: SRC-6.4. In a separate test binary, because it counts the
//! threads and files of the process.
#![cfg(test)]
#![cfg(target_os = "linux")]

#[allow(dead_code, reason = "each test binary uses a part of it")]
mod support;

use std::fs;
use std::time::{Duration, Instant};

use support::{Files, TIMEOUT, changes, start, value};
use vexil_file_data::FileData;

/// The watchers' threads and open handles in this process, by name.
fn held() -> Vec<String> {
    let threads = fs::read_dir("/proc/self/task").unwrap().flatten();
    let threads = threads.filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
    let handles = fs::read_dir("/proc/self/fd").unwrap().flatten();
    let handles = handles.filter_map(|handle| {
        fs::read_link(handle.path())
            .ok()?
            .into_os_string()
            .into_string()
            .ok()
    });
    threads
        .chain(handles)
        .filter(|name| name.contains("notify"))
        .collect()
}

fn wait_until(is_watching: bool) {
    let start = Instant::now();
    while held().is_empty() == is_watching {
        assert!(start.elapsed() < TIMEOUT, "held: {:?}", held());
        std::thread::park_timeout(Duration::from_millis(1));
    }
}

#[test]
fn closing_or_dropping_a_client_ends_its_watcher() {
    let files = Files::new();
    for close in [true, false] {
        files.write("f", "flagValues: { a: 1 }");
        let client = start(FileData::path(files.path("f")).watch(true));
        let changes = changes(&client);
        files.replace("f", "flagValues: { a: 2 }");
        changes.recv_timeout(TIMEOUT).unwrap();
        wait_until(true);
        if close {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap();
            runtime.block_on(client.close(TIMEOUT));
            wait_until(false);
            assert_eq!(value(&client, "a"), 2.into());
        } else {
            drop(client);
            wait_until(false);
        }
    }
}
