//! An evaluation allocates nothing, for any kind of flag, through the client, with any of the plain
//! methods.

#![cfg(test)]

mod support;

use serde_json::json;
use vexil::{Client, Context};

fn client() -> Client {
    support::client(&data())
}

fn data() -> serde_json::Value {
    let on = |extra: serde_json::Value| {
        let mut flag = json!({"on": true, "version": 1, "salt": "s", "variations": [false, true, 7, "a string that is longer than what fits inline",
            {"limits": [1, 2, 3]}], "fallthrough": {"variation": 1}});
        flag.as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        flag
    };
    let rule = |clauses: serde_json::Value| json!([{"id": "a-rule-id-that-is-longer-than-what-fits-inline", "variation": 1, "clauses": clauses}]);
    let keys: Vec<String> = (0..1_000)
        .map(|n| format!("user-key-{n}"))
        .chain(["ada".to_owned()])
        .collect();
    json!({
        "flags": {
            "plain": on(json!({})),
            "off": on(json!({"on": false, "offVariation": 1})),
            "target": on(json!({"targets": [{"variation": 1, "values": keys}]})),
            "rule": on(json!({"rules": rule(json!([
                {"attribute": "country", "op": "in", "values": keys.iter().map(String::as_str).chain(["GB"]).collect::<Vec<_>>()},
                {"attribute": "email", "op": "matches", "values": ["^[a-z]+@example\\.com$"]},
                {"attribute": "appVersion", "op": "semVerGreaterThan", "values": ["2.0.0"]},
                {"attribute": "signupDate", "op": "before", "values": ["2024-01-01T00:00:00Z"]},
                {"attribute": "groups", "op": "contains", "values": ["early"]},
            ]))})),
            "rollout": on(json!({"fallthrough": {"rollout": {"kind": "experiment", "contextKind": "user", "seed": 61,
                "variations": [{"variation": 1, "weight": 50_000}, {"variation": 1, "weight": 50_000}]}}})),
            "rollout-by-number": on(json!({"fallthrough": {"rollout": {"bucketBy": "age",
                "variations": [{"variation": 1, "weight": 100_000}]}}})),
            "segment": on(json!({"fallthrough": {"variation": 0},
                "rules": rule(json!([{"op": "segmentMatch", "values": ["listed"]}]))})),
            "segment-by-rule": on(json!({"fallthrough": {"variation": 0},
                "rules": rule(json!([{"op": "segmentMatch", "values": ["by-rule"]}]))})),
            "prerequisite": on(json!({"prerequisites": [{"key": "plain", "variation": 1}, {"key": "rollout", "variation": 1}]})),
            "number": on(json!({"fallthrough": {"variation": 2}})),
            "string": on(json!({"fallthrough": {"variation": 3}})),
            "object": on(json!({"fallthrough": {"variation": 4}})),
        },
        "segments": {
            "listed": {"version": 1, "included": keys},
            "by-rule": {"version": 1, "salt": "s", "rules": [{"weight": 100_000, "clauses": [{"op": "segmentMatch", "values": ["listed"]}]}]},
        },
    })
}

fn allocations(mut work: impl FnMut()) -> u64 {
    // The first round fills lazy state: caches of regular expressions and thread-local values.
    work();
    allocation_counter::measure(|| (0..10).for_each(|_| work())).count_total
}

fn contexts() -> [Context; 2] {
    let user = Context::builder("ada")
        .set("country", "GB")
        .set("email", "ada@example.com")
        .set("appVersion", "2.14.3-release.11+sha.5114f85")
        .set("signupDate", "2023-06-15T12:00:00Z")
        .set("groups", ["staff", "early-access"])
        .set("age", 36)
        .build()
        .unwrap();
    let both = Context::multi([user.clone(), Context::with_kind("acme", "org").unwrap()]).unwrap();
    [user, both]
}

#[test]
fn a_boolean_evaluation_of_any_kind_of_flag_allocates_nothing() {
    let client = client();
    for context in contexts() {
        for key in [
            "plain",
            "off",
            "target",
            "rule",
            "rollout",
            "rollout-by-number",
            "segment",
            "segment-by-rule",
            "prerequisite",
        ] {
            assert!(
                client.bool_variation(key, &context, false),
                "{key} has an unexpected value"
            );
            let count = allocations(|| assert!(client.bool_variation(key, &context, false)));
            assert_eq!(count, 0, "{key} for {context:?}");
        }
    }
}

