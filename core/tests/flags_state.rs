//! All flags of a context (EVAL-6).

#![cfg(test)]

mod support;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value as Json, json};
use support::{ada, controlled, controlled_with, error, serving, with};
use vexil::client::{FlagsState, FlagsStateOptions};
use vexil::store::{DataStore, MemoryStore};
use vexil::{Client, Context};

fn plain() -> FlagsStateOptions {
    FlagsStateOptions::default()
}

fn state_of(flags: &Json, options: FlagsStateOptions) -> FlagsState {
    support::client(&json!({"flags": flags})).all_flags_state(&ada(), options)
}

/// The metadata in the state of the flag `flag`.
#[track_caller]
fn metadata(flag: &Json, options: FlagsStateOptions) -> Json {
    let json = state_of(&json!({"flag": flag}), options).to_json();
    assert_eq!(json["$valid"], true);
    json["$flagsState"]["flag"].clone()
}

fn milliseconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .unwrap()
        .as_millis()
        .try_into()
        .unwrap()
}

fn future() -> u64 {
    milliseconds(SystemTime::now() + Duration::from_secs(100_000))
}

fn experiment(extra: &Json) -> Json {
    let rollout =
        json!({"kind": "experiment", "variations": [{"variation": 0, "weight": 100_000}]});
    with(
        with(
            serving(4, "a"),
            &json!({"fallthrough": {"rollout": rollout}}),
        ),
        extra,
    )
}

// EVAL-6.2
#[test]
fn a_state_has_exactly_the_format_of_the_protocol() {
    let flags = json!({
        "flag-a": {"on": true, "version": 12, "variations": ["v0", "v1"], "fallthrough": {"variation": 1},
            "prerequisites": [{"key": "flag-c", "variation": 0}], "trackEvents": false, "debugEventsUntilDate": null},
        "flag-b": {"on": true, "version": 3},
        "flag-c": serving(1, json!({})),
    });
    let state = state_of(&flags, plain());
    let expected = json!({
        "flag-a": "v1", "flag-b": null, "flag-c": {},
        "$flagsState": {
            "flag-a": {"variation": 1, "version": 12, "prerequisites": ["flag-c"]},
            "flag-b": {"version": 3},
            "flag-c": {"variation": 0, "version": 1},
        },
        "$valid": true,
    });
    assert_eq!(state.to_json(), expected);
    assert_eq!(
        serde_json::from_str::<Json>(&serde_json::to_string(&state).unwrap()).unwrap(),
        expected
    );
}

// EVAL-6.2: `reason`
#[test]
fn reasons_are_included_on_request() {
    let malformed = json!({"on": true, "version": 3});
    let options = plain().with_reasons(true);
    assert_eq!(
        metadata(&malformed, options),
        json!({"version": 3, "reason": error("MALFORMED_FLAG")})
    );
    let falls = json!({"variation": 0, "version": 1, "reason": {"kind": "FALLTHROUGH"}});
    assert_eq!(metadata(&serving(1, 1), options), falls);
    assert_eq!(
        metadata(&serving(1, 1), plain()),
        json!({"variation": 0, "version": 1})
    );
}

// EVAL-6.2: `trackEvents`
#[test]
fn a_tracked_flag_is_marked() {
    let tracked = with(serving(1, 1), &json!({"trackEvents": true}));
    assert_eq!(
        metadata(&tracked, plain()),
        json!({"variation": 0, "version": 1, "trackEvents": true})
    );
}

// EVAL-6.2: `trackReason`
#[test]
fn an_experiment_is_tracked_with_its_reason_whatever_the_options() {
    let expected = json!({"variation": 0, "version": 4, "reason": {"kind": "FALLTHROUGH", "inExperiment": true},
        "trackEvents": true, "trackReason": true});
    for options in [
        plain(),
        plain().with_reasons(true),
        plain().details_only_for_tracked_flags(true),
    ] {
        assert_eq!(metadata(&experiment(&json!({})), options), expected);
    }
}

// EVAL-4.12 and EVAL-6.2
#[test]
fn a_rule_or_fallthrough_with_tracking_counts_as_an_experiment() {
    let reason = json!({"kind": "FALLTHROUGH"});
    let expected = json!({"variation": 0, "version": 1, "reason": reason, "trackEvents": true, "trackReason": true});
    assert_eq!(
        metadata(
            &with(serving(1, 1), &json!({"trackEventsFallthrough": true})),
            plain()
        ),
        expected
    );
    let rule = json!([{"id": "r", "variation": 0, "clauses": [], "trackEvents": true}]);
    let reason = json!({"kind": "RULE_MATCH", "ruleIndex": 0, "ruleId": "r"});
    let expected = json!({"variation": 0, "version": 1, "reason": reason, "trackEvents": true, "trackReason": true});
    assert_eq!(
        metadata(&with(serving(1, 1), &json!({"rules": rule})), plain()),
        expected
    );
    let other_rule = json!([{"id": "r", "variation": 0, "clauses": []}]);
    let tracked_elsewhere = json!({"trackEventsFallthrough": true, "rules": other_rule});
    assert_eq!(
        metadata(&with(serving(1, 1), &tracked_elsewhere), plain()),
        json!({"variation": 0, "version": 1})
    );
}

