//! The delay until a change in the database is visible.
//!
//! A listener that is notified of a flag can already evaluate its new version, so the measured
//! time is an upper bound of the delay of an evaluation. The clock starts before the writer sends
//! its command.
//! is sent.

use std::error::Error;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use redis::Commands as _;

use super::{Database, FLAGS};
use crate::latency::Latencies;
use crate::layout;
use crate::report::{Finding, Report, Target};
use crate::workload::patches;

/// The time after which a change counts as lost.
const LIMIT: Duration = Duration::from_secs(30);

pub(super) fn report(database: &Database, changes: u32) -> Result<Report, Box<dyn Error>> {
    let client = database.client()?;
    let mut writer = database.connection()?;
    let (send, seen) = mpsc::channel();
    client
        .flag_tracker()
        .add_listener(move |change| drop(send.send((change.key.to_string(), Instant::now()))));

    let patches = patches(&database.data)?;
    let mut latencies = Latencies::new();
    for (number, patch) in patches
        .iter()
        .cycle()
        .step_by(7)
        .take(changes as usize)
        .enumerate()
    {
        let written = Instant::now();
        writer.hset::<_, _, _, ()>(FLAGS, patch.key(), patch.flag(1 + number as u32))?;
        loop {
            let (key, at) = seen
                .recv_timeout(LIMIT)
                .map_err(|_| format!("no listener was notified of {}", patch.key()))?;
            // A flag that depends on the previous one may still be announced.
            if key == patch.key() {
                latencies.record((at - written).as_nanos() as u64);
                break;
            }
        }
        // Avoids running in step with periodic work of the client.
        std::thread::sleep(Duration::from_millis(u64::from(number as u32 * 37 % 50)));
    }

    let numbers = [
        latencies.quantile(0.5),
        latencies.quantile(0.99),
        latencies.most(),
    ]
    .map(|nanos| nanos as f64 / 1e6);
    let [median, slow, most] = numbers.map(|millis| format!("{millis:.1}"));
    let rows = [[
        format!("{changes} changes, one at a time"),
        median,
        slow,
        most,
    ]];
    let headings = [
        "from write to notification",
        "p50, ms",
        "p99, ms",
        "max, ms",
    ]
    .map(String::from);
    Ok(Report {
        text: layout::aligned(headings, &rows),
        findings: vec![Finding::new(
            "daemon mode: delay of a change, ms at p99",
            numbers[1],
            Target::AtMost(50.0),
        )],
    })
}
