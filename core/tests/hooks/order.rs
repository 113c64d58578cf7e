//! The order of hooks, and the data they carry between stages.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::json;
use vexil::client::FlagsStateOptions;
use vexil::{Client, Value};
use vexil_testing::{HookRecorder, RecordedStage};

use crate::recording::Chronicle;
use crate::support::{Fixed, ada, serving, with};

fn data() -> serde_json::Value {
    json!({"flags": {"flag": serving(1, true), "other": serving(1, 5),
        "dependent": with(serving(1, true), &json!({"prerequisites": [{"key": "flag", "variation": 0}]}))}})
}

// EVT-6.2, rules 1, 2, 3 and 5
#[test]
fn before_stages_run_in_order_after_stages_in_reverse_and_track_stages_in_order() {
    let chronicle = Chronicle::default();
    let builder = Client::builder("sdk-key").data_source(Fixed::new(&data()));
    let client = builder
        .hook(chronicle.hook("a"))
        .hook(chronicle.hook("b"))
        .hook(chronicle.hook("c"))
        .start()
        .unwrap();
    assert!(client.bool_variation("flag", &ada(), false));
    assert_eq!(
        chronicle.take(),
        [
            "before a",
            "before b",
            "before c",
            "after c c-saw-flag",
            "after b b-saw-flag",
            "after a a-saw-flag"
        ],
        "each hook gets its own data back"
    );
    client.track("bought", &ada());
    assert_eq!(chronicle.take(), ["track a", "track b", "track c"]);
    assert_eq!(client.int_variation("other", &ada(), 0), 5);
    assert_eq!(
        chronicle.take()[..3],
        ["before a", "before b", "before c"],
        "no data is kept from the earlier series"
    );
}

// EVT-6.2, rules 4 and 8
#[test]
fn an_added_hook_runs_after_the_others_from_the_next_series_on() {
    let chronicle = Chronicle::default();
    let client = Client::builder("sdk-key")
        .data_source(Fixed::new(&data()))
        .start()
        .unwrap();
    let _ = client.bool_variation("flag", &ada(), false);
    client.add_hook(chronicle.hook("first"));
    client.clone().add_hook(chronicle.hook("second"));
    let _ = client.bool_variation("flag", &ada(), false);
    let expected = [
        "before first",
        "before second",
        "after second second-saw-flag",
        "after first first-saw-flag",
    ];
    assert_eq!(chronicle.take(), expected);
}

/// Adds another hook to the client from inside a stage.
#[derive(Debug)]
struct Recruiting(Client, HookRecorder);

impl vexil::hooks::Hook for Recruiting {
    fn metadata(&self) -> vexil::hooks::HookMetadata {
        vexil::hooks::HookMetadata::new("recruiting")
    }

    fn before_evaluation(
        &self,
        _: &vexil::hooks::EvaluationSeriesContext<'_>,
        data: vexil::hooks::SeriesData,
    ) -> Result<vexil::hooks::SeriesData, vexil::hooks::HookError> {
        self.0.add_hook(self.1.clone());
        Ok(data)
    }
}

// EVT-6.2, rule 8
#[test]
fn a_series_keeps_the_hooks_that_it_started_with() {
    let client = Client::builder("sdk-key")
        .data_source(Fixed::new(&data()))
        .start()
        .unwrap();
    let recruit = HookRecorder::new("recruit");
    client.add_hook(Recruiting(client.clone(), recruit.clone()));
    let _ = client.bool_variation("flag", &ada(), false);
    assert_eq!(
        recruit.take(),
        [],
        "the hook was added during the evaluation"
    );
    let _ = client.bool_variation("flag", &ada(), false);
    assert_eq!(recruit.take().len(), 2);
    pollster::block_on(client.close(crate::support::SOON));
}

// EVT-6.2, rule 8
#[test]
fn hooks_can_be_added_while_other_threads_evaluate() {
    const HOOKS: usize = 200;
    let client = Client::builder("sdk-key")
        .data_source(Fixed::new(&data()))
        .start()
        .unwrap();
    let hooks: Vec<_> = (0..HOOKS)
        .map(|n| HookRecorder::new(format!("hook-{n}")))
        .collect();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    assert!(client.bool_variation("flag", &ada(), false));
                }
            });
        }
        let halves = hooks.split_at(HOOKS / 2);
        let adding = [halves.0, halves.1].map(|hooks| {
            scope.spawn(|| hooks.iter().for_each(|hook| client.add_hook(hook.clone())))
        });
        adding.into_iter().for_each(|adding| adding.join().unwrap());
        done.store(true, Ordering::Relaxed);
    });
    for hook in &hooks {
        let _ = hook.take();
    }
    assert!(client.bool_variation("flag", &ada(), false));
    assert!(
        hooks.iter().all(|hook| hook.take().len() == 2),
        "no added hook is lost"
    );
}

// EVT-6.2, rule 11
#[test]
fn one_call_is_one_series_and_all_flags_state_is_not_a_series() {
    let hook = HookRecorder::new("recorder");
    let client = Client::builder("sdk-key")
        .data_source(Fixed::new(&data()))
        .hook(hook.clone())
        .start()
        .unwrap();
    assert!(client.bool_variation("dependent", &ada(), false));
    let [
        RecordedStage::BeforeEvaluation(before),
        RecordedStage::AfterEvaluation(after, detail),
    ] = &hook.take()[..]
    else {
        panic!("prerequisites have no separate series")
    };
    assert_eq!((before.flag_key.as_str(), before), ("dependent", after));
    assert_eq!(detail.value, Value::from(true));

    assert!(
        client
            .all_flags_state(&ada(), FlagsStateOptions::default())
            .is_valid()
    );
    let listener = client
        .flag_tracker()
        .add_flag_value_change_listener("flag", &ada(), |_| {});
    client.flag_tracker().remove_listener(listener);
    client.identify(&ada());
    assert_eq!(hook.take(), []);
}
