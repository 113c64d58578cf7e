//! Evaluations that return a value.

use open_feature::{
    EvaluationContext, EvaluationDetails, EvaluationOptions, EvaluationReason, FlagMetadataValue,
    Hook, HookContext, HookHints, StructValue, Value,
};
use serde_json::json;
use vexil_testing::{MemoryBigSegmentStore, MemoryDatabase, TestData};

use crate::support::{
    DEFAULT, TARGETING_MATCH, ada, ask, ballmer, builder, flags, pictures, stable,
};

// Evaluation: "Resolve values", "Structure flag evaluation". TCK: "Resolve values with reason"; a
// flag without rules has the reason STATIC there, and DEFAULT here, since an evaluation does not
// report whether the flag has rules.
#[tokio::test]
async fn a_flag_of_each_type_has_its_value() {
    let client = stable().await;
    assert!(
        client
            .get_bool_value("boolean-flag", Some(&ada()), None)
            .await
            .unwrap()
    );
    assert_eq!(
        client
            .get_string_value("string-flag", Some(&ada()), None)
            .await
            .unwrap(),
        "hi"
    );
    assert_eq!(
        client
            .get_int_value("integer-flag", Some(&ada()), None)
            .await
            .unwrap(),
        10
    );
    assert_eq!(
        client
            .get_float_value("float-flag", Some(&ada()), None)
            .await
            .unwrap(),
        0.5
    );
    let object: StructValue = client
        .get_struct_value("object-flag", Some(&ada()), None)
        .await
        .unwrap();
    assert_eq!(object, pictures());
}

// Evaluation: "Resolves zero value". TCK: "A falsy value is a value, not an absence"
#[tokio::test]
async fn false_zero_and_the_empty_string_are_values() {
    let client = stable().await;
    assert!(
        !client
            .get_bool_value("boolean-zero-flag", Some(&ada()), None)
            .await
            .unwrap()
    );
    assert_eq!(
        client
            .get_string_value("string-zero-flag", Some(&ada()), None)
            .await
            .unwrap(),
        ""
    );
    assert_eq!(
        client
            .get_int_value("integer-zero-flag", Some(&ada()), None)
            .await
            .unwrap(),
        0
    );
    assert_eq!(
        client
            .get_float_value("float-zero-flag", Some(&ada()), None)
            .await
            .unwrap(),
        0.0
    );
    let object: StructValue = client
        .get_struct_value("object-zero-flag", Some(&ada()), None)
        .await
        .unwrap();
    assert_eq!(object, StructValue::default());
}

// Evaluation: "Resolves zero value with targeting", "… using default"
#[tokio::test]
async fn a_matching_rule_is_a_targeting_match_and_otherwise_the_reason_is_default() {
    let client = stable().await;
    let none = ada().with_custom_field("email", "ballmer@none.com");
    let details = |key: &'static str, context: EvaluationContext| {
        let client = &client;
        async move {
            let (variant, reason) = match key.split('-').next().unwrap() {
                "boolean" => seen(
                    client
                        .get_bool_details(key, Some(&context), None)
                        .await
                        .unwrap(),
                ),
                "string" => seen(
                    client
                        .get_string_details(key, Some(&context), None)
                        .await
                        .unwrap(),
                ),
                "integer" => seen(
                    client
                        .get_int_details(key, Some(&context), None)
                        .await
                        .unwrap(),
                ),
                "float" => seen(
                    client
                        .get_float_details(key, Some(&context), None)
                        .await
                        .unwrap(),
                ),
                _ => seen(
                    client
                        .get_struct_details::<StructValue>(key, Some(&context), None)
                        .await
                        .unwrap(),
                ),
            };
            (variant.unwrap(), reason)
        }
    };
    for key in [
        "boolean-targeted-zero-flag",
        "string-targeted-zero-flag",
        "integer-targeted-zero-flag",
        "float-targeted-zero-flag",
        "object-targeted-zero-flag",
    ] {
        assert_eq!(
            details(key, ballmer()).await,
            ("1".to_owned(), TARGETING_MATCH),
            "{key}"
        );
        assert_eq!(
            details(key, none.clone()).await,
            ("0".to_owned(), DEFAULT),
            "{key}"
        );
        assert_eq!(
            details(key, ada()).await,
            ("0".to_owned(), DEFAULT),
            "{key}"
        );
    }
}