#[test]
fn every_plain_method_allocates_nothing() {
    let client = client();
    let [user, _] = contexts();
    assert_eq!(client.str_variation("string", &user, "").len(), 45);
    assert_eq!(
        allocations(|| drop(client.str_variation("string", &user, ""))),
        0
    );
    assert_eq!(
        allocations(|| drop(client.json_variation("object", &user, vexil::Value::Null))),
        0
    );
    assert_eq!(
        allocations(|| assert_eq!(client.int_variation("number", &user, 0), 7)),
        0
    );
    assert_eq!(
        allocations(|| assert_eq!(client.float_variation("number", &user, 0.0), 7.0)),
        0
    );
}

#[test]
fn an_evaluation_in_a_scope_allocates_nothing() {
    let client = client();
    for context in contexts() {
        let scope = client.scope(&context);
        for key in ["plain", "rule", "rollout", "segment", "prerequisite"] {
            assert!(scope.bool_variation(key, false));
            let count = allocations(|| assert!(scope.bool_variation(key, false)));
            assert_eq!(count, 0, "{key} for {context:?}");
            let count = allocations(|| drop(scope.bool_variation_detail(key, false)));
            assert_eq!(count, 0, "{key} for {context:?}");
        }
        assert_eq!(allocations(|| drop(scope.str_variation("string", ""))), 0);
        assert_eq!(allocations(|| drop(scope.clone())), 0);
        assert_eq!(allocations(|| drop(client.scope(&context))), 10, "one each");
    }
}

#[test]
fn an_evaluation_with_detail_allocates_nothing() {
    let client = client();
    let [user, _] = contexts();
    for key in ["plain", "rule", "prerequisite"] {
        assert_eq!(
            allocations(|| drop(client.bool_variation_detail(key, &user, false))),
            0,
            "{key}"
        );
    }
}

/// Does nothing in any stage.
#[derive(Debug)]
struct Idle;

impl vexil::hooks::Hook for Idle {
    fn metadata(&self) -> vexil::hooks::HookMetadata {
        vexil::hooks::HookMetadata::new("idle")
    }
}

// A hook costs only its own work and the data it keeps.
#[test]
fn a_hook_that_does_nothing_allocates_nothing() {
    let client = client();
    client.add_hook(Idle);
    let [user, _] = contexts();
    for key in ["plain", "rule", "prerequisite"] {
        assert_eq!(
            allocations(|| assert!(client.bool_variation(key, &user, false))),
            0,
            "{key}"
        );
        assert_eq!(
            allocations(|| drop(client.bool_variation_detail(key, &user, false))),
            0,
            "{key}"
        );
    }
    assert_eq!(
        allocations(|| drop(client.str_variation("string", &user, ""))),
        0
    );
    assert_eq!(
        allocations(|| drop(client.json_variation("object", &user, vexil::Value::Null))),
        0
    );
    assert_eq!(allocations(|| client.track("bought", &user)), 0);
}

#[test]
fn cloning_a_context_allocates_nothing() {
    for context in contexts() {
        assert_eq!(allocations(|| drop(context.clone())), 0);
    }
}

#[test]
fn the_allocation_counter_counts() {
    assert!(allocations(|| drop(Context::new("ada"))) > 0);
}

/// With events, for a service that does not exist: the summary is counted but never sent.
#[cfg(feature = "http")]
#[test]
fn an_evaluation_that_is_only_summarized_allocates_nothing() {
    use std::time::Duration;

    use vexil::config::{EventsConfig, ServiceEndpoints};

    let events = EventsConfig::new()
        .flush_interval(Duration::from_secs(3600))
        .diagnostic_opt_out(true);
    let nowhere = ServiceEndpoints::relay("http://127.0.0.1:9");
    let client = Client::builder("sdk-key")
        .data_source(support::Fixed::new(&data()))
        .service_endpoints(nowhere)
        .events(events)
        .start()
        .unwrap();
    for context in contexts() {
        // Without the flags of an experiment, whose evaluations are reported in full.
        for key in [
            "plain",
            "off",
            "target",
            "rule",
            "rollout-by-number",
            "segment",
            "segment-by-rule",
        ] {
            assert_eq!(
                allocations(|| assert!(client.bool_variation(key, &context, false))),
                0,
                "{key}"
            );
            let scope = client.scope(&context);
            let count = allocations(|| assert!(scope.bool_variation(key, false)));
            assert_eq!(count, 0, "{key} in a scope");
        }
    }
}
