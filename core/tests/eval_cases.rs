//! Runs the 728 evaluation cases of the LaunchDarkly contract tests in four ways: without detail,
//! with detail, through all-flags state, and as an explanation.
//!
//! The data is not part of this repository. `VEXIL_EVAL_CASES` names its folder, and `scripts/test`
//! reports when the folder is missing.

#![cfg(test)]

mod support;

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value as Json;
use vexil::client::FlagsStateOptions;
use vexil::eval::Detail;
use vexil::explain::ExplainOptions;
use vexil::{Client, Context, Value};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Suite {
    name: String,
    #[serde(default)]
    skip_evaluate_all_flags: bool,
    sdk_data: Json,
    evaluations: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    #[serde(default)]
    name: String,
    flag_key: String,
    context: Json,
    #[serde(default)]
    value_type: String,
    default: Option<Json>,
    expect: Expected,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Expected {
    value: Json,
    variation_index: Option<usize>,
    reason: Json,
}

#[test]
#[ignore = "needs the evaluation cases in the folder that VEXIL_EVAL_CASES names"]
fn every_evaluation_case_has_the_expected_result() {
    let folder = PathBuf::from(
        std::env::var_os("VEXIL_EVAL_CASES").expect("VEXIL_EVAL_CASES names a folder"),
    );
    let mut failures = Vec::new();
    let mut count = 0;
    let mut files: Vec<_> = folder
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    for file in &files {
        let suites: Vec<Suite> = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        for suite in suites {
            let data = complete(suite.sdk_data);
            let client = support::client(&data);
            for mut case in suite.evaluations {
                count += 1;
                case.default
                    .get_or_insert_with(|| inferred_default(&data["flags"][&case.flag_key]));
                let name = format!(
                    "{}: {} / {} ({})",
                    file.display(),
                    suite.name,
                    case.name,
                    case.flag_key
                );
                failures.extend(
                    run(&client, &case, suite.skip_evaluate_all_flags)
                        .map(|f| format!("{name}: {f}")),
                );
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {count} cases failed:\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert_eq!(count, 728, "the set of cases is not the expected one");
}

/// Adds what the cases leave out: an item without a version has version 1.
fn complete(mut data: Json) -> Json {
    for section in ["flags", "segments"] {
        for item in data[section]
            .as_object_mut()
            .into_iter()
            .flat_map(serde_json::Map::values_mut)
        {
            let item = item.as_object_mut().unwrap();
            item.entry("version").or_insert(Json::from(1));
        }
    }
    data
}

/// The default of a case without one: like the runner of the cases, one of the type of the flag's
/// value.
fn inferred_default(flag: &Json) -> Json {
    match &flag["variations"][0] {
        Json::Bool(_) => false.into(),
        Json::Number(_) => 0.into(),
        Json::String(_) => "".into(),
        _ => Json::Null,
    }
}

/// Returns what went wrong, if anything.
fn run(client: &Client, case: &Case, skip_all_flags: bool) -> Option<String> {
    let context = Context::try_from(case.context.clone()).unwrap();
    let (value, detail) = evaluate(client, case, &context);
    let expected = &case.expect;
    if !same(&value, &expected.value) {
        return Some(format!("value {value}, expected {}", expected.value));
    }
    if !same(&detail.value, &expected.value) || detail.variation_index != expected.variation_index {
        return Some(format!(
            "detail {detail:?}, expected {} {:?}",
            expected.value, expected.variation_index
        ));
    }
    let reason = serde_json::to_value(&detail.reason).unwrap();
    if reason != expected.reason {
        return Some(format!("reason {reason}, expected {}", expected.reason));
    }
    let explanation = client.explain(&case.flag_key, &context, &ExplainOptions::default());
    // A variation of the wrong type is an error of the call, and not of the flag.
    if detail.type_mismatch().is_none()
        && (explanation.reason != detail.reason
            || explanation.variation != detail.variation_index
            || explanation
                .value
                .is_some_and(|value| !same(&value.into(), &expected.value)))
    {
        return Some(format!("another explanation than {detail:?}"));
    }
    if skip_all_flags {
        return None;
    }
    let state = client.all_flags_state(&context, FlagsStateOptions::default().with_reasons(true));
    let state = state.to_json();
    let in_state = if expected.variation_index.is_some() {
        &expected.value
    } else {
        &Json::Null
    };
    if state
        .get(&case.flag_key)
        .is_some_and(|value| !same(value, in_state))
    {
        return Some(format!(
            "all flags {}, expected {in_state}",
            state[&case.flag_key]
        ));
    }
    let index = state["$flagsState"][&case.flag_key]["variation"].as_u64();
    (expected.reason["errorKind"] != "FLAG_NOT_FOUND"
        && index != expected.variation_index.map(|index| index as u64))
    .then(|| {
        format!(
            "all flags index {index:?}, expected {:?}",
            expected.variation_index
        )
    })
}

fn same(one: &Json, two: &Json) -> bool {
    Value::from(one.clone()) == Value::from(two.clone())
}

/// Runs the case with the method for its type, without and with detail.
fn evaluate(client: &Client, case: &Case, context: &Context) -> (Json, Detail<Json>) {
    let (key, default) = (case.flag_key.as_str(), case.default.as_ref().unwrap());
    macro_rules! through {
        ($plain:ident, $detail:ident, $default:expr) => {{
            let plain = client.$plain(key, context, $default);
            let detail = client.$detail(key, context, $default);
            (
                serde_json::to_value(plain).unwrap(),
                detail.map(|value| serde_json::to_value(value).unwrap()),
            )
        }};
    }
    match case.value_type.as_str() {
        "bool" => through!(
            bool_variation,
            bool_variation_detail,
            default.as_bool().unwrap()
        ),
        "int" => through!(
            int_variation,
            int_variation_detail,
            default.as_i64().unwrap()
        ),
        "double" => through!(
            float_variation,
            float_variation_detail,
            default.as_f64().unwrap()
        ),
        "string" => through!(
            str_variation,
            str_variation_detail,
            default.as_str().unwrap()
        ),
        "any" | "" => through!(
            json_variation,
            json_variation_detail,
            Value::from(default.clone())
        ),
        other => panic!("unknown value type {other}"),
    }
}
