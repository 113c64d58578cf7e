//! Evaluations without a value return errors, since the crate's methods take no default.

use open_feature::{EvaluationContext, EvaluationErrorCode, EvaluationReason, StructValue};
use serde_json::json;
use vexil::Client;
use vexil_testing::TestData;

use crate::support::{ada, ask, builder, code, flags, stable};

// Evaluation: "Flag not found error", "Error message in evaluation details". TCK: "An unknown flag
// key returns the code default"
#[tokio::test]
async fn an_unknown_flag_is_not_found() {
    let client = stable().await;
    let (ada, key) = (Some(&ada()), "non-existent-flag");
    assert_eq!(
        code(client.get_bool_details(key, ada, None).await),
        EvaluationErrorCode::FlagNotFound
    );
    assert_eq!(
        code(client.get_string_details(key, ada, None).await),
        EvaluationErrorCode::FlagNotFound
    );
    assert_eq!(
        code(client.get_int_details(key, ada, None).await),
        EvaluationErrorCode::FlagNotFound
    );
    assert_eq!(
        code(client.get_float_details(key, ada, None).await),
        EvaluationErrorCode::FlagNotFound
    );
    let object = client
        .get_struct_details::<StructValue>(key, ada, None)
        .await;
    assert_eq!(code(object), EvaluationErrorCode::FlagNotFound);
}

// Evaluation: "Type mismatch error", "Default value type validation". TCK: "Requesting the wrong
// type …", "Requesting a structured flag as a scalar …", "A float flag is not silently narrowed to
// an integer"
#[tokio::test]
async fn values_are_never_converted_to_another_type() {
    let client = stable().await;
    let (all, ada) = (["Boolean", "String", "Integer", "Float", "Object"], ada());
    for (key, fitting) in [
        ("boolean-flag", &["Boolean"][..]),
        ("string-flag", &["String"]),
        ("wrong-flag", &["String"]),
        ("integer-flag", &["Integer", "Float"]),
        ("float-flag", &["Float"]),
        ("object-flag", &["Object"]),
        ("null-flag", &[]),
    ] {
        for asked in all.iter().filter(|asked| !fitting.contains(asked)) {
            let code = match *asked {
                "Boolean" => code(client.get_bool_details(key, Some(&ada), None).await),
                "String" => code(client.get_string_details(key, Some(&ada), None).await),
                "Integer" => code(client.get_int_details(key, Some(&ada), None).await),
                "Float" => code(client.get_float_details(key, Some(&ada), None).await),
                _ => code(
                    client
                        .get_struct_details::<StructValue>(key, Some(&ada), None)
                        .await,
                ),
            };
            assert_eq!(code, EvaluationErrorCode::TypeMismatch, "{key} as {asked}");
        }
    }
}

#[tokio::test]
async fn a_number_outside_the_exact_range_of_floats_is_not_an_integer() {
    let flags = TestData::new()
        .with("too-large", 9_007_199_254_740_992_i64)
        .with("too-small", -9.1e15);
    let client = ask(builder(flags)).await;
    for key in ["too-large", "too-small"] {
        assert_eq!(
            code(client.get_int_value(key, Some(&ada()), None).await),
            EvaluationErrorCode::TypeMismatch
        );
        client
            .get_float_value(key, Some(&ada()), None)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_type_mismatch_describes_the_value_and_the_error() {
    let client = ask(builder(TestData::new().with("text", "many"))).await;
    let error = client
        .get_int_value("text", Some(&ada()), None)
        .await
        .unwrap_err();
    let message = error.message.unwrap();
    assert!(
        message.starts_with("the flag's value is a string: invalid type: string \"many\""),
        "{message}"
    );
}

#[tokio::test]
async fn a_list_and_a_structure_with_null_in_a_list_are_type_mismatches() {
    let client = ask(builder(
        TestData::new()
            .with("list", json!([1]))
            .with("hole", json!({"list": [1, null]})),
    ))
    .await;
    for key in ["list", "hole"] {
        let result = client
            .get_struct_details::<StructValue>(key, Some(&ada()), None)
            .await;
        assert_eq!(code(result), EvaluationErrorCode::TypeMismatch, "{key}");
    }
}

// Evaluation: "Provider not ready error". OpenFeature 2.4.5
#[tokio::test]
async fn without_data_the_provider_is_not_ready() {
    let client = ask(Client::builder("sdk-key").offline(true)).await;
    let result = client
        .get_bool_details("boolean-flag", Some(&ada()), None)
        .await;
    assert_eq!(code(result), EvaluationErrorCode::ProviderNotReady);
}

// Vendor: a malformed flag is a parse error
#[tokio::test]
async fn a_malformed_flag_is_a_parse_error() {
    let client = stable().await;
    let result = client
        .get_string_details("malformed", Some(&ada()), None)
        .await;
    assert_eq!(code(result), EvaluationErrorCode::ParseError);
}

// Evaluation: "Empty evaluation context". Vendor: without a key nothing is evaluated
#[tokio::test]
async fn a_context_without_a_key_is_a_missing_targeting_key() {
    let client = stable().await;
    for context in [
        None,
        Some(EvaluationContext::default().with_custom_field("email", "ballmer@macrosoft.com")),
    ] {
        let result = client
            .get_bool_details("boolean-targeted-zero-flag", context.as_ref(), None)
            .await;
        assert_eq!(code(result), EvaluationErrorCode::TargetingKeyMissing);
    }
}

#[tokio::test]
async fn a_kind_that_is_not_allowed_is_an_invalid_context() {
    let client = stable().await;
    for kind in ["", "kind", "no kind"] {
        let context = ada().with_custom_field("kind", kind);
        let result = client
            .get_bool_details("boolean-flag", Some(&context), None)
            .await;
        assert_eq!(code(result), EvaluationErrorCode::InvalidContext, "{kind}");
    }
}

// Evaluation: "DISABLED reason" returns the caller's default, which the crate does not receive
#[tokio::test]
async fn a_disabled_flag_without_an_off_variation_is_an_error() {
    let client = stable().await;
    let error = client
        .get_string_value("disabled-without-variation", Some(&ada()), None)
        .await
        .unwrap_err();
    assert_eq!(
        error.code,
        EvaluationErrorCode::General("GENERAL".to_owned())
    );
    assert_eq!(
        error.message.as_deref(),
        Some("the flag is off, and the caller's default applies")
    );
}

#[tokio::test]
async fn a_default_configured_on_the_client_is_returned_with_the_reason_error() {
    let client = ask(builder(flags()).defaults([("non-existent-flag", "known")])).await;
    let details = client
        .get_string_details("non-existent-flag", Some(&ada()), None)
        .await
        .unwrap();
    assert_eq!(
        (details.value.as_str(), details.reason),
        ("known", Some(EvaluationReason::Error))
    );
    assert_eq!(details.variant, None);
    assert_eq!(
        details.flag_metadata.values["errorKind"],
        "FLAG_NOT_FOUND".into()
    );
    let other_type = client
        .get_bool_details("non-existent-flag", Some(&ada()), None)
        .await;
    assert_eq!(code(other_type), EvaluationErrorCode::FlagNotFound);
}