fn seen<T>(details: EvaluationDetails<T>) -> (Option<String>, Option<EvaluationReason>) {
    (details.variant, details.reason)
}

// Evaluation: "Multiple context attributes targeting"
#[tokio::test]
async fn all_clauses_of_a_rule_see_the_fields_of_the_context() {
    let client = stable().await;
    let inside = ballmer()
        .with_custom_field("role", "admin")
        .with_custom_field("age", 65)
        .with_custom_field("customer", false);
    let details = client
        .get_string_details("context-aware", Some(&inside), None)
        .await
        .unwrap();
    assert_eq!(
        (details.value.as_str(), details.reason),
        ("INTERNAL", TARGETING_MATCH)
    );
    let outside = inside.with_custom_field("customer", true);
    let details = client
        .get_string_details("context-aware", Some(&outside), None)
        .await
        .unwrap();
    assert_eq!(
        (details.value.as_str(), details.reason),
        ("EXTERNAL", DEFAULT)
    );
}

// TCK: "A matching evaluation context resolves the targeted variant", "A non-matching …"
#[tokio::test]
async fn targets_match_the_targeting_key() {
    let client = stable().await;
    let context = |key: &str| EvaluationContext::default().with_targeting_key(key);
    let details = async |key| {
        client
            .get_string_details("targeting-key-flag", Some(&context(key)), None)
            .await
            .unwrap()
    };
    let hit = details("5c3d8535-f81a-4478-a6d3-afaa4d51199e").await;
    assert_eq!((hit.value.as_str(), hit.reason), ("hit", TARGETING_MATCH));
    let miss = details("f20bd32d-703b-48b6-bc8e-79d53c85134a").await;
    assert_eq!((miss.value.as_str(), miss.reason), ("miss", DEFAULT));
}

// OpenFeature 3.2.3: global, client and invocation contexts are merged before the provider sees
// them
#[tokio::test]
async fn the_contexts_of_client_and_call_are_merged() {
    let mut client = stable().await;
    client.set_evaluation_context(ballmer());
    let call = EvaluationContext::default().with_targeting_key("bob");
    let details = client
        .get_bool_details("boolean-targeted-zero-flag", Some(&call), None)
        .await
        .unwrap();
    assert_eq!((details.value, details.reason), (false, TARGETING_MATCH));
}

// Evaluation: "Complete evaluation details structure", "Variant field population". Vendor: the
// variant is the index
#[tokio::test]
async fn details_have_key_variant_and_reason() {
    let client = stable().await;
    let details = client
        .get_string_details("string-flag", Some(&ada()), None)
        .await
        .unwrap();
    assert_eq!(
        (details.flag_key.as_str(), details.value.as_str()),
        ("string-flag", "hi")
    );
    assert_eq!(
        (details.variant.as_deref(), details.reason),
        (Some("1"), DEFAULT)
    );
}

