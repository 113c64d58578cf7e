//! OpenFeature clients, and the flags of the scenarios.

use open_feature::{
    EvaluationContext, EvaluationError, EvaluationErrorCode, EvaluationReason, OpenFeature,
    StructValue,
};
use serde_json::json;
use vexil::{Client, ClientBuilder};
use vexil_openfeature::Provider;
use vexil_testing::{FlagBuilder, TestData};

/// An OpenFeature client that uses a client made by `builder`.
pub(crate) async fn ask(builder: ClientBuilder) -> open_feature::Client {
    let mut api = OpenFeature::default();
    api.set_provider(Provider::new(builder.start().unwrap()))
        .await;
    api.create_client()
}

/// A client of the scenarios' stable provider.
pub(crate) async fn stable() -> open_feature::Client {
    ask(builder(flags())).await
}

pub(crate) fn builder(flags: TestData) -> ClientBuilder {
    Client::builder("sdk-key")
        .data_source(flags)
        .without_events()
}

pub(crate) fn ada() -> EvaluationContext {
    EvaluationContext::default().with_targeting_key("ada")
}

/// The context that the scenarios' targeted flags match.
pub(crate) fn ballmer() -> EvaluationContext {
    ada().with_custom_field("email", "ballmer@macrosoft.com")
}

pub(crate) fn pictures() -> StructValue {
    StructValue::default()
        .with_field("showImages", true)
        .with_field("title", "Check out these pics!")
        .with_field("imagesPerPage", 100)
}

/// The flags of the scenarios. Their variants have names there, and indexes here.
pub(crate) fn flags() -> TestData {
    let flags = TestData::new();
    let two = |key: &str, values: serde_json::Value| {
        let values: Vec<_> = values.as_array().unwrap().clone();
        FlagBuilder::new(key)
            .variations(values)
            .fallthrough_variation(1)
            .off_variation(0)
    };
    for (name, values, zero) in [
        ("boolean", json!([false, true]), json!([true, false])),
        ("string", json!(["bye", "hi"]), json!(["hi", ""])),
        ("integer", json!([1, 10]), json!([1, 0])),
        ("float", json!([0.1, 0.5]), json!([0.1, 0.0])),
        (
            "object",
            json!([{}, {"showImages": true, "title": "Check out these pics!", "imagesPerPage": 100}]),
            json!([{"a": 1}, {}]),
        ),
    ] {
        flags.update(two(&format!("{name}-flag"), values));
        flags.update(two(&format!("{name}-zero-flag"), zero.clone()));
        let targeted = two(&format!("{name}-targeted-zero-flag"), zero).fallthrough_variation(0);
        flags.update(
            targeted
                .if_match("email", ["ballmer@macrosoft.com"])
                .then_return(1),
        );
    }
    let context_aware =
        two("context-aware", json!(["EXTERNAL", "INTERNAL"])).fallthrough_variation(0);
    flags.update(
        context_aware
            .if_match("email", ["ballmer@macrosoft.com"])
            .and_match("role", ["admin"])
            .and_match("age", [65])
            .and_match("customer", [false])
            .then_return(1),
    );
    let by_key = two("targeting-key-flag", json!(["miss", "hit"])).fallthrough_variation(0);
    flags.update(by_key.variation_for_user("5c3d8535-f81a-4478-a6d3-afaa4d51199e", 1));
    flags
        .set("large-integer-flag", 2_147_483_647_i64)
        .set("huge-integer-flag", 9_007_199_254_740_991_i64);
    flags
        .set("whole-float-flag", 10.0)
        .set("wrong-flag", "uno")
        .set("null-flag", serde_json::Value::Null);
    flags.update(two("disabled-flag", json!(["served", "not served"])).on(false));
    flags
        .use_preconfigured_flag(json!({"key": "disabled-without-variation", "on": false, "variations": ["a"]}))
        .unwrap()
        .use_preconfigured_flag(
            json!({"key": "malformed", "on": true, "variations": ["a"], "fallthrough": {"variation": 7}}),
        )
        .unwrap();
    flags
}

/// The code of an error, which must have a message.
pub(crate) fn code<T: std::fmt::Debug>(result: Result<T, EvaluationError>) -> EvaluationErrorCode {
    let error = result.unwrap_err();
    assert!(
        error.message.is_some_and(|message| !message.is_empty()),
        "{:?} without a message",
        error.code
    );
    error.code
}

pub(crate) const DEFAULT: Option<EvaluationReason> = Some(EvaluationReason::Default);
pub(crate) const TARGETING_MATCH: Option<EvaluationReason> = Some(EvaluationReason::TargetingMatch);
