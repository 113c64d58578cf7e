//! What is reported about a migration, and how often.

use serde_json::{Value as Json, json};
use vexil::Client;
use vexil::migration::Stage;

use crate::origins::{Both, Calls, Does, Plan};
use crate::support::ada;
use crate::{STAGES, client_at, only, reported};

// EVT-7.3
#[test]
fn latencies_and_errors_are_reported_unless_they_are_switched_off() {
    let (client, events) = client_at("live", &json!({}));
    let plan = Plan {
        latency: false,
        errors: false,
        ..Plan::new(Does::Fail, Does::Work)
    };
    let migrator = Both::new(&client, &Calls::default(), plan);
    let bare = || {
        let op = only(&events);
        assert!(op.invoked.old && op.invoked.new);
        assert_eq!((op.latency, op.failed, op.consistent), Default::default());
    };
    migrator.read(&ada(), Stage::Off, |_| bare());
    migrator.write(&ada(), Stage::Off, |_| bare());
}

// EVT-7.4
#[test]
fn results_are_compared_if_both_are_read_and_never_for_writes() {
    for stage in STAGES {
        let (client, events) = client_at(stage.as_str(), &json!({}));
        for (same, compare) in [
            (true, (|_, _| true) as fn(&String, &String) -> bool),
            (false, |_, _| false),
        ] {
            let plan = Plan {
                compare: Some(compare),
                ..Plan::new(Does::Work, Does::Work)
            };
            let migrator = Both::new(&client, &Calls::default(), plan);
            let both = matches!(stage, Stage::Shadow | Stage::Live);
            migrator.read(&ada(), Stage::Off, |_| {
                assert_eq!(only(&events).consistent, both.then_some(same), "{stage}")
            });
            migrator.write(&ada(), Stage::Off, |_| {
                assert_eq!(only(&events).consistent, None, "{stage}")
            });
        }
    }
}

// EVT-7.3
#[test]
fn the_comparison_receives_the_authoritative_result_first() {
    let (client, events) = client_at("live", &json!({}));
    let compare: fn(&String, &String) -> bool =
        |first, second| first.ends_with("new") && second.ends_with("old");
    let plan = Plan {
        compare: Some(compare),
        ..Plan::new(Does::Work, Does::Work)
    };
    let migrator = Both::new(&client, &Calls::default(), plan);
    migrator.read(&ada(), Stage::Off, |_| {
        assert_eq!(only(&events).consistent, Some(true))
    });
}

/// How many of 400 reads were compared by a flag with this check ratio, and the ratio that the
/// reports contain.
fn compared(ratio: &Json) -> usize {
    let (client, events) = client_at("shadow", &json!({"migration": {"checkRatio": ratio}}));
    let plan = Plan {
        compare: Some(|_, _| true),
        ..Plan::new(Does::Work, Does::Work)
    };
    let migrator = Both::new(&client, &Calls::default(), plan);
    (0..200).for_each(|_| migrator.read(&ada(), Stage::Off, |_| {}));
    let ops = reported(&events);
    assert_eq!(ops.len(), 400);
    assert!(ops.iter().all(|op| op.check_ratio == ratio.as_i64()));
    ops.iter().filter(|op| op.consistent.is_some()).count()
}

// EVT-7.4
#[test]
fn the_flags_check_ratio_sets_how_often_results_are_compared() {
    assert_eq!(
        [json!(0), json!(1), json!(null)].each_ref().map(compared),
        [0, 400, 400]
    );
    let some = compared(&json!(4));
    assert!((40..=160).contains(&some), "{some} of 400");
}

/// The kinds of events that the service receives for one read in the stage of this flag.
#[cfg(feature = "http")]
fn delivered(flag: &Json, context: &vexil::Context) -> Vec<Json> {
    use std::time::Duration;

    use vexil::config::ServiceEndpoints;
    use vexil::migration::Migrator;
    use vexil_testing::FakeService;

    use crate::support::SOON;

    let service = FakeService::builder()
        .data(json!({"flags": {"move": flag}}).to_string())
        .start()
        .unwrap();
    let endpoints = ServiceEndpoints::relay(service.url());
    let client = Client::builder("sdk-key")
        .service_endpoints(endpoints)
        .start()
        .unwrap();
    client.blocking_wait_until_ready(SOON).unwrap();
    let origin = |_: &()| Ok::<_, String>(7);
    let migrator = Migrator::builder(&client)
        .read(origin, origin)
        .compare(|a, b| a == b)
        .write(origin, origin);
    let answer = migrator
        .build()
        .unwrap()
        .read("move", context, Stage::Off, &());
    assert_eq!(answer.result.unwrap(), 7);
    assert!(client.blocking_flush(SOON));
    pollster::block_on(client.close(Duration::ZERO));
    service.events()
}

// EVT-1.6, EVT-2.4, EVT-3.3 and EVT-7.6
#[cfg(feature = "http")]
#[test]
fn the_service_receives_an_index_a_summary_and_the_operation() {
    let flag = json!({"key": "move", "on": true, "version": 0, "variations": ["off", "live"], "fallthrough": {"variation": 1},
        "migration": {"checkRatio": 1}});
    let guest = vexil::Context::builder("g")
        .anonymous(true)
        .name("Guest")
        .build()
        .unwrap();
    let events = delivered(&flag, &guest);
    let kinds: Vec<_> = events
        .iter()
        .map(|event| event["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["index", "migration_op", "summary"]);
    let mut op = events[1].clone();
    assert!(op["creationDate"].take().as_u64() > Some(0));
    let measurements = op["measurements"].as_array_mut().unwrap();
    assert_eq!(measurements.remove(2)["key"], "latency_ms");
    assert_eq!(
        op,
        json!({"kind": "migration_op", "creationDate": null, "operation": "read",
            "context": {"kind": "user", "key": "g", "anonymous": true, "_meta": {"redactedAttributes": ["name"]}},
            "evaluation": {"key": "move", "value": "live", "default": "off", "variation": 1, "version": 0,
                "reason": {"kind": "FALLTHROUGH"}},
            "measurements": [{"key": "invoked", "values": {"old": true, "new": true}}, {"key": "consistent", "value": true}]})
    );
}

// EVT-7.5
#[cfg(feature = "http")]
#[test]
fn with_a_sampling_ratio_of_0_no_operation_is_reported_but_the_evaluation_is() {
    let flag = json!({"key": "move", "on": true, "version": 1, "variations": ["shadow"], "fallthrough": {"variation": 0},
        "samplingRatio": 0});
    let events = delivered(&flag, &ada());
    let kinds: Vec<_> = events
        .iter()
        .map(|event| event["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["index", "summary"]);
}
