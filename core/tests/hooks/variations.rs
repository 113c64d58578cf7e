//! The series that a hook receives for each variation method.

use pollster::block_on;
use serde_json::{Value as Json, json};
use vexil::client::{AsContext, StrictInt};
use vexil::eval::{Detail, EvalErrorKind};
use vexil::hooks::EvaluationMethod;
use vexil::{Client, Context, Text, Value};
use vexil_testing::{HookRecorder, RecordedSeries, RecordedStage};

use crate::support::{
    self, Fixed, Panicking, PanicsIn, Silent, ada, controlled_with, error, serving,
};

/// The context and result of the only series since the last call.
#[track_caller]
fn series(hook: &HookRecorder) -> (RecordedSeries, Detail<Value>) {
    let stages = hook.take();
    let [
        RecordedStage::BeforeEvaluation(before),
        RecordedStage::AfterEvaluation(after, detail),
    ] = &stages[..]
    else {
        panic!("expected one series: {stages:#?}")
    };
    assert_eq!(before, after);
    (after.clone(), detail.clone())
}

fn hooked(data: &Json) -> (Client, HookRecorder) {
    let hook = HookRecorder::new("recorder");
    let client = Client::builder("sdk-key")
        .data_source(Fixed::new(data))
        .hook(hook.clone())
        .start()
        .unwrap();
    (client, hook)
}

// EVT-6.1; EVT-6.2, rule 10
#[test]
fn every_variation_method_is_a_series_with_its_default_and_its_result() {
    let long = "a string that is longer than what fits inline";
    let (client, hook) = hooked(&json!({"flags": {
        "bool": serving(1, true), "number": serving(1, 2.75), "string": serving(1, long), "object": serving(1, json!({"a": [1]})),
    }}));
    macro_rules! methods {
        ($($key:literal $default:expr => $value:expr, $reported:expr, $seen:expr;
           $plain:ident $detail:ident $plain_async:ident $detail_async:ident;)+) => {$(
            let method = |detail| if detail { EvaluationMethod::VariationDetail } else { EvaluationMethod::Variation };
            let check = |detail: bool, called: &str| {
                let (series, seen) = series(&hook);
                assert_eq!(series.flag_key, $key, "{called}");
                assert_eq!(series.context, Some(ada()), "{called}");
                assert_eq!(series.method, method(detail), "{called}");
                assert_eq!(series.default_value, Value::from($reported), "{called}");
                assert_eq!(seen.value, Value::from($seen), "{called}");
                assert_eq!((seen.variation_index, seen.reason.error()), (Some(0), None), "{called}");
            };
            assert_eq!(client.$plain($key, &ada(), $default), $value);
            check(false, stringify!($plain));
            assert_eq!(client.$detail($key, &ada(), $default).value, $value);
            check(true, stringify!($detail));
            assert_eq!(block_on(client.$plain_async($key, &ada(), $default)), $value);
            check(false, stringify!($plain_async));
            assert_eq!(block_on(client.$detail_async($key, &ada(), $default)).value, $value);
            check(true, stringify!($detail_async));
        )+};
    }
    let object = Value::from(json!({"a": [1]}));
    methods! {
        "bool" false => true, false, true;
        bool_variation bool_variation_detail variation_async variation_detail_async;
        // The hook sees the returned value, not the flag's.
        "number" 7 => 2, 7, 2;
        int_variation int_variation_detail variation_async variation_detail_async;
        "number" 0.5 => 2.75, 0.5, 2.75;
        float_variation float_variation_detail variation_async variation_detail_async;
        "string" "" => long, "", long;
        str_variation str_variation_detail variation_async variation_detail_async;
        "object" Value::Null => object, Value::Null, object.clone();
        json_variation json_variation_detail variation_async variation_detail_async;
        "string" Text::from("x") => long, "x", long;
        variation variation_detail variation_async variation_detail_async;
        "number" 1.0_f32 => 2.75, 1.0, 2.75;
        json_as json_as_detail json_as_async json_as_detail_async;
    }
    let strict = client.variation_detail("number", &ada(), StrictInt(7));
    let (_, seen) = series(&hook);
    assert_eq!(
        (strict.value, seen.value, seen.reason),
        (7, 7.into(), EvalErrorKind::WrongType.into())
    );
}

