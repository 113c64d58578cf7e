//! [`Report`]: the table of a run, and the promises that were broken.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::accounting::{Made, Totals};
use crate::modes::Mode;
use crate::resources::RESOURCES;
use crate::soak::Observed;
use crate::table::{columns, grouped};

/// Threads and descriptors that may be left after all clients were closed: those of the SDK's shared
/// runtime, and connections that close later.
const LEFT: f64 = 8.0;

#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) text: String,
    pub(crate) broken: Vec<String>,
}

impl Report {
    pub(crate) fn of(mut observed: Observed) -> Self {
        let mut broken = std::mem::take(&mut observed.broken);
        let mut rows = vec![headings()];
        let mut sums = [0; 10];
        for mode in &observed.modes {
            let (totals, made) = events(mode);
            for (sum, cell) in sums.iter_mut().zip(numbers(mode, &totals, &made)) {
                *sum += cell;
            }
            rows.push(row(mode.name, numbers(mode, &totals, &made)));
            broken.extend(promises(mode, &totals, &made));
        }
        rows.push(row("all", sums));
        if observed.unclaimed_payloads > 0 {
            broken.push(format!(
                "{} payloads were accepted that no client has sent",
                observed.unclaimed_payloads
            ));
        }
        rows.push(Vec::new());
        rows.push(["faults", "count"].map(String::from).to_vec());
        for (kind, count) in observed.injected.kinds() {
            rows.push(vec![kind, grouped(count)]);
        }
        rows.push(Vec::new());
        rows.extend(resources(&observed, &mut broken));
        rows.push(Vec::new());
        rows.push(vec![
            "all current after, s".to_owned(),
            format!("{:.1}", observed.recovery.as_secs_f64()),
        ]);
        Self {
            text: columns(&rows),
            broken,
        }
    }
}

fn headings() -> Vec<String> {
    [
        "mode",
        "evaluations",
        "wrong values",
        "changes seen",
        "listener calls",
        "hook stages",
        "counts made",
        "delivered",
        "dropped",
        "faults",
        "outages",
    ]
    .map(String::from)
    .to_vec()
}

fn row(name: &str, numbers: [u64; 10]) -> Vec<String> {
    std::iter::once(name.to_owned())
        .chain(numbers.map(grouped))
        .collect()
}

fn numbers(mode: &Mode, totals: &Totals, made: &Made) -> [u64; 10] {
    let counters = &mode.counters;
    let read = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
    [
        read(&counters.evaluations),
        counters.wrong_values().count,
        read(&counters.changes),
        read(&counters.listeners),
        read(&counters.hooks_before) + read(&counters.hooks_after),
        made.counts.total(),
        totals.delivered.total(),
        totals.dropped.total(),
        read(&counters.faults),
        read(&counters.outages),
    ]
}

fn events(mode: &Mode) -> (Totals, Made) {
    let stats = mode.client.event_stats();
    let made = Made {
        counts: mode.counters.counts(),
        dropped_payloads: stats.dropped_payloads,
        dropped_events: stats.dropped_events,
    };
    (mode.ledger.totals(), made)
}

/// Returns the promises to one client that were broken.
fn promises(mode: &Mode, totals: &Totals, made: &Made) -> Vec<String> {
    let counters = &mode.counters;
    let read = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
    let mut broken = totals.broken(made);
    for (kind, (count, example)) in counters.wrong_values().kinds {
        broken.push(format!("{count} wrong values, {kind}: {example}"));
    }
    let evaluations = read(&counters.evaluations);
    let stages = [&counters.hooks_before, &counters.hooks_after].map(read);
    if stages != [evaluations; 2] {
        broken.push(format!(
            "{evaluations} evaluations, but {stages:?} hook stages"
        ));
    }
    // Without these the run would prove nothing.
    let proofs = [
        ("evaluations", evaluations),
        ("changes", read(&counters.changes)),
        ("faults", read(&counters.faults)),
        ("delivered counts", totals.delivered.total()),
    ];
    for (what, count) in proofs {
        if count == 0 {
            broken.push(format!("there were no {what}"));
        }
    }
    broken
        .into_iter()
        .map(|broken| format!("{}: {broken}", mode.name))
        .collect()
}

fn resources(observed: &Observed, broken: &mut Vec<String>) -> Vec<Vec<String>> {
    let heading = [
        "resource",
        "before clients",
        "warm",
        "middle",
        "end",
        "per minute",
        "after close",
    ];
    let mut rows = vec![heading.map(String::from).to_vec()];
    let [before, after] = observed.outside;
    for resource in &RESOURCES {
        let Some(course) = observed.samples.course(resource) else {
            broken.push(format!("{}: too few samples", resource.name));
            continue;
        };
        let outside = [before, after].map(|sample| sample.as_ref().map_or(0.0, resource.of));
        let number = |number: f64| format!("{number:.1}");
        rows.push(vec![
            resource.name.to_owned(),
            number(outside[0]),
            number(course.warm),
            number(course.middle),
            number(course.end),
            number(course.slope),
            number(outside[1]),
        ]);
        if !course.is_flat(resource) {
            broken.push(format!("{} grows: {course:?}", resource.name));
        }
        let connections = observed.modes.iter().flat_map(|mode| &mode.connections);
        let proxies = connections.count() as f64;
        let allowed = resource
            .of_proxy
            .map(|of_proxy| outside[0] + proxies * of_proxy + LEFT);
        if allowed.is_some_and(|allowed| outside[1] > allowed) {
            broken.push(format!(
                "{} remain after all clients were closed",
                resource.name
            ));
        }
    }
    rows
}
