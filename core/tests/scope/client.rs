//! What a scope has from its client: events, hooks, migrations, and the states of the client.

use std::thread;

use pollster::block_on;
use serde_json::json;
use vexil::client::{AsContext, FlagsStateOptions};
use vexil::config::PersistentStoreConfig;
use vexil::explain::ExplainOptions;
use vexil::migration::{ExecutionOrder, Migrator, Origin, Stage};
use vexil::{Client, Context, Scope};
use vexil_testing::{
    EventRecorder, HookRecorder, MemoryPersistentStore, RecordedEvent, RecordedStage, StoreFault,
    TestData,
};

use crate::support::{SOON, ada, controlled_with, error, serving, with};

fn reason(scope: &Scope, key: &str) -> serde_json::Value {
    let detail = scope.bool_variation_detail(key, true);
    assert!(detail.value);
    serde_json::to_value(&detail.reason).unwrap()
}

#[test]
fn a_scope_can_be_sent_to_threads_and_tasks_and_shared_by_them() {
    fn is_portable<T: Send + Sync + Clone + 'static>(_: &T) {}
    let client = Client::builder("sdk-key")
        .data_source(TestData::new().with("limit", 20))
        .without_events()
        .start()
        .unwrap();
    let scope = client.scope(&ada());
    is_portable(&scope);
    drop(client);
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let scope = scope.clone();
            thread::spawn(move || scope.int_variation("limit", 0))
        })
        .collect();
    assert!(
        threads
            .into_iter()
            .all(|thread| thread.join().unwrap() == 20)
    );
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let evaluating = runtime.spawn(async move { scope.variation_async("limit", 0).await });
    assert_eq!(runtime.block_on(evaluating).unwrap(), 20);
}

#[test]
fn a_scope_reports_the_same_events_as_its_client() {
    let events = EventRecorder::new();
    let builder = Client::builder("sdk-key").events(events.clone());
    let (client, source) = controlled_with(builder);
    let needs = json!({"prerequisites": [{"key": "base", "variation": 0}]});
    source.init(&json!({"flags": {
        "top": with(serving(2, "met"), &needs), "base": serving(1, "base"),
    }}));
    let scope = client.scope(&ada());
    source.init(&json!({"flags": {}}));
    drop(scope.str_variation("top", "default"));
    drop(scope.str_variation_detail("top", "default"));
    assert_eq!(scope.int_variation("top", 7), 7);
    drop(block_on(scope.variation_async("no-such-flag", "default")));
    let pinned = events.take();
    let evaluations = |events: &[RecordedEvent]| {
        let evaluation = |event: &RecordedEvent| match event {
            RecordedEvent::Evaluation(event) => (event.key.to_string(), event.version),
            other => panic!("{other:?}"),
        };
        events.iter().map(evaluation).collect::<Vec<_>>()
    };
    let both = || [("base".to_owned(), Some(1)), ("top".to_owned(), Some(2))];
    let expected: Vec<_> = both()
        .into_iter()
        .chain(both())
        .chain(both())
        .chain([("no-such-flag".to_owned(), None)])
        .collect();
    assert_eq!(evaluations(&pinned), expected);

    // The same calls without a scope, with the same data, report the same.
    source.init(&json!({"flags": {
        "top": with(serving(2, "met"), &needs), "base": serving(1, "base"),
    }}));
    drop(client.str_variation("top", &ada(), "default"));
    drop(client.str_variation_detail("top", &ada(), "default"));
    assert_eq!(client.int_variation("top", &ada(), 7), 7);
    drop(block_on(client.variation_async(
        "no-such-flag",
        &ada(),
        "default",
    )));
    assert_eq!(events.take(), pinned);

    drop(scope.all_flags_state(FlagsStateOptions::default()));
    drop(scope.explain("top", &ExplainOptions::default()));
    assert_eq!(events.take(), []);
    client.track("bought", &scope);
    client.identify(&scope);
    let contexts: Vec<_> = events
        .take()
        .iter()
        .map(|event| event.context().clone())
        .collect();
    assert_eq!(contexts, [ada(), ada()]);
}