// Evaluation: "Flag metadata in evaluation details". Vendor: the names
#[tokio::test]
async fn metadata_contains_the_complete_reason() {
    let flags = flags();
    let rule = json!({"id": "r-1", "clauses": [{"attribute": "key", "op": "in", "values": ["ada"]}], "variation": 0});
    let rollout = json!({"rollout": {"kind": "experiment", "seed": 1, "variations": [{"variation": 1, "weight": 100_000}]}});
    for (key, more) in [
        ("ruled", json!({"rules": [rule]})),
        ("tried", json!({"fallthrough": rollout})),
        (
            "dependent",
            json!({"prerequisites": [{"key": "disabled-flag", "variation": 1}]}),
        ),
        (
            "big",
            json!({"rules": [{"clauses": [{"attribute": "", "op": "segmentMatch", "values": ["big"]}], "variation": 0}]}),
        ),
    ] {
        let mut flag = json!({"key": key, "on": true, "salt": "s", "variations": ["a", "b"], "offVariation": 0,
            "fallthrough": {"variation": 1}});
        flag.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        flags.use_preconfigured_flag(flag).unwrap();
    }
    let segment =
        json!({"key": "big", "unbounded": true, "generation": 1, "unboundedContextKind": "user"});
    flags.use_preconfigured_segment(segment).unwrap();
    let client = ask(builder(flags)).await;
    for (key, reason, metadata) in [
        (
            "string-flag",
            EvaluationReason::Default,
            json!({"variationIndex": 1, "reasonKind": "FALLTHROUGH"}),
        ),
        (
            "disabled-flag",
            EvaluationReason::Disabled,
            json!({"variationIndex": 0, "reasonKind": "OFF"}),
        ),
        (
            "ruled",
            EvaluationReason::TargetingMatch,
            json!({"variationIndex": 0, "reasonKind": "RULE_MATCH", "ruleIndex": 0, "ruleId": "r-1"}),
        ),
        (
            "tried",
            EvaluationReason::Split,
            json!({"variationIndex": 1, "reasonKind": "FALLTHROUGH", "inExperiment": true}),
        ),
        (
            "dependent",
            EvaluationReason::Other("PREREQUISITE_FAILED".to_owned()),
            json!({"variationIndex": 0, "reasonKind": "PREREQUISITE_FAILED", "prerequisiteKey": "disabled-flag"}),
        ),
        (
            "big",
            EvaluationReason::Default,
            json!({"variationIndex": 1, "reasonKind": "FALLTHROUGH", "bigSegmentsStatus": "NOT_CONFIGURED"}),
        ),
    ] {
        let details = client
            .get_string_details(key, Some(&ada()), None)
            .await
            .unwrap();
        assert_eq!(details.reason, Some(reason), "{key}");
        let seen: serde_json::Map<_, _> = details
            .flag_metadata
            .values
            .into_iter()
            .map(|(name, value)| (name, as_json(value)))
            .collect();
        assert_eq!(serde_json::Value::Object(seen), metadata, "{key}");
    }
}

fn as_json(value: FlagMetadataValue) -> serde_json::Value {
    match value {
        FlagMetadataValue::Bool(value) => value.into(),
        FlagMetadataValue::Int(value) => value.into(),
        FlagMetadataValue::Float(value) => value.into(),
        FlagMetadataValue::String(value) => value.into(),
    }
}

#[tokio::test]
async fn an_evaluation_awaits_big_segments() {
    let (database, flags) = (MemoryDatabase::new(), TestData::new());
    database.set_membership("p", "ada", ["big.g1"], []);
    database.set_synchronized("p", Some(u64::MAX));
    let rule = json!({"clauses": [{"attribute": "", "op": "segmentMatch", "values": ["big"]}], "variation": 0});
    let flag = json!({"key": "flag", "on": true, "variations": [true, false], "rules": [rule],
        "fallthrough": {"variation": 1}});
    flags.use_preconfigured_flag(flag).unwrap();
    let segment =
        json!({"key": "big", "unbounded": true, "generation": 1, "unboundedContextKind": "user"});
    flags.use_preconfigured_segment(segment).unwrap();
    let client =
        ask(builder(flags).big_segments(MemoryBigSegmentStore::attached(&database, "p"))).await;
    let details = client
        .get_bool_details("flag", Some(&ada()), None)
        .await
        .unwrap();
    assert_eq!((details.value, details.reason), (true, TARGETING_MATCH));
    assert_eq!(
        details.flag_metadata.values["bigSegmentsStatus"],
        "HEALTHY".into()
    );
}

