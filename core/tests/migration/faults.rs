//! Origins that fail or panic, and comparisons that panic.

use serde_json::json;
use vexil::migration::{ExecutionOrder, Origin, Stage};

use crate::log::Log;
use crate::origins::{Both, Calls, Does, Plan, text};
use crate::support::ada;
use crate::{client_at, interest, only};

const FAULTS: [(Does, &str); 2] = [
    (Does::Fail, "the {} origin has failed: {} is closed"),
    (Does::Panic, "the function for the {} origin panicked"),
];

// EVT-7.2 and EVT-7.4
#[test]
fn both_origins_are_read_even_if_one_fails_and_the_authoritative_one_counts() {
    let orders = [
        ExecutionOrder::Serial,
        ExecutionOrder::Random,
        ExecutionOrder::Concurrent,
    ];
    for ((fault, words), order) in FAULTS
        .into_iter()
        .flat_map(|fault| orders.map(|order| (fault, order)))
    {
        let (client, events) = client_at("shadow", &json!({}));
        let calls = Calls::default();
        let same: fn(&String, &String) -> bool = |_, _| true;
        let plan = |old, new| Plan {
            order,
            compare: Some(same),
            ..Plan::new(old, new)
        };

        Both::new(&client, &calls, plan(fault, Does::Work)).read(&ada(), Stage::Off, |answer| {
            assert_eq!(
                (answer.origin, text(&answer)),
                (Origin::Old, words.replace("{}", "old"))
            );
            assert_eq!(calls.take().len(), 2);
            let op = only(&events);
            assert_eq!(
                (op.failed.old, op.failed.new, op.consistent),
                (true, false, None)
            );
            assert!(
                op.latency.old.is_some() && op.latency.new.is_some(),
                "the latency of a failure is measured"
            );
        });
        Both::new(&client, &calls, plan(Does::Work, fault)).read(&ada(), Stage::Off, |answer| {
            assert_eq!(text(&answer), "payload from old");
            assert_eq!(calls.take().len(), 2);
            let op = only(&events);
            assert_eq!(
                (op.failed.old, op.failed.new, op.consistent),
                (false, true, None)
            );
        });
    }
}

// EVT-7.2
#[test]
fn if_the_authoritative_write_fails_the_other_origin_is_not_written() {
    for (fault, words) in FAULTS {
        let (client, events) = client_at("live", &json!({}));
        let calls = Calls::default();
        Both::new(&client, &calls, Plan::new(Does::Work, fault)).write(
            &ada(),
            Stage::Off,
            |answer| {
                assert_eq!(text(&answer.authoritative), words.replace("{}", "new"));
                assert!(answer.nonauthoritative.is_none());
                assert_eq!(calls.take(), [Origin::New]);
                let op = only(&events);
                assert_eq!((op.invoked.old, op.invoked.new), (false, true));
                assert_eq!((op.failed.old, op.failed.new), (false, true));
                assert!(op.latency.old.is_none() && op.latency.new.is_some());
            },
        );
        Both::new(&client, &calls, Plan::new(fault, Does::Work)).write(
            &ada(),
            Stage::Off,
            |answer| {
                assert_eq!(text(&answer.authoritative), "payload from new");
                assert_eq!(
                    answer.nonauthoritative.as_ref().map(text),
                    Some(words.replace("{}", "old"))
                );
                assert_eq!(calls.take(), [Origin::New, Origin::Old]);
                assert!(only(&events).failed.old);
            },
        );
    }
}

// EVT-7.4
#[test]
fn a_comparison_that_panics_is_logged_and_consistency_is_not_reported() {
    interest::always_interested();
    let (client, events) = client_at("shadow", &json!({}));
    let plan = Plan {
        compare: Some(|_, _| panic!("no comparison")),
        ..Plan::new(Does::Work, Does::Work)
    };
    let migrator = Both::new(&client, &Calls::default(), plan);
    let log = Log::default();
    tracing::subscriber::with_default(log.subscriber(), || {
        migrator.read(&ada(), Stage::Off, |answer| {
            assert_eq!(text(&answer), "payload from old");
            assert_eq!(only(&events).consistent, None);
        });
    });
    let received = log
        .lines()
        .into_iter()
        .filter(|line| line.contains(" ERROR ") && line.contains("comparison"));
    assert_eq!(received.count(), 2, "one for each kind: {:#?}", log.lines());
}
