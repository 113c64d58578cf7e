//! Events that are recorded for the service.

use open_feature::{EvaluationContext, StructValue};
use serde_json::json;
use vexil::Client;
use vexil::hooks::EvaluationMethod;
use vexil_openfeature::Provider;
use vexil_testing::{EventRecorder, HookRecorder, RecordedEvent, RecordedStage};

use crate::support::{ada, ask, flags};

#[tokio::test]
async fn an_evaluation_is_recorded_with_its_reason_and_a_null_default() {
    let (events, hook) = (EventRecorder::new(), HookRecorder::new("recorder"));
    let builder = Client::builder("sdk-key")
        .data_source(flags())
        .events(events.clone())
        .hook(hook.clone());
    let client = ask(builder).await;
    assert!(
        client
            .get_bool_value("boolean-flag", Some(&ada()), None)
            .await
            .unwrap()
    );
    let [RecordedEvent::Evaluation(evaluation)] = &events.take()[..] else {
        panic!("one evaluation")
    };
    assert_eq!(
        (evaluation.key.as_str(), &evaluation.value),
        ("boolean-flag", &true.into())
    );
    assert!(evaluation.with_reason);
    assert_eq!(evaluation.default, Some(vexil::Value::Null));
    let [
        RecordedStage::BeforeEvaluation(before),
        RecordedStage::AfterEvaluation(_, detail),
    ] = &hook.take()[..]
    else {
        panic!("two stages")
    };
    assert_eq!(
        (before.method, &before.default_value),
        (EvaluationMethod::VariationDetail, &vexil::Value::Null)
    );
    assert_eq!(
        (&detail.value, detail.variation_index),
        (&true.into(), Some(1))
    );
}

#[tokio::test]
async fn a_default_configured_on_the_client_is_returned_and_recorded() {
    let events = EventRecorder::new();
    let builder = Client::builder("sdk-key")
        .defaults([("no-such-flag", 7)])
        .data_source(flags())
        .events(events.clone());
    let client = ask(builder).await;
    assert_eq!(
        client
            .get_int_value("no-such-flag", Some(&ada()), None)
            .await
            .unwrap(),
        7
    );
    let [RecordedEvent::Evaluation(evaluation)] = &events.take()[..] else {
        panic!("one evaluation")
    };
    assert_eq!(
        (&evaluation.default, &evaluation.value),
        (&Some(7.into()), &7.into())
    );
}

// A hook of the client receives the caller's result, even if it is an error
#[tokio::test]
async fn hooks_of_the_client_receive_type_mismatches() {
    let hook = HookRecorder::new("recorder");
    let client = ask(Client::builder("sdk-key")
        .data_source(flags())
        .without_events()
        .hook(hook.clone()))
    .await;
    client
        .get_int_value("float-flag", Some(&ada()), None)
        .await
        .unwrap_err();
    let [_, RecordedStage::AfterEvaluation(_, detail)] = &hook.take()[..] else {
        panic!("two stages")
    };
    assert_eq!(
        detail.reason.error(),
        Some(vexil::eval::EvalErrorKind::WrongType)
    );
}

// OpenFeature 6.1.1, 6.2.1; vendor: the value is the metric value, the structure is the data
#[test]
fn tracking_records_name_context_value_and_data() {
    let events = EventRecorder::new();
    let client = Client::builder("sdk-key")
        .data_source(flags())
        .events(events.clone())
        .start()
        .unwrap();
    let provider = Provider::new(client);
    let data = StructValue::default()
        .with_field("items", 3)
        .with_field("gift", true);
    provider.track("bought", &ada(), Some(49.9), &data);
    provider.track("looked", &ada(), None, &StructValue::default());
    provider.track(
        "unknown",
        &EvaluationContext::default(),
        None,
        &StructValue::default(),
    );
    let recorded: Vec<_> = events.take().into_iter().map(custom_event).collect();
    assert_eq!(
        recorded,
        [
            (
                "bought".to_owned(),
                "ada".to_owned(),
                json!({"items": 3, "gift": true}).into(),
                Some(49.9)
            ),
            (
                "looked".to_owned(),
                "ada".to_owned(),
                vexil::Value::Null,
                None
            ),
        ]
    );
}

fn custom_event(event: RecordedEvent) -> (String, String, vexil::Value, Option<f64>) {
    let RecordedEvent::Custom(event) = event else {
        panic!("{event}")
    };
    let (key, user) = (event.key.to_string(), event.context.key().to_owned());
    (key, user, event.data, event.metric)
}
