//! Evaluations by result, and failures of hooks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;

use metrics::set_default_local_recorder;
use serde_json::json;
use vexil::client::FlagsStateOptions;
use vexil::eval::Detail;
use vexil::explain::ExplainOptions;
use vexil::flags::Field;
use vexil::hooks::{
    EvaluationSeriesContext, Hook, HookError, HookMetadata, SeriesData, TrackSeriesContext,
};
use vexil::migration::Stage;
use vexil::store::MemoryStore;
use vexil::{Client, Context, Value};
use vexil_testing::{EventRecorder, HookRecorder, MemoryPersistentStore, StoreFault};

use super::recorder::Board;
use super::support::{Fixed, Panicking, PanicsIn, SOON, Silent, ada};
use super::{builder, until};

const EVALUATIONS: &str = "vexil_evaluations_total";

fn flags() -> Fixed {
    Fixed::new(&json!({"flags": {
        "theme": {"offVariation": 0, "variations": ["dark"]},
        "limit": {"offVariation": 0, "variations": [20]},
        "stage": {"offVariation": 0, "variations": ["shadow"]},
        "off": {"variations": ["dark"]},
        "malformed": {"offVariation": 7, "variations": ["dark"]},
        "dependent": {
            "on": true, "prerequisites": [{"key": "theme", "variation": 0}],
            "offVariation": 0, "variations": ["dark"],
        },
    }}))
}

/// Closes the client, after which all evaluations are published, and returns those of each outcome.
async fn counted(client: &Client, board: &Board) -> BTreeMap<String, f64> {
    assert!(client.close(SOON).await);
    board.nonzero(EVALUATIONS)
}

/// One outcome.
fn outcome(result: &str, error: &str, count: f64) -> BTreeMap<String, f64> {
    BTreeMap::from([(format!("result=\"{result}\",error=\"{error}\""), count)])
}

