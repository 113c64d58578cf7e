//! An outage in daemon mode: the database is killed under load, stays down, comes back empty, and
//! is refilled item by item.
//!
//! Threads evaluate all the time. No evaluation may return a different value or block, no flag may
//! be lost, and the status must be correct. All observations are printed.

use std::error::Error;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use vexil::status::DataStoreStatus;
use vexil::{Client, Context};

use crate::daemon::Database;
use crate::effort::Effort;
use crate::latency::Latencies;
use crate::layout::{self, grouped};
use crate::machine;
use crate::ours::Ours;
use crate::report::{Finding, Report, Target};
use crate::sdk::Sdk;
use crate::workload::{USER, generate};

const FLAGS: u32 = 10_000;
/// The generated flags and the fixed ones.
const ALL_FLAGS: usize = FLAGS as usize + 9;
const THREADS: usize = 2;
/// The maximum delay of a status change: longer than the client's interval between two checks of
/// the database.
const NOTICED: Duration = Duration::from_secs(30);

/// The observations of the threads in one phase.
struct Load {
    wrong: u64,
    /// How often a thread waited for anything but a processor; NaN where the system does not
    /// report it.
    waits: f64,
    latencies: Latencies,
}

pub(crate) fn report(effort: Effort) -> Result<Report, Box<dyn Error>> {
    let away = Duration::from_secs(effort.choose(5, 60));
    let database = Database::start(generate(FLAGS))?;
    let client = database.client()?;
    let user = Ours::context(&USER)?;
    let mut timeline = Timeline {
        client: &client,
        start: Instant::now(),
        rows: Vec::new(),
    };
    let mut phases = Vec::new();
    let mut phase = |name: &'static str, until: &mut dyn FnMut() -> Result<(), Box<dyn Error>>| {
        let load = under_load(&client, &user, until)?;
        phases.push((name, load));
        Ok::<(), Box<dyn Error>>(())
    };

    timeline.note("running");
    phase("healthy", &mut || {
        thread::sleep(away / 6);
        Ok(())
    })?;
    phase("away", &mut || {
        let killed = Instant::now();
        database.server.kill();
        timeline.wait_for("killed", |status| !status.available)?;
        thread::sleep(away.saturating_sub(killed.elapsed()));
        timeline.note("still away");
        Ok(())
    })?;
    phase("back, empty", &mut || {
        database.server.restart()?;
        timeline.wait_for("restarted empty", |status| status.available)?;
        // Long enough for an empty environment to be accepted if it ever were.
        thread::sleep(Duration::from_secs(20));
        timeline.note("still empty");
        Ok(())
    })?;
    phase("one patch", &mut || {
        database.patch()?;
        // Longer than the client waits before it confirms a large loss of data.
        thread::sleep(Duration::from_secs(5));
        timeline.note("one patch written");
        Ok(())
    })?;
    phase("refilled item by item", &mut || {
        database.refill()?;
        timeline.wait_for("refilled item by item", |status| {
            status.initialized && !status.stale
        })
    })?;

    let lost = ALL_FLAGS.saturating_sub(Ours::flags_state(&client, &user).values().len());
    Ok(summary(timeline, &phases, lost, away))
}