// EVAL-6.2 and EVAL-6.3: `debugEventsUntilDate`
#[test]
fn a_debugging_date_is_always_included_and_adds_details_until_it_has_passed() {
    let until = |date: u64| with(serving(1, 1), &json!({"debugEventsUntilDate": date}));
    let past = milliseconds(SystemTime::now()) - 1;
    let future = future();
    let detailed = |date| json!({"variation": 0, "version": 1, "debugEventsUntilDate": date});
    assert_eq!(metadata(&until(past), plain()), detailed(past));
    assert_eq!(metadata(&until(future), plain()), detailed(future));
    assert_eq!(
        metadata(&until(0), plain()),
        json!({"variation": 0, "version": 1})
    );
    let few = plain()
        .details_only_for_tracked_flags(true)
        .with_reasons(true);
    assert_eq!(
        metadata(&until(past), few),
        json!({"variation": 0, "debugEventsUntilDate": past})
    );
    let with_reason = with(
        detailed(future),
        &json!({"reason": {"kind": "FALLTHROUGH"}}),
    );
    assert_eq!(metadata(&until(future), few), with_reason);
}

// EVAL-6.3: details only for tracked flags
#[test]
fn details_can_be_limited_to_tracked_flags() {
    let few = plain()
        .details_only_for_tracked_flags(true)
        .with_reasons(true);
    assert_eq!(metadata(&serving(1, 1), few), json!({"variation": 0}));
    assert_eq!(metadata(&json!({"on": true, "version": 3}), few), json!({}));
    let tracked = with(serving(1, 1), &json!({"trackEvents": true}));
    let reason = json!({"kind": "FALLTHROUGH"});
    let expected = json!({"variation": 0, "version": 1, "reason": reason, "trackEvents": true});
    assert_eq!(metadata(&tracked, few), expected);
    let without_reasons = plain().details_only_for_tracked_flags(true);
    let expected = json!({"variation": 0, "version": 1, "trackEvents": true});
    assert_eq!(metadata(&tracked, without_reasons), expected);
}

fn requires(keys: &[&str], extra: &Json) -> Json {
    let prerequisites: Vec<_> = keys
        .iter()
        .map(|key| json!({"key": key, "variation": 0}))
        .collect();
    with(
        with(serving(1, 1), &json!({"prerequisites": prerequisites})),
        extra,
    )
}

// EVAL-6.3: `prerequisites`
#[test]
fn only_evaluated_direct_prerequisites_are_listed_in_order() {
    let off = with(serving(1, 1), &json!({"on": false}));
    let flags = |flag: Json| json!({"flag": flag, "b": requires(&["deep"], &json!({})), "a": serving(1, 1), "deep": serving(1, 1), "off": off});
    let listed = |flag: Json| {
        let json = state_of(&flags(flag), plain().details_only_for_tracked_flags(true)).to_json();
        (
            json["flag"].clone(),
            json["$flagsState"]["flag"].get("prerequisites").cloned(),
        )
    };
    let none = json!({});
    assert_eq!(
        listed(requires(&["b", "a"], &none)),
        (json!(1), Some(json!(["b", "a"])))
    );
    assert_eq!(
        listed(requires(&["b", "off", "a"], &none)),
        (json!(null), Some(json!(["b", "off"])))
    );
    assert_eq!(
        listed(requires(&["b"], &json!({"on": false}))),
        (json!(null), None)
    );
    assert_eq!(
        listed(requires(&["no-such-flag", "a"], &none)),
        (json!(null), None)
    );
    assert_eq!(
        listed(requires(&["a", "no-such-flag"], &none)),
        (json!(null), Some(json!(["a"])))
    );
}

// EVAL-6.3: `prerequisites`, the harness's third case
#[test]
fn a_failed_prerequisite_without_an_off_variation_has_a_version_and_a_list() {
    let off = with(serving(1, 1), &json!({"on": false}));
    let json = state_of(
        &json!({"flag": requires(&["off", "b"], &json!({})), "off": off}),
        plain(),
    )
    .to_json();
    assert_eq!(json["flag"], json!(null));
    assert_eq!(
        json["$flagsState"]["flag"],
        json!({"version": 1, "prerequisites": ["off"]})
    );
}

// EVAL-2.2, EVAL-6.1 and EVAL-6.3
#[test]
fn client_side_only_state_still_lists_prerequisites_that_are_left_out() {
    let available = |web: bool| json!({"clientSideAvailability": {"usingEnvironmentId": web, "usingMobileKey": true}});
    let flags = json!({
        "web": with(requires(&["server"], &json!({})), &available(true)),
        "mobile": with(serving(1, 1), &available(false)),
        "newer-wins": with(with(serving(1, 1), &available(false)), &json!({"clientSide": true})),
        "old-web": with(serving(1, 1), &json!({"clientSide": true})),
        "server": serving(1, 1),
    });
    let state = state_of(&flags, plain().client_side_only(true));
    let mut keys: Vec<_> = state.values().map(|(key, _)| key.as_str()).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["old-web", "web"]);
    assert_eq!(
        state.to_json()["$flagsState"]["web"]["prerequisites"],
        json!(["server"])
    );
    assert_eq!(state_of(&flags, plain()).values().len(), 5);
}

