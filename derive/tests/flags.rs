//! Structs of flags: values of all types, values that do not fit, events, hooks, the log.

#![cfg(test)]

use std::sync::{Arc, Mutex};

use pollster::block_on;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;
use vexil::eval::{Detail, EvalErrorKind};
use vexil::flags::FlagType;
use vexil::hooks::EvaluationMethod;
use vexil::{Client, Context, Flags, Text, Value};
use vexil_testing::{
    EventRecorder, HookRecorder, RecordedEvaluation, RecordedEvent, RecordedStage, TestData,
};

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Theme {
    Light,
    Dark,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Limits {
    rps: u32,
}

#[derive(Debug, Flags)]
struct All {
    #[flag(default = true)]
    boolean: bool,
    #[flag(default = 8)]
    a_u8: u8,
    #[flag(default = 16)]
    a_u16: u16,
    #[flag(default = 32)]
    a_u32: u32,
    #[flag(default = 64)]
    a_u64: u64,
    #[flag(default = -8)]
    an_i8: i8,
    #[flag(default = -32)]
    an_i32: i32,
    #[flag(default = -64)]
    an_i64: i64,
    #[flag(default = 128)]
    a_usize: usize,
    #[flag(default = 0.5)]
    an_f32: f32,
    #[flag(default = 0.25)]
    an_f64: f64,
    #[flag(default = "string")]
    string: String,
    #[flag(default = "text")]
    text: Text,
    #[flag(default = Value::Null)]
    value: Value,
    #[flag(default = json!([]))]
    json: serde_json::Value,
    #[flag(default = Theme::Light)]
    theme: Theme,
    #[flag(default = Limits { rps: 10 })]
    limits: Limits,
    #[flag(default = None)]
    maybe: Option<Limits>,
    #[flag(default = vec![1, 2])]
    list: Vec<u8>,
    #[flag(default = 7)]
    detail: Detail<u8>,
    #[flag(key = "renamed.key", default = false)]
    r#type: bool,
}

impl All {
    /// The values, as the flags would have them.
    fn values(&self) -> Vec<serde_json::Value> {
        vec![
            json!(self.boolean),
            json!(self.a_u8),
            json!(self.a_u16),
            json!(self.a_u32),
            json!(self.a_u64),
            json!(self.an_i8),
            json!(self.an_i32),
            json!(self.an_i64),
            json!(self.a_usize),
            json!(self.an_f32),
            json!(self.an_f64),
            json!(self.string),
            json!(self.text),
            json!(self.value),
            json!(self.json),
            json!(self.theme),
            json!(self.limits),
            json!(self.maybe),
            json!(self.list),
            json!(self.detail.value),
            json!(self.r#type),
        ]
    }
}

fn ada() -> Context {
    Context::new("ada").unwrap()
}

fn start(data: &TestData) -> Client {
    let builder = Client::builder("sdk-key").data_source(data.clone());
    builder.without_events().start().unwrap()
}

fn defaults() -> Vec<serde_json::Value> {
    let declared = All::declared();
    declared.iter().map(|flag| json!(flag.default)).collect()
}

/// Values other than the defaults.
fn others() -> TestData {
    let values = [
        json!(false),
        json!(255),
        json!(65_535),
        json!(4_294_967_295_u32),
        json!(9_007_199_254_740_991_u64),
        json!(-128),
        json!(-1),
        json!(-9_007_199_254_740_991_i64),
        json!(1),
        json!(1.5),
        json!(1e300),
        json!("a string that is longer than what fits inline"),
        json!("a text"),
        json!({"a": [1, 2.5, null]}),
        json!({"b": {"c": "d"}}),
        json!("dark"),
        json!({"rps": 1}),
        json!({"rps": 2}),
        json!([3]),
        json!(9),
        json!(true),
    ];
    keys().into_iter().zip(values).collect()
}

fn keys() -> Vec<&'static str> {
    All::declared().iter().map(|flag| flag.key).collect()
}

#[test]
fn fields_of_all_types_have_the_values_of_their_flags() {
    let data = others();
    let client = start(&data);
    for flags in [
        All::evaluate(&client, &ada()),
        block_on(All::evaluate_async(&client, &ada())),
    ] {
        let expected = keys().into_iter();
        let expected = expected.map(|key| (key, client.json_variation(key, &ada(), Value::Null)));
        let values = flags.values().into_iter().map(Value::from);
        let values: Vec<_> = keys().into_iter().zip(values).collect();
        assert_eq!(values, expected.collect::<Vec<_>>());
        assert_eq!(flags.detail.reason.to_string(), "no target or rule matched");
    }
}

#[test]
fn unknown_flags_have_their_defaults() {
    let client = start(&TestData::new());
    for flags in [
        All::evaluate(&client, &ada()),
        block_on(All::evaluate_async(&client, &ada())),
    ] {
        let values = flags.values().into_iter().map(Value::from);
        let expected = defaults().into_iter().map(Value::from);
        assert_eq!(values.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
        assert_eq!(
            flags.detail.reason.error(),
            Some(EvalErrorKind::FlagNotFound)
        );
    }
}

#[test]
fn a_scope_evaluates_all_fields_with_the_data_of_its_moment() {
    let data = TestData::new()
        .with("new-checkout", true)
        .with("theme", "dark");
    let client = start(&data);
    let scope = client.scope(&ada());
    data.set("new-checkout", false).delete("theme");
    for flags in [
        Nested::evaluate_in(&scope),
        block_on(Nested::evaluate_in_async(&scope)),
    ] {
        assert_eq!((flags.new_checkout, flags.shop.theme), (true, Theme::Dark));
    }
    let now = Nested::evaluate(&client, &ada());
    assert_eq!((now.new_checkout, now.shop.theme), (false, Theme::Light));
}

#[test]
fn an_invalid_context_yields_the_defaults() {
    let client = start(&others());
    let flags = All::evaluate(&client, &Context::new(""));
    assert_eq!((flags.a_u8, flags.detail.value), (8, 7));
    assert_eq!(
        flags.detail.reason.error(),
        Some(EvalErrorKind::UserNotSpecified)
    );
}

#[derive(Debug, Flags)]
struct OneOfEach {
    #[flag(default = true)]
    boolean: Detail<bool>,
    #[flag(default = 8)]
    byte: Detail<u8>,
    #[flag(default = 0.5)]
    float: Detail<f64>,
    #[flag(default = "x")]
    string: Detail<String>,
    #[flag(default = Theme::Light)]
    theme: Detail<Theme>,
    #[flag(default = Limits { rps: 10 })]
    limits: Detail<Limits>,
}

#[test]
fn values_that_do_not_fit_yield_the_default_and_the_reason() {
    for (key, value) in [
        ("boolean", json!("true")),
        ("boolean", json!(1)),
        ("boolean", json!(null)),
        ("byte", json!("8")),
        ("byte", json!(300)),
        ("byte", json!(-1)),
        ("byte", json!(1.5)),
        ("byte", json!(1e300)),
        ("float", json!("0.5")),
        ("string", json!(1)),
        ("theme", json!("sepia")),
        ("theme", json!(1)),
        ("limits", json!({"rps": -1})),
        ("limits", json!({})),
        ("limits", json!([])),
    ] {
        let client = start(&TestData::new().with(key, value.clone()));
        let flags = OneOfEach::evaluate(&client, &ada());
        assert!(flags.boolean.value);
        assert_eq!((flags.byte.value, flags.float.value), (8, 0.5));
        assert_eq!(
            (&*flags.string.value, flags.theme.value),
            ("x", Theme::Light)
        );
        assert_eq!(flags.limits.value, Limits { rps: 10 });
        let reasons = [
            (
                "boolean",
                flags.boolean.reason,
                flags.boolean.variation_index,
            ),
            ("byte", flags.byte.reason, flags.byte.variation_index),
            ("float", flags.float.reason, flags.float.variation_index),
            ("string", flags.string.reason, flags.string.variation_index),
            ("theme", flags.theme.reason, flags.theme.variation_index),
            ("limits", flags.limits.reason, flags.limits.variation_index),
        ];
        for (name, reason, index) in reasons {
            let expected = match name == key {
                true => EvalErrorKind::WrongType,
                false => EvalErrorKind::FlagNotFound,
            };
            assert_eq!(
                (reason.error(), index),
                (Some(expected), None),
                "{key}: {value}"
            );
        }
    }
}

#[test]
fn a_detail_names_the_types_and_the_error_of_serde() {
    let client = start(
        &TestData::new()
            .with("byte", 300)
            .with("limits", json!({"rate": 1})),
    );
    let flags = OneOfEach::evaluate(&client, &ada());
    assert_eq!(
        flags.byte.type_mismatch().unwrap().to_string(),
        "expected u8, found a number: invalid value: integer `300`, expected u8"
    );
    let mismatch = flags.limits.type_mismatch().unwrap();
    assert!(mismatch.expected.ends_with("Limits"), "{mismatch}");
    assert!(
        mismatch.to_string().ends_with("missing field `rps`"),
        "{mismatch}"
    );
}

/// Collects what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

fn logged(act: impl FnOnce()) -> Vec<String> {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(log.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, act);
    let bytes = log.0.lock().unwrap().clone();
    String::from_utf8(bytes)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}

#[derive(Debug, Flags)]
struct Shop {
    #[flag(default = Theme::Light)]
    theme: Theme,
}

#[test]
fn a_value_that_does_not_fit_is_logged_once_for_each_version_and_without_the_value() {
    let data = TestData::new().with("theme", "sepia");
    let client = start(&data);
    for value in ["sepia", "fuchsia"] {
        data.set("theme", value);
        let lines = logged(|| {
            for _ in 0..100 {
                assert_eq!(Shop::evaluate(&client, &ada()).theme, Theme::Light);
                let shop = block_on(Shop::evaluate_async(&client, &ada()));
                assert_eq!(shop.theme, Theme::Light);
            }
        });
        let [line] = &lines[..] else {
            panic!("not one line: {lines:#?}")
        };
        for word in ["ERROR", "flag.key=\"theme\"", "Theme", "a string"] {
            assert!(line.contains(word), "{word} is missing in {line}");
        }
        assert!(!line.contains(value), "{line}");
    }
}

fn evaluations(events: &EventRecorder) -> Vec<RecordedEvaluation> {
    let events = events.take().into_iter();
    events
        .filter_map(|event| match event {
            RecordedEvent::Evaluation(evaluation) => Some(*evaluation),
            _ => None,
        })
        .collect()
}

#[derive(Debug, Flags)]
#[expect(dead_code, reason = "only the events count")]
struct Reported {
    #[flag(default = Theme::Light)]
    theme: Theme,
    #[flag(default = 3)]
    wrong: u8,
    #[flag(default = None)]
    unknown: Option<Limits>,
    #[flag(default = 4)]
    detail: Detail<u8>,
    #[flag(default = 1)]
    configured: u32,
}

#[test]
fn events_report_variations_and_defaults_as_for_single_calls() {
    let data = TestData::new()
        .with("theme", "dark")
        .with("wrong", 300)
        .with("detail", 5);
    let events = EventRecorder::new();
    let builder = Client::builder("sdk-key")
        .data_source(data)
        .events(events.clone());
    let client = builder.defaults([("configured", 2)]).start().unwrap();
    for is_async in [false, true] {
        match is_async {
            false => drop(Reported::evaluate(&client, &ada())),
            true => drop(block_on(Reported::evaluate_async(&client, &ada()))),
        }
        let evaluations = evaluations(&events);
        let seen = evaluations.iter().map(|evaluation| {
            let default = evaluation.default.clone().unwrap();
            let (key, variation) = (&*evaluation.key, evaluation.variation);
            (
                key,
                variation,
                evaluation.value.clone(),
                default,
                evaluation.with_reason,
            )
        });
        let expected = [
            ("theme", Some(0), json!("dark"), json!("light"), false),
            ("wrong", None, json!(3), json!(3), false),
            ("unknown", None, json!(null), json!(null), false),
            ("detail", Some(0), json!(5), json!(4), true),
            ("configured", None, json!(2), json!(2), false),
        ]
        .map(|(key, variation, value, default, with_reason)| {
            (
                key,
                variation,
                Value::from(value),
                Value::from(default),
                with_reason,
            )
        });
        assert_eq!(seen.collect::<Vec<_>>(), expected);
    }
}

#[test]
fn a_configured_default_takes_precedence_if_it_fits() {
    let start = |defaults: Vec<(&'static str, serde_json::Value)>| {
        let defaults = defaults
            .into_iter()
            .map(|(key, value)| (key, Value::from(value)));
        let builder = Client::builder("sdk-key").offline(true);
        builder.defaults(defaults).start().unwrap()
    };
    let client = start(vec![("theme", json!("dark"))]);
    assert_eq!(Shop::evaluate(&client, &ada()).theme, Theme::Dark);
    let client = start(vec![("theme", json!("sepia"))]);
    assert_eq!(Shop::evaluate(&client, &ada()).theme, Theme::Light);
}

#[test]
fn hooks_see_each_flag_with_its_default_and_value() {
    let data = TestData::new()
        .with("theme", "dark")
        .with("wrong", 300)
        .with("detail", 5);
    let hook = HookRecorder::new("recorder");
    let client = start(&data);
    client.add_hook(hook.clone());
    for is_async in [false, true] {
        match is_async {
            false => drop(Reported::evaluate(&client, &ada())),
            true => drop(block_on(Reported::evaluate_async(&client, &ada()))),
        }
        let stages = hook.take();
        let after = stages.iter().filter_map(|stage| match stage {
            RecordedStage::AfterEvaluation(series, detail) => Some((
                &*series.flag_key,
                series.default_value.clone(),
                detail.value.clone(),
                detail.reason.error(),
                series.method,
            )),
            _ => None,
        });
        let (plain, detail) = (
            EvaluationMethod::Variation,
            EvaluationMethod::VariationDetail,
        );
        let (wrong, unknown) = (
            Some(EvalErrorKind::WrongType),
            Some(EvalErrorKind::FlagNotFound),
        );
        let expected = [
            ("theme", json!("light"), json!("dark"), None, plain),
            ("wrong", json!(3), json!(3), wrong, plain),
            ("unknown", json!(null), json!(null), unknown, plain),
            ("detail", json!(4), json!(5), None, detail),
            ("configured", json!(1), json!(1), unknown, plain),
        ]
        .map(|(key, default, value, error, method)| {
            (key, Value::from(default), Value::from(value), error, method)
        });
        assert_eq!(after.collect::<Vec<_>>(), expected);
    }
}

#[derive(Debug, Flags)]
struct Nested {
    #[flag(default = false)]
    new_checkout: bool,
    #[flag(flatten)]
    shop: Shop,
}

#[test]
fn a_flattened_struct_has_its_own_keys() {
    let client = start(
        &TestData::new()
            .with("new-checkout", true)
            .with("theme", "dark"),
    );
    for flags in [
        Nested::evaluate(&client, &ada()),
        block_on(Nested::evaluate_async(&client, &ada())),
    ] {
        assert_eq!((flags.new_checkout, flags.shop.theme), (true, Theme::Dark));
    }
    let declared = Nested::declared();
    assert_eq!(
        declared.iter().map(|flag| flag.key).collect::<Vec<_>>(),
        ["new-checkout", "theme"]
    );
}

#[test]
fn declared_flags_have_keys_types_and_defaults() {
    let declared = All::declared();
    let find = |key| declared.iter().find(|flag| flag.key == key).unwrap();
    for (key, flag_type, default) in [
        ("boolean", FlagType::Boolean, json!(true)),
        ("a-u8", FlagType::Number, json!(8)),
        ("an-f32", FlagType::Number, json!(0.5)),
        ("string", FlagType::String, json!("string")),
        ("theme", FlagType::String, json!("light")),
        ("limits", FlagType::Json, json!({"rps": 10})),
        ("maybe", FlagType::Json, json!(null)),
        ("detail", FlagType::Number, json!(7)),
        ("renamed.key", FlagType::Boolean, json!(false)),
    ] {
        let flag = find(key);
        assert_eq!(
            (flag.flag_type, &flag.default),
            (flag_type, &Value::from(default)),
            "{key}"
        );
    }
    assert_eq!(
        Shop::declared().to_string(),
        "{\n  \"flags\": {\n    \"theme\": {\n      \"type\": \"string\",\n      \"default\": \"light\"\n    }\n  }\n}"
    );
}

#[derive(Debug, Flags)]
#[expect(dead_code, reason = "only the allocations count")]
struct Plain {
    #[flag(default = false)]
    boolean: bool,
    #[flag(default = 1)]
    a_u32: u32,
    #[flag(default = -1)]
    an_i64: i64,
    #[flag(default = 0.5)]
    an_f64: f64,
    #[flag(default = "")]
    string: Text,
    #[flag(default = Value::Null)]
    value: Value,
    #[flag(default = Theme::Light)]
    theme: Theme,
    #[flag(default = Some(Limits { rps: 1 }))]
    limits: Option<Limits>,
    #[flag(default = 7)]
    detail: Detail<u8>,
}

#[test]
fn an_evaluation_allocates_nothing_but_what_its_values_own() {
    let data = others();
    data.set("string", "a string that is longer than what fits inline");
    let client = start(&data);
    let ada = ada();
    let count = |act: &dyn Fn()| {
        act();
        allocation_counter::measure(act).count_total
    };
    assert_eq!(count(&|| drop(Plain::evaluate(&client, &ada))), 0);
    let scope = client.scope(&ada);
    assert_eq!(count(&|| drop(Plain::evaluate_in(&scope))), 0);
    // One `String`, the list, and the tree of `serde_json::Value`: three objects' worth of maps and
    // strings.
    let all = count(&|| drop(All::evaluate(&client, &ada)));
    assert!(all < 12, "{all} allocations");
}