/// Checks the series of an evaluation that returns its default for this reason.
#[track_caller]
fn returns_default(client: &Client, hook: &HookRecorder, context: &impl AsContext, reason: &str) {
    assert!(client.bool_variation("flag", context, true));
    let (asked, detail) = series(hook);
    assert_eq!(asked.context.as_ref(), context.as_context().ok());
    assert_eq!((detail.value, detail.variation_index), (true.into(), None));
    assert_eq!(serde_json::to_value(detail.reason).unwrap(), error(reason));
    // All variation methods agree with the hook about the returned value.
    support::every_method_returns_its_default(client, "flag", context, &error(reason));
    assert_eq!(hook.take().len() % 2, 0);
}

// EVT-6.2, rule 10
#[test]
fn hooks_run_for_every_kind_of_failure_and_see_the_reason() {
    let (client, hook) = hooked(&json!({"flags": {}}));
    returns_default(&client, &hook, &ada(), "FLAG_NOT_FOUND");
    returns_default(&client, &hook, &Context::new(""), "USER_NOT_SPECIFIED");
    let (client, hook) = hooked(&json!({"flags": {"flag": {"on": true, "version": 1}}}));
    returns_default(&client, &hook, &ada(), "MALFORMED_FLAG");

    let hook = HookRecorder::new("recorder");
    let client = Client::builder("sdk-key")
        .data_source(Silent)
        .hook(hook.clone())
        .start()
        .unwrap();
    returns_default(&client, &hook, &ada(), "CLIENT_NOT_READY");
    let client = Client::builder("sdk-key")
        .offline(true)
        .hook(hook.clone())
        .start()
        .unwrap();
    returns_default(&client, &hook, &ada(), "CLIENT_NOT_READY");
    let store = std::sync::Arc::new(Panicking(PanicsIn::Read, vexil::store::MemoryStore::new()));
    let (client, source) = controlled_with(
        Client::builder("sdk-key")
            .data_store(store)
            .hook(hook.clone()),
    );
    source.init(&json!({}));
    returns_default(&client, &hook, &ada(), "EXCEPTION");
}

#[test]
fn hooks_see_a_value_that_does_not_fit_a_custom_type_as_the_wrong_type() {
    let (client, hook) = hooked(&json!({"flags": {"flag": serving(1, "text")}}));
    assert_eq!(client.json_as("flag", &ada(), 7), 7);
    let (_, detail) = series(&hook);
    assert_eq!(
        detail,
        Detail::new(7.into(), None, EvalErrorKind::WrongType.into())
    );
}

#[test]
fn the_caller_and_hooks_get_a_configured_default() {
    let hook = HookRecorder::new("recorder");
    let builder = Client::builder("sdk-key")
        .offline(true)
        .defaults([("flag", 9)])
        .hook(hook.clone());
    let client = builder.start().unwrap();
    assert_eq!(client.int_variation("flag", &ada(), 1), 9);
    let (asked, detail) = series(&hook);
    assert_eq!((asked.default_value, detail.value), (1.into(), 9.into()));
    assert_eq!(client.json_as("flag", &ada(), 1_u8), 9);
    assert_eq!(series(&hook).1.value, 9.into());
}

// EVT-6.1
#[test]
fn hooks_see_the_environment_id_once_the_source_has_set_it() {
    let hook = HookRecorder::new("recorder");
    let (client, source) = controlled_with(Client::builder("sdk-key").hook(hook.clone()));
    let _ = client.bool_variation("flag", &ada(), true);
    assert_eq!(series(&hook).0.environment_id, None);
    for id in ["env-1", "env-2"] {
        source.environment_id(id);
        let _ = client.bool_variation("flag", &ada(), true);
        assert_eq!(series(&hook).0.environment_id.as_deref(), Some(id));
        client.track("bought", &ada());
        let stages = hook.take();
        assert!(
            matches!(&stages[..], [RecordedStage::AfterTrack { environment_id: Some(seen), .. }] if seen == id),
            "{stages:?}"
        );
    }
}