#[test]
fn through_a_scope_without_events_nothing_is_reported() {
    let (events, hook) = (EventRecorder::new(), HookRecorder::new("recorder"));
    let client = Client::builder("sdk-key")
        .data_source(TestData::new().with("stage", "live").with("flag", true))
        .events(events.clone())
        .hook(hook.clone())
        .start()
        .unwrap();
    let reporting = client.scope(&ada());
    let scope = reporting.without_events();
    let origin = |(): &()| Ok::<_, std::io::Error>(1);
    let migrator = Migrator::builder(&client)
        .read(origin, origin)
        .write(origin, origin)
        .build()
        .unwrap();
    // A scope that is made from it, and its clones, do not report either.
    for scope in [scope.clone(), client.scope(&scope)] {
        assert!(scope.bool_variation("flag", false));
        assert!(scope.bool_variation_detail("flag", false).value);
        assert!(block_on(scope.variation_async("flag", false)));
        assert!(scope.json_as("flag", false));
        assert!(!scope.bool_variation("no-such-flag", false));
        assert!(client.bool_variation("flag", &scope, false));
        assert_eq!(hook.take().len(), 12, "evaluations");
        client.identify(&scope);
        client.track("bought", &scope);
        client.track_metric("bought", &scope, 1.0, 2);
        assert_eq!(hook.take().len(), 0);
        let result = migrator.read("stage", &scope, Stage::Off, &());
        assert_eq!(result.origin, Origin::New);
        assert_eq!(hook.take().len(), 2, "an evaluation");
    }
    assert_eq!(events.take(), []);

    assert!(reporting.bool_variation("flag", false));
    let read = migrator.read("stage", &reporting, Stage::Off, &());
    assert_eq!(read.origin, Origin::New);
    client.track("bought", &reporting);
    assert_eq!(events.take().len(), 4);
}

#[test]
fn hooks_run_for_each_evaluation_of_a_scope_with_its_context() {
    let client = Client::builder("sdk-key")
        .data_source(TestData::new().with("flag", true))
        .without_events()
        .start()
        .unwrap();
    let scope = client.scope(&ada());
    let hook = HookRecorder::new("recorder");
    // A hook that is added later runs too: hooks are not pinned.
    client.add_hook(hook.clone());
    assert!(scope.bool_variation("flag", false));
    assert!(block_on(scope.variation_detail_async("flag", false)).value);
    assert!(scope.json_as("flag", false));
    drop(scope.migration_variation("flag", Stage::Off));
    let stages = hook.take();
    assert_eq!(stages.len(), 8);
    for stage in stages {
        let (RecordedStage::BeforeEvaluation(series) | RecordedStage::AfterEvaluation(series, _)) =
            stage
        else {
            panic!("{stage:?}")
        };
        assert_eq!(
            (series.flag_key.as_str(), series.context),
            ("flag", Some(ada()))
        );
    }
}

#[test]
fn an_invalid_context_makes_a_scope_that_returns_defaults() {
    let client = Client::builder("sdk-key")
        .data_source(TestData::new().with("flag", true))
        .without_events()
        .start()
        .unwrap();
    for invalid in [Context::new(""), "{".parse()] {
        let scope = client.scope(&invalid);
        assert_eq!(reason(&scope, "flag"), error("USER_NOT_SPECIFIED"));
        assert!(
            !scope
                .all_flags_state(FlagsStateOptions::default())
                .is_valid()
        );
        let (kept, own) = (scope.context().unwrap_err(), invalid.unwrap_err());
        assert_eq!(kept.to_string(), own.to_string());
        assert!(scope.as_context().is_err());
    }
}