// TCK: "A disabled flag resolves to the code default"; here to the off variation, if the flag has
// one
#[tokio::test]
async fn a_disabled_flag_returns_its_off_variation() {
    let client = stable().await;
    let details = client
        .get_string_details("disabled-flag", Some(&ada()), None)
        .await
        .unwrap();
    assert_eq!(
        (details.value.as_str(), details.reason),
        ("served", Some(EvaluationReason::Disabled))
    );
}

// TCK: "A large integer resolves without loss of precision", "An integer beyond 32 bits …", "An
// integer flag resolves as an integer", and the lossless half of @numeric-coercion
#[tokio::test]
async fn integers_are_exact_and_any_number_is_a_float() {
    let client = stable().await;
    let int = async |key| client.get_int_value(key, Some(&ada()), None).await.unwrap();
    assert_eq!(int("large-integer-flag").await, 2_147_483_647);
    assert_eq!(int("huge-integer-flag").await, 9_007_199_254_740_991);
    assert_eq!(int("whole-float-flag").await, 10);
    assert_eq!(
        client
            .get_float_value("integer-flag", Some(&ada()), None)
            .await
            .unwrap(),
        10.0
    );
}

#[tokio::test]
async fn a_structure_keeps_its_types_and_omits_nulls() {
    let value = json!({"list": [1, "a", [true], {"b": 0.5}], "nothing": null, "deep": {"nothing": null, "large": 1e18}});
    let client = ask(builder(TestData::new().with("flag", value))).await;
    let value: StructValue = client
        .get_struct_value("flag", Some(&ada()), None)
        .await
        .unwrap();
    let list = Value::Array(vec![
        1.into(),
        "a".into(),
        vec![true].into(),
        StructValue::default().with_field("b", 0.5).into(),
    ]);
    let deep = StructValue::default().with_field("large", 1e18);
    assert_eq!(
        value,
        StructValue::default()
            .with_field("list", list)
            .with_field("deep", deep)
    );
}

// Evaluation: "Evaluation options with hooks"
#[tokio::test]
async fn openfeature_hooks_receive_the_result_of_the_provider() {
    struct Looks(tokio::sync::mpsc::UnboundedSender<(String, Option<String>)>);
    #[open_feature::async_trait]
    impl Hook for Looks {
        async fn before<'a>(
            &self,
            _: &HookContext<'a>,
            _: Option<&'a HookHints>,
        ) -> Result<Option<EvaluationContext>, open_feature::EvaluationError> {
            Ok(None)
        }
        async fn after<'a>(
            &self,
            context: &HookContext<'a>,
            details: &EvaluationDetails<Value>,
            _: Option<&'a HookHints>,
        ) -> Result<(), open_feature::EvaluationError> {
            self.0
                .send((
                    context.provider_metadata.name.clone(),
                    details.variant.clone(),
                ))
                .unwrap();
            Ok(())
        }
        async fn error<'a>(
            &self,
            _: &HookContext<'a>,
            _: &open_feature::EvaluationError,
            _: Option<&'a HookHints>,
        ) {
        }
        async fn finally<'a>(
            &self,
            _: &HookContext<'a>,
            _: &EvaluationDetails<Value>,
            _: Option<&'a HookHints>,
        ) {
        }
    }
    let (sender, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let options = EvaluationOptions {
        hooks: vec![open_feature::HookWrapper::new(Looks(sender))],
        ..Default::default()
    };
    let client = stable().await;
    assert!(
        client
            .get_bool_value("boolean-flag", Some(&ada()), Some(&options))
            .await
            .unwrap()
    );
    assert_eq!(
        seen.try_recv().unwrap(),
        ("vexil".to_owned(), Some("1".to_owned()))
    );
}