#[test]
fn flags_are_selected_by_the_kinds_of_sdk_they_are_available_to() {
    let available = |web: bool, mobile: bool| json!({"clientSideAvailability": {"usingEnvironmentId": web, "usingMobileKey": mobile}});
    let flags = json!({
        "web": with(serving(1, 1), &available(true, false)),
        "mobile": with(serving(1, 1), &available(false, true)),
        "both": with(serving(1, 1), &available(true, true)),
        "neither": with(serving(1, 1), &available(false, false)),
        // Flags without the member are available to mobile SDKs.
        "older": serving(1, 1),
    });
    let keys = |web: bool, mobile: bool| {
        let options = plain().client_side_only(web).mobile_only(mobile);
        let state = state_of(&flags, options);
        let mut keys: Vec<_> = state.values().map(|(key, _)| key.to_string()).collect();
        keys.sort_unstable();
        keys
    };
    assert_eq!(keys(true, false), ["both", "web"]);
    assert_eq!(keys(false, true), ["both", "mobile", "older"]);
    assert_eq!(keys(true, true), ["both", "mobile", "older", "web"]);
    assert_eq!(keys(false, false).len(), 5);
}

// EVAL-6.3
#[test]
fn a_flag_without_a_value_is_included_as_null_and_a_deleted_one_is_not() {
    let flags = json!({
        "malformed": {"on": true, "version": 1},
        "off": with(serving(1, 1), &json!({"on": false})),
        "null": serving(1, Json::Null),
        "deleted": {"version": 1, "deleted": true},
    });
    let state = state_of(&flags, plain());
    let expected = json!({"malformed": null, "off": null, "null": null, "$valid": true, "$flagsState": {
        "malformed": {"version": 1}, "off": {"version": 1}, "null": {"version": 1, "variation": 0}}});
    assert_eq!(state.to_json(), expected);
}

// EVAL-6.4
#[test]
fn an_invalid_state_has_exactly_this_form() {
    let nothing = json!({"$valid": false, "$flagsState": {}});
    let offline = Client::builder("sdk-key").offline(true).start().unwrap();
    let (not_ready, _source) = controlled();
    let ready = support::client_with(&serving(1, 1));
    for state in [
        offline.all_flags_state(&ada(), plain()),
        not_ready.all_flags_state(&ada(), plain().with_reasons(true)),
        ready.all_flags_state(&Context::new(""), plain()),
        pollster::block_on(ready.all_flags_state_async(&Context::new(""), plain())),
        pollster::block_on(offline.all_flags_state_async(&ada(), plain())),
    ] {
        assert_eq!(state.to_json(), nothing);
        assert!(!state.is_valid());
        assert_eq!(
            (
                state.value("flag"),
                state.reason("flag"),
                state.values().len()
            ),
            (None, None, 0)
        );
    }
    let text = serde_json::to_string(&FlagsState::default()).unwrap();
    assert!(
        [
            r#"{"$valid":false,"$flagsState":{}}"#,
            r#"{"$flagsState":{},"$valid":false}"#
        ]
        .contains(&text.as_str())
    );
}

// EVAL-6.4
#[test]
fn data_of_an_earlier_process_makes_a_valid_state() {
    let store = Arc::new(MemoryStore::new());
    pollster::block_on(store.init(support::data_set(
        &json!({"flags": {"flag": serving(1, 1)}}),
    )))
    .unwrap();
    let (client, _source) = controlled_with(Client::builder("sdk-key").data_store(store));
    let state = client.all_flags_state(&ada(), plain());
    assert!(state.is_valid());
    assert_eq!(state.value("flag"), Some(&1.into()));
}

// EVAL-6.4: the helpers
#[test]
fn values_and_reasons_can_be_read_by_key() {
    let client = support::client(
        &json!({"flags": {"a": serving(1, 1), "b": json!({"on": true, "version": 2})}}),
    );
    let state = client.all_flags_state(&ada(), plain().with_reasons(true));
    assert!(state.is_valid());
    assert_eq!(state.value("a"), Some(&1.into()));
    assert_eq!(state.value("b"), Some(&vexil::Value::Null));
    assert_eq!((state.value("c"), state.reason("c")), (None, None));
    assert_eq!(
        serde_json::to_value(state.reason("b").unwrap()).unwrap(),
        error("MALFORMED_FLAG")
    );
    let awaited =
        pollster::block_on(client.all_flags_state_async(&ada(), plain().with_reasons(true)));
    assert_eq!(awaited, state);
    assert_eq!(client.all_flags_state(&ada(), plain()).reason("a"), None);
}