#[test]
fn a_scope_that_is_older_than_the_data_returns_defaults_to_its_end() {
    let (client, source) = controlled_with(Client::builder("sdk-key"));
    let early = client.scope(&ada());
    assert_eq!(reason(&early, "flag"), error("CLIENT_NOT_READY"));
    source.init(&json!({"flags": {"flag": serving(1, false)}}));
    assert_eq!(reason(&early, "flag"), error("CLIENT_NOT_READY"));
    assert!(
        !early
            .all_flags_state(FlagsStateOptions::default())
            .is_valid()
    );
    let explained = early.explain("flag", &ExplainOptions::default());
    assert_eq!(explained.value, None);
    assert!(!client.scope(&ada()).bool_variation("flag", true));
}

#[test]
fn a_scope_of_an_offline_client_returns_defaults() {
    let client = Client::builder("sdk-key").offline(true).start().unwrap();
    assert_eq!(
        reason(&client.scope(&ada()), "flag"),
        error("CLIENT_NOT_READY")
    );
}

#[test]
fn in_daemon_mode_a_scope_that_is_older_than_the_data_has_its_own_reason() {
    let database = MemoryPersistentStore::new();
    database.calls().fault_all(StoreFault::Fail);
    let client = Client::builder("sdk-key")
        .daemon_mode(PersistentStoreConfig::new(database))
        .without_events()
        .start()
        .unwrap();
    assert_eq!(reason(&client.scope(&ada()), "flag"), error("EXCEPTION"));
}

#[test]
fn a_scope_evaluates_after_its_client_was_closed() {
    let flags = TestData::new().with("flag", "old");
    let client = Client::builder("sdk-key")
        .data_source(flags.clone())
        .without_events()
        .start()
        .unwrap();
    let scope = client.scope(&ada());
    flags.set("flag", "new");
    assert!(client.blocking_close(SOON));
    assert_eq!(scope.str_variation("flag", ""), "old");
    assert_eq!(client.scope(&ada()).str_variation("flag", ""), "new");
}

#[test]
fn a_migrator_uses_the_stage_of_a_scope() {
    let flags = TestData::new().with("move", "off");
    let client = Client::builder("sdk-key")
        .data_source(flags.clone())
        .without_events()
        .start()
        .unwrap();
    let migrator = Migrator::builder(&client)
        .read(|(): &()| Ok::<_, String>(()), |(): &()| Ok::<_, String>(()))
        .write(|(): &()| Ok::<_, String>(()), |(): &()| Ok::<_, String>(()))
        .read_execution_order(ExecutionOrder::Serial)
        .build()
        .unwrap();
    let scope = client.scope(&ada());
    flags.set("move", "complete");
    let read = migrator.read("move", &scope, Stage::Live, &());
    assert_eq!(read.origin, Origin::Old);
    let read = migrator.read("move", &ada(), Stage::Live, &());
    assert_eq!(read.origin, Origin::New);
    assert_eq!(scope.migration_variation("move", Stage::Live).0, Stage::Off);
    let (stage, _) = block_on(scope.migration_variation_async("move", Stage::Live));
    assert_eq!(stage, Stage::Off);
}

#[test]
fn another_client_has_only_the_context_of_a_scope() {
    let client = |value: &str| {
        let data = TestData::new().with("flag", value);
        let builder = Client::builder("sdk-key").data_source(data);
        builder.without_events().start().unwrap()
    };
    let (one, other) = (client("one"), client("other"));
    let scope = one.scope(&ada());
    assert_eq!(other.str_variation("flag", &scope, ""), "other");
    assert_eq!(one.str_variation("flag", &scope, ""), "one");
    assert_eq!(other.scope(&scope).context().unwrap(), &ada());
}

#[test]
fn the_debug_output_of_a_scope_has_no_attributes() {
    let client = Client::builder("sdk-key").offline(true).start().unwrap();
    let context = Context::builder("ada")
        .set("email", "ada@example.com")
        .build();
    let debug = format!("{:?}", client.scope(&context));
    assert!(
        debug.starts_with("Scope") && !debug.contains("example.com"),
        "{debug}"
    );
}
