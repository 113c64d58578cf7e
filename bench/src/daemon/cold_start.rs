//! A start in daemon mode, compared with the minimal work: reading both hashes and parsing every
//! item.

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use redis::Commands as _;
use vexil::model::{DataKind, Item};

use super::{Database, FLAGS, SEGMENTS};
use crate::layout::{self, Spread};
use crate::report::{Finding, Report, Target};

pub(super) fn report(database: &Database, rounds: usize) -> Result<Report, Box<dyn Error>> {
    let (mut starts, mut readings) = (Vec::new(), Vec::new());
    // The first round is not counted: it is slower than a start in a process that is already
    // running.
    for _ in 0..=rounds {
        starts.push(millis(|| database.client())?);
        readings.push(millis(|| read_all(database))?);
    }
    let [starts, readings] = [starts, readings].map(|mut times| Spread::of(times.split_off(1)));
    let ratio = starts.median / readings.median;
    let rows = [[
        starts.to_string(),
        readings.to_string(),
        format!("{ratio:.2}"),
    ]];
    let headings = [
        "daemon mode: cold start, ms",
        "HGETALL and parse, ms",
        "start/reading",
    ]
    .map(String::from);
    Ok(Report {
        text: layout::aligned(headings, &rows),
        findings: vec![Finding::new(
            "daemon mode: cold start, times reading and parsing",
            ratio,
            Target::AtMost(1.5),
        )],
    })
}

/// Measures a call from a new connection on, like a start. Its result is dropped after the clock
/// has stopped.
fn millis<T>(call: impl FnOnce() -> Result<T, Box<dyn Error>>) -> Result<f64, Box<dyn Error>> {
    let start = Instant::now();
    let made = black_box(call()?);
    let elapsed = start.elapsed();
    drop(made);
    Ok(elapsed.as_secs_f64() * 1_000.0)
}

fn read_all(database: &Database) -> Result<Vec<Item>, Box<dyn Error>> {
    let mut connection = database.connection()?;
    let mut items = Vec::new();
    for (kind, name) in [(DataKind::Flag, FLAGS), (DataKind::Segment, SEGMENTS)] {
        let texts: Vec<(String, Vec<u8>)> = connection.hgetall(name)?;
        for (key, text) in texts {
            items.push(Item::from_json(kind, key, &text)?);
        }
    }
    Ok(items)
}
