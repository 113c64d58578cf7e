//! Faulty hooks change nothing.

use std::iter;

use pollster::block_on;
use serde_json::json;
use vexil::eval::Detail;
use vexil::hooks::{
    EvaluationSeriesContext, Hook, HookError, HookMetadata, SeriesData, TrackSeriesContext,
};
use vexil::{Client, Value};
use vexil_testing::{EventRecorder, HookRecorder};

use crate::logged;
use crate::recording::Chronicle;
use crate::support::{Fixed, ada, serving};

/// The behaviour of a stage.
#[derive(Clone, Copy, Debug)]
enum Does {
    Fail,
    Panic,
}

/// Misbehaves in every stage.
#[derive(Debug)]
struct Bad(&'static str, Does);

impl Bad {
    fn stage<T>(&self) -> Result<T, HookError> {
        match self.1 {
            Does::Fail => Err("the hook has slipped".into()),
            Does::Panic => panic!("this hook always panics"),
        }
    }
}

impl Hook for Bad {
    fn metadata(&self) -> HookMetadata {
        HookMetadata::new(self.0)
    }

    fn before_evaluation(
        &self,
        _: &EvaluationSeriesContext<'_>,
        _: SeriesData,
    ) -> Result<SeriesData, HookError> {
        self.stage()
    }

    fn after_evaluation(
        &self,
        _: &EvaluationSeriesContext<'_>,
        _: SeriesData,
        _: &Detail<Value>,
    ) -> Result<SeriesData, HookError> {
        self.stage()
    }

    fn after_track(&self, _: &TrackSeriesContext<'_>) -> Result<(), HookError> {
        self.stage()
    }
}

// EVT-6.2, rule 6
#[test]
fn a_hook_that_fails_in_every_stage_is_logged_once_per_stage_and_changes_nothing() {
    let data = json!({"flags": {"flag": serving(1, "value")}});
    for (name, does, words) in [
        ("clumsy", Does::Fail, "slipped"),
        ("nervous", Does::Panic, "panicked"),
    ] {
        let (good, events) = (HookRecorder::new("good"), EventRecorder::new());
        let builder = Client::builder("sdk-key")
            .data_source(Fixed::new(&data))
            .events(events.clone());
        let client = builder
            .hook(Bad(name, does))
            .hook(good.clone())
            .hook(Bad("other", does))
            .start()
            .unwrap();
        let (lines, ()) = logged(|| {
            for _ in 0..100 {
                assert_eq!(client.str_variation("flag", &ada(), ""), "value");
                assert_eq!(
                    client
                        .str_variation_detail("flag", &ada(), "")
                        .variation_index,
                    Some(0)
                );
                assert_eq!(
                    block_on(client.variation_async("flag", &ada(), "")),
                    "value"
                );
                assert_eq!(client.json_as("flag", &ada(), String::new()), "value");
                client.track("bought", &ada());
            }
        });
        assert_eq!(
            good.take().len(),
            100 * (4 * 2 + 1),
            "other hooks are not affected"
        );
        assert_eq!(events.take().len(), 100 * 5, "events are not affected");
        assert_eq!(lines.len(), 6, "{lines:#?}");
        for hook in [name, "other"] {
            for (stage, key) in [
                ("beforeEvaluation", "flag"),
                ("afterEvaluation", "flag"),
                ("afterTrack", "bought"),
            ] {
                let logged_failure = |line: &&String| {
                    [hook, stage, key, words, " ERROR vexil::hooks"]
                        .iter()
                        .all(|word| line.contains(word))
                };
                assert_eq!(
                    lines.iter().filter(logged_failure).count(),
                    1,
                    "{hook} {stage} in {lines:#?}"
                );
            }
        }
    }
}

/// Fails before every second evaluation.
#[derive(Debug)]
struct Moody(Chronicle);

impl Hook for Moody {
    fn metadata(&self) -> HookMetadata {
        HookMetadata::new("moody")
    }

    fn before_evaluation(
        &self,
        series: &EvaluationSeriesContext<'_>,
        data: SeriesData,
    ) -> Result<SeriesData, HookError> {
        let data = data.with("note", 1);
        if series.flag_key == "bad" {
            Err("not now".into())
        } else {
            Ok(data)
        }
    }

    fn after_evaluation(
        &self,
        series: &EvaluationSeriesContext<'_>,
        data: SeriesData,
        _: &Detail<Value>,
    ) -> Result<SeriesData, HookError> {
        self.0
            .write(format!("{} {}", series.flag_key, data.names().count()));
        Ok(data)
    }
}

// EVT-6.2, rule 7
#[test]
fn after_a_failed_stage_the_next_one_runs_without_data() {
    let chronicle = Chronicle::default();
    let client = Client::builder("sdk-key")
        .offline(true)
        .hook(Moody(chronicle.clone()))
        .start()
        .unwrap();
    for key in ["good", "bad", "good"] {
        let _ = client.bool_variation(key, &ada(), false);
    }
    assert_eq!(chronicle.take(), ["good 1", "bad 0", "good 1"]);
}

/// Panics even in `metadata`.
#[derive(Debug)]
struct Nameless;

impl Hook for Nameless {
    fn metadata(&self) -> HookMetadata {
        panic!("this hook has no name")
    }

    fn after_track(&self, _: &TrackSeriesContext<'_>) -> Result<(), HookError> {
        Err("always fails".into())
    }
}

// EVT-6.2, rule 14
#[test]
fn a_hook_whose_metadata_panics_gets_a_name_for_the_log() {
    let (lines, ()) = logged(|| {
        let client = Client::builder("sdk-key")
            .offline(true)
            .hook(Nameless)
            .start()
            .unwrap();
        client.add_hook(Nameless);
        client.track("bought", &ada());
    });
    let asked = lines
        .iter()
        .filter(|line| line.contains("asked for its name"))
        .count();
    let failed = lines
        .iter()
        .filter(|line| line.contains("unnamed hook"))
        .count();
    assert_eq!((asked, failed), (2, 2), "{lines:#?}");
}

/// An error whose `Display` panics.
#[derive(Debug)]
struct PanickingDisplay;

#[derive(Debug)]
struct PanickingDisplayError;

impl std::fmt::Display for PanickingDisplayError {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("this error cannot be shown")
    }
}

impl std::error::Error for PanickingDisplayError {}

impl Hook for PanickingDisplay {
    fn metadata(&self) -> HookMetadata {
        HookMetadata::new("unspeakable")
    }

    fn before_evaluation(
        &self,
        _: &EvaluationSeriesContext<'_>,
        _: SeriesData,
    ) -> Result<SeriesData, HookError> {
        Err(PanickingDisplayError.into())
    }
}

#[test]
fn an_error_whose_display_panics_is_contained() {
    let client = Client::builder("sdk-key")
        .offline(true)
        .hook(PanickingDisplay)
        .start()
        .unwrap();
    let (lines, ()) = logged(|| {
        iter::repeat_n((), 3).for_each(|()| assert!(client.bool_variation("flag", &ada(), true)))
    });
    assert_eq!(
        lines
            .iter()
            .filter(|line| line.contains("unspeakable"))
            .count(),
        1,
        "{lines:#?}"
    );
}