/// Evaluates on several threads while `until` runs.
fn under_load(
    client: &Client,
    user: &Context,
    until: &mut dyn FnMut() -> Result<(), Box<dyn Error>>,
) -> Result<Load, Box<dyn Error>> {
    let expected: Vec<(String, bool)> = (0..FLAGS)
        .step_by(20)
        .map(|number| number + 2)
        .map(|number| format!("flag-{number:05}"))
        .map(|key| (key.clone(), client.bool_variation(&key, user, false)))
        .chain([
            ("bench-simple".into(), true),
            ("bench-segment-incl".into(), true),
        ])
        .collect();
    let (over, wrong) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        let loops: Vec<_> = (0..THREADS)
            .map(|_| {
                scope.spawn(|| {
                    let mut latencies = Latencies::new();
                    let waited = machine::waits();
                    for (key, value) in expected.iter().cycle() {
                        if over.load(Ordering::Relaxed) {
                            break;
                        }
                        let start = Instant::now();
                        // The default is the opposite value, so that it would be noticed.
                        let given = client.bool_variation(key, user, !value);
                        latencies.record(start.elapsed().as_nanos() as u64);
                        wrong.fetch_add(u64::from(given != *value), Ordering::Relaxed);
                    }
                    let waits = waited
                        .zip(machine::waits())
                        .map_or(f64::NAN, |(before, now)| (now - before) as f64);
                    (latencies, waits)
                })
            })
            .collect();
        let result = until();
        over.store(true, Ordering::Relaxed);
        let (mut latencies, mut all_waits) = (Latencies::new(), 0.0);
        for found in loops {
            let (found, waits) = found.join().map_err(|_| "an evaluation panicked")?;
            latencies.add(&found);
            all_waits += waits;
        }
        result?;
        Ok(Load {
            wrong: wrong.load(Ordering::Relaxed),
            waits: all_waits,
            latencies,
        })
    })
}

/// The status over time.
struct Timeline<'a> {
    client: &'a Client,
    start: Instant,
    rows: Vec<[String; 7]>,
}

impl Timeline<'_> {
    fn note(&mut self, what: &str) {
        let status = self.client.data_store_status().status();
        let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
        self.rows.push([
            what.into(),
            format!("{:.1}", self.start.elapsed().as_secs_f64()),
            yes(status.available),
            yes(status.stale),
            yes(status.initialized),
            grouped(status.items as f64),
            status
                .error
                .filter(|error| error.ended.is_none())
                .map_or_else(
                    || layout::NOTHING.into(),
                    |error| format!("{:?}", error.kind),
                ),
        ]);
    }

    fn wait_for(
        &mut self,
        what: &str,
        is_it: impl Fn(&DataStoreStatus) -> bool,
    ) -> Result<(), Box<dyn Error>> {
        if !self
            .client
            .data_store_status()
            .blocking_wait_for(is_it, NOTICED)
        {
            let status = self.client.data_store_status().status();
            return Err(format!(
                "{what}: the status does not show it after {NOTICED:?}: {status:?}"
            )
            .into());
        }
        self.note(what);
        Ok(())
    }
}

fn summary(timeline: Timeline<'_>, phases: &[(&str, Load)], lost: usize, away: Duration) -> Report {
    let headings = [
        "status, when",
        "s",
        "available",
        "stale",
        "initialized",
        "items",
        "error",
    ];
    let mut text = layout::aligned(headings.map(String::from), &timeline.rows);
    text.push('\n');
    let mut rows = Vec::new();
    for (name, load) in phases {
        let micros = |nanos: u64| format!("{:.1}", nanos as f64 / 1e3);
        rows.push([
            (*name).to_owned(),
            grouped(load.latencies.calls() as f64),
            grouped(load.wrong as f64),
            grouped(load.waits),
            micros(load.latencies.quantile(0.5)),
            micros(load.latencies.quantile(0.9999)),
            micros(load.latencies.most()),
        ]);
    }
    let headings = [
        "evaluations",
        "calls",
        "wrong",
        "waits",
        "p50, µs",
        "p99.99, µs",
        "max, µs",
    ];
    text += &layout::aligned(headings.map(String::from), &rows);
    text += &format!(
        "{THREADS} threads; the database was down for {} s\n",
        away.as_secs()
    );
    let wrong: u64 = phases.iter().map(|(_, load)| load.wrong).sum();
    // The maximum latency is not a target: on a shared machine it is that of a thread waiting for
    // a processor.
    let waits: f64 = phases.iter().map(|(_, load)| load.waits).sum();
    Report {
        text,
        findings: vec![
            Finding::new(
                "outage: wrong evaluations",
                wrong as f64,
                Target::AtMost(0.0),
            ),
            Finding::new("outage: flags lost", lost as f64, Target::AtMost(0.0)),
            Finding::new(
                "outage: evaluations that waited",
                waits,
                Target::AtMost(0.0),
            ),
        ],
    }
}