#[tokio::test(start_paused = true)]
async fn evaluations_that_return_the_value_are_counted_once_by_every_method() {
    for with_hook in [false, true] {
        for with_events in [false, true] {
            let board = Board::default();
            let _recording = set_default_local_recorder(&board);
            let mut builder = builder().data_source(flags());
            if with_hook {
                builder = builder.hook(HookRecorder::new("recorder"));
            }
            if with_events {
                builder = builder.events(EventRecorder::new());
            }
            let client = builder.start().unwrap();
            let (ada, scope) = (ada(), client.scope(&ada()));
            let _ = client.str_variation("theme", &ada, "");
            let _ = client.str_variation("theme", &scope, "");
            let _ = client.str_variation_detail("theme", &ada, "");
            client.variation_async("theme", &ada, "").await;
            client.variation_detail_async("theme", &ada, "").await;
            let _ = scope.str_variation("theme", "");
            scope.json_as("limit", 5_u8);
            client.json_as_detail("limit", &ada, 5_u8);
            client.json_as_async("limit", &ada, 5_u8).await;
            let _ = client.migration_variation("stage", &ada, Stage::Off);
            client
                .migration_variation_async("stage", &ada, Stage::Off)
                .await;
            let field = Field::new("theme", String::new);
            field.value(&client, &ada);
            field.detail(&client, &scope);
            // A prerequisite is not an evaluation of the application.
            let _ = client.str_variation("dependent", &ada, "");
            // Nor are those that record no events.
            let _ = client.all_flags_state(&ada, FlagsStateOptions::default());
            let _ = client.explain("theme", &ada, &ExplainOptions::default());
            let counted = counted(&client, &board).await;
            assert_eq!(counted, outcome("value", "none", 14.0));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn evaluations_that_return_the_default_are_counted_by_error() {
    let invalid = Context::new("");
    let cases: [(&str, &str); 5] = [
        ("off", "none"),
        ("unknown", "FLAG_NOT_FOUND"),
        ("invalid", "USER_NOT_SPECIFIED"),
        ("malformed", "MALFORMED_FLAG"),
        ("limit", "WRONG_TYPE"),
    ];
    for (key, error) in cases {
        for with_events in [false, true] {
            let board = Board::default();
            let _recording = set_default_local_recorder(&board);
            let mut builder = builder().data_source(flags());
            if with_events {
                builder = builder.events(EventRecorder::new());
            }
            let client = builder.start().unwrap();
            let context = if key == "invalid" {
                invalid.clone()
            } else {
                Ok(ada())
            };
            let _ = client.str_variation(key, &context, "");
            let _ = client.str_variation_detail(key, &context, "");
            client.variation_async(key, &context, "").await;
            client.json_as(key, &context, String::new());
            let _ = client.migration_variation(key, &context, Stage::Off);
            Field::new(key, String::new).value(&client, &context);
            let counted = counted(&client, &board).await;
            assert_eq!(counted, outcome("default", error, 6.0), "{key}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn evaluations_of_a_client_without_data_are_counted() {
    let panicking = || Arc::new(Panicking(PanicsIn::Read, MemoryStore::new()));
    let failing = MemoryPersistentStore::new();
    failing.calls().fault_all(StoreFault::Fail);
    let clients = [
        (builder().offline(true), "CLIENT_NOT_READY"),
        (builder().data_source(Silent), "CLIENT_NOT_READY"),
        (builder().daemon_mode(failing), "EXCEPTION"),
        (
            builder().data_source(flags()).data_store(panicking()),
            "EXCEPTION",
        ),
    ];
    for (builder, error) in clients {
        let board = Board::default();
        let _recording = set_default_local_recorder(&board);
        let client = builder.start().unwrap();
        let _ = client.str_variation("theme", &ada(), "");
        let counted = counted(&client, &board).await;
        assert_eq!(counted, outcome("default", error, 1.0));
    }
}

#[tokio::test(start_paused = true)]
async fn evaluations_of_all_threads_are_published_while_the_client_runs() {
    let board = Board::default();
    let _recording = set_default_local_recorder(&board);
    let client = builder().data_source(flags()).start().unwrap();
    let value = format!("{EVALUATIONS}{{result=\"value\",error=\"none\"}}");
    // The names exist before the first evaluation, so that a rate can be computed.
    until(&board, &value, 0.0).await;
    for round in [1.0, 2.0] {
        let evaluate = || {
            for _ in 0..1_000 {
                let _ = client.str_variation("theme", &ada(), "");
            }
        };
        thread::scope(|scope| (0..40).for_each(|_| drop(scope.spawn(evaluate))));
        until(&board, &value, round * 40_000.0).await;
    }
}

/// Fails before an evaluation, and panics after one and after `track`.
#[derive(Debug)]
pub(crate) struct Bad;

impl Hook for Bad {
    fn metadata(&self) -> HookMetadata {
        HookMetadata::new("bad")
    }

    fn before_evaluation(
        &self,
        _: &EvaluationSeriesContext<'_>,
        _: SeriesData,
    ) -> Result<SeriesData, HookError> {
        Err("on purpose".into())
    }

    fn after_evaluation(
        &self,
        _: &EvaluationSeriesContext<'_>,
        _: SeriesData,
        _: &Detail<Value>,
    ) -> Result<SeriesData, HookError> {
        panic!("this hook always panics");
    }

    fn after_track(&self, _: &TrackSeriesContext<'_>) -> Result<(), HookError> {
        panic!("this hook always panics");
    }
}

#[tokio::test(start_paused = true)]
async fn failures_and_panics_of_hooks_are_counted_by_hook_and_stage() {
    let board = Board::default();
    let _recording = set_default_local_recorder(&board);
    let builder = builder().data_source(flags());
    let client = builder.hook(HookRecorder::new("good")).start().unwrap();
    client.add_hook(Bad);
    for _ in 0..3 {
        let _ = client.str_variation("theme", &ada(), "");
    }
    client.track("signed-up", &ada());
    let failures = |stage: &str| format!("hook=\"bad\",stage=\"{stage}\"");
    let of = |stage: &str| format!("vexil_hook_failures_total{{{}}}", failures(stage));
    until(&board, &of("beforeEvaluation"), 3.0).await;
    // What fails until the client is closed is published too.
    let _ = client.str_variation("theme", &ada(), "");
    assert!(client.close(SOON).await);
    let expected = [
        ("beforeEvaluation", 4.0),
        ("afterEvaluation", 4.0),
        ("afterTrack", 1.0),
    ];
    assert_eq!(
        board.nonzero("vexil_hook_failures_total"),
        expected
            .map(|(stage, count)| (failures(stage), count))
            .into()
    );
}
