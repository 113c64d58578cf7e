//! The test vectors of FDV2-14 for a data system. Time is paused.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{sleep, timeout};
use vexil_eval::model::{ChangeSetKind, DataSet, Item, Selector, Upserted};

use super::*;
use crate::data_source::NotStoredError;

/// What a source does, one step after the other. After the last one it is silent.
#[derive(Clone, Debug)]
enum Step {
    /// Delivers all data, and the state that it has.
    All(&'static str),
    /// Delivers a difference.
    Delta(&'static str),
    /// Reports that the data is current.
    Current,
    /// Reports that data has begun to arrive.
    Receives,
    /// Reports an error that it retries.
    Error,
    /// Reports that it is refused, and ends.
    Refused,
    /// Ends without an error.
    Ends,
    /// Ends with an error that it has not reported.
    Fails,
    Panics,
    /// Waits for so many seconds.
    Waits(u64),
    /// Reports an order to use the classic protocol for so many seconds, and ends with the next
    /// step.
    Order(Option<u64>),
}

use Step::*;

/// What happened, with the second at which it did.
#[derive(Debug, Default)]
struct Recorder {
    began: Mutex<Option<Instant>>,
    events: Mutex<Vec<(u64, String)>>,
    selector: Mutex<Option<Selector>>,
    /// Whether a change set made the client ready.
    is_ready: Mutex<bool>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Recorder {
    fn record(&self, event: String) {
        let began = *lock(&self.began).get_or_insert_with(Instant::now);
        lock(&self.events).push((began.elapsed().as_secs(), event));
    }

    /// The activations of sources.
    fn starts(&self) -> Vec<(u64, String)> {
        let events = lock(&self.events);
        let starts = events.iter().filter_map(|(second, event)| {
            Some((*second, event.strip_prefix("start ")?.to_owned()))
        });
        starts.collect()
    }

    fn statuses(&self) -> Vec<String> {
        let events = lock(&self.events);
        let statuses = events
            .iter()
            .filter_map(|(_, event)| event.strip_prefix("status "));
        statuses.map(ToOwned::to_owned).collect()
    }
}

#[async_trait]
impl DataSink for Recorder {
    async fn init(&self, data: DataSet) -> Result<(), NotStoredError> {
        self.apply(ChangeSet::full(data)).await
    }

    async fn upsert(&self, _: Item) -> Result<Upserted, NotStoredError> {
        Ok(Upserted::Written)
    }

    async fn apply(&self, changes: ChangeSet) -> Result<(), NotStoredError> {
        let kind = match (&changes.kind, changes.is_provisional) {
            (ChangeSetKind::Full(_), false) => "full",
            (ChangeSetKind::Full(_), true) => "provisional",
            (ChangeSetKind::Delta(_), _) => "delta",
        };
        lock(&self.selector).clone_from(&changes.selector);
        *lock(&self.is_ready) |= !changes.is_provisional;
        let state = changes.selector.as_ref().map_or("-", Selector::as_str);
        self.record(format!("{kind} {state}"));
        Ok(())
    }

    fn selector(&self) -> Option<Selector> {
        lock(&self.selector).clone()
    }

    fn update_status(&self, state: DataSourceState, error: Option<DataSourceErrorInfo>) {
        *lock(&self.is_ready) |= state == DataSourceState::Valid;
        let error = error.map_or_else(String::new, |error| format!(" {:?}", error.kind));
        self.record(format!("status {state:?}{error}"));
    }
}

/// A member whose nth activation follows the nth script; the last one repeats.
#[derive(Debug)]
struct Scripted {
    name: &'static str,
    scripts: Vec<Vec<Step>>,
    activations: Mutex<usize>,
    recorder: Arc<Recorder>,
}

#[derive(Debug)]
struct Source {
    name: &'static str,
    steps: Vec<Step>,
    recorder: Arc<Recorder>,
}

impl Member for Scripted {
    fn source(&self) -> Result<Arc<dyn DataSource>, DataSourceError> {
        let mut activations = lock(&self.activations);
        let index = (*activations).min(self.scripts.len() - 1);
        *activations += 1;
        Ok(Arc::new(Source {
            name: self.name,
            steps: self.scripts[index].clone(),
            recorder: Arc::clone(&self.recorder),
        }))
    }
}

fn error() -> DataSourceErrorInfo {
    DataSourceErrorInfo::new(DataSourceErrorKind::ErrorResponse, "failed")
}

#[async_trait]
impl DataSource for Source {
    async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
        let basis = sink.selector();
        let basis = basis.as_ref().map_or("-", Selector::as_str);
        self.recorder.record(format!("start {} {basis}", self.name));
        let mut is_ordered = false;
        for step in &self.steps {
            match step {
                All(state) => {
                    let changes = ChangeSet::full(DataSet::default());
                    let _ = sink
                        .apply(changes.with_selector(Selector::new(*state)))
                        .await;
                }
                Delta(state) => {
                    let changes = ChangeSet::delta(Vec::new());
                    let _ = sink
                        .apply(changes.with_selector(Selector::new(*state)))
                        .await;
                }
                Current => sink.update_status(DataSourceState::Valid, None),
                Receives => sink.receiving(),
                Error => sink.update_status(DataSourceState::Interrupted, Some(error())),
                Refused => {
                    sink.update_status(DataSourceState::Off, Some(error()));
                    return Err(DataSourceError::new(
                        DataSourceErrorKind::ErrorResponse,
                        "failed",
                    ));
                }
                Ends => return Ok(()),
                Fails => {
                    return Err(DataSourceError::new(
                        DataSourceErrorKind::Unknown,
                        "failed later",
                    ));
                }
                Panics => panic!("a source panics"),
                Waits(seconds) => {
                    sleep(Duration::from_secs(*seconds)).await;
                    continue;
                }
                Order(seconds) => {
                    let directive = FallbackDirective::new(seconds.map(Duration::from_secs));
                    is_ordered = sink.fall_back(directive);
                    continue;
                }
            }
            if is_ordered {
                return Ok(());
            }
        }
        pending().await
    }
}

/// A data system of scripted sources.
struct Setup {
    recorder: Arc<Recorder>,
    system: DataSystem,
}

impl Setup {
    fn new() -> Self {
        Self {
            recorder: Arc::default(),
            system: DataSystem {
                initializers: Vec::new(),
                synchronizers: Vec::new(),
                fallback: None,
                times: Times::default(),
                honors_duration: true,
                reports_events: true,
            },
        }
    }

    fn member(&self, name: &'static str, scripts: &[&[Step]]) -> Box<dyn Member> {
        Box::new(Scripted {
            name,
            scripts: scripts.iter().map(|script| script.to_vec()).collect(),
            activations: Mutex::default(),
            recorder: Arc::clone(&self.recorder),
        })
    }

    fn initializer(mut self, name: &'static str, script: &[Step]) -> Self {
        let member = self.member(name, &[script]);
        self.system.initializers.push(member);
        self
    }

    fn synchronizer(mut self, name: &'static str, scripts: &[&[Step]]) -> Self {
        let member = self.member(name, scripts);
        self.system.synchronizers.push(member);
        self
    }

    fn fallback(mut self, name: &'static str, script: &[Step]) -> Self {
        self.system.fallback = Some(self.member(name, &[script]));
        self
    }

    /// Runs for so many seconds. Returns what happened, and how the data system ended.
    async fn run(self, seconds: u64) -> (Arc<Recorder>, Option<Result<(), DataSourceError>>) {
        let sink: Arc<dyn DataSink> = Arc::clone(&self.recorder) as Arc<dyn DataSink>;
        let ended = timeout(Duration::from_secs(seconds), self.system.run(sink)).await;
        (self.recorder, ended.ok())
    }
}

#[track_caller]
fn starts_are(recorder: &Recorder, expected: &[(u64, &str)]) {
    let expected: Vec<_> = expected
        .iter()
        .map(|(second, start)| (*second, (*start).to_owned()))
        .collect();
    assert_eq!(recorder.starts(), expected);
}

const SILENT: &[Step] = &[];
const VALID: &[Step] = &[All("s1")];
const REFUSED: &[Step] = &[Refused];
const FAILING: &[Step] = &[Error];

// FDV2-V30, FDV2-V31
#[tokio::test(start_paused = true)]
async fn a_silent_source_is_left_after_ten_seconds() {
    let setup = Setup::new().synchronizer("H", &[SILENT]);
    let setup = setup
        .synchronizer("I", &[SILENT])
        .synchronizer("V", &[VALID]);
    let (recorder, ended) = setup.run(100).await;
    starts_are(&recorder, &[(0, "H -"), (10, "I -"), (20, "V -")]);
    assert!(ended.is_none());
    assert!(recorder.statuses().is_empty());
}

// FDV2-V32, FDV2-5.4
#[tokio::test(start_paused = true)]
async fn the_preferred_source_is_tried_again_after_five_minutes() {
    let setup = Setup::new().synchronizer("H", &[SILENT, VALID]);
    let setup = setup
        .synchronizer("I", &[SILENT])
        .synchronizer("V", &[VALID]);
    let (recorder, _) = setup.run(1000).await;
    starts_are(
        &recorder,
        &[(0, "H -"), (10, "I -"), (20, "V -"), (320, "H s1")],
    );
}

// FDV2-V33, FDV2-F27
#[tokio::test(start_paused = true)]
async fn a_refused_source_is_never_tried_again() {
    let setup = Setup::new().synchronizer("X", &[REFUSED]);
    let setup = setup
        .synchronizer("H", &[SILENT, VALID])
        .synchronizer("V", &[VALID]);
    let (recorder, _) = setup.run(1000).await;
    starts_are(
        &recorder,
        &[(0, "X -"), (0, "H -"), (10, "V -"), (310, "H s1")],
    );
    assert_eq!(recorder.statuses(), ["Interrupted ErrorResponse"]);

    let setup = Setup::new()
        .synchronizer("X", &[REFUSED])
        .synchronizer("Y", &[REFUSED]);
    let (recorder, ended) = setup.run(1000).await;
    starts_are(&recorder, &[(0, "X -"), (0, "Y -")]);
    assert_eq!(recorder.statuses().last().unwrap(), "Off ErrorResponse");
    assert_eq!(
        ended.unwrap().unwrap_err().kind,
        DataSourceErrorKind::ErrorResponse
    );
}

// FDV2-V34, FDV2-V35, FDV2-F29
#[tokio::test(start_paused = true)]
async fn an_interrupted_source_is_left_after_a_minute_or_like_a_silent_one() {
    let breaking: &[Step] = &[All("s1"), Waits(100), Error, Waits(30), Error];
    let setup = Setup::new()
        .synchronizer("V", &[breaking])
        .synchronizer("W", &[VALID]);
    let (recorder, _) = setup.run(200).await;
    starts_are(&recorder, &[(0, "V -"), (160, "W s1")]);

    let setup = Setup::new()
        .synchronizer("R", &[FAILING])
        .synchronizer("V", &[VALID]);
    let (recorder, _) = setup.run(200).await;
    starts_are(&recorder, &[(0, "R -"), (10, "V -")]);
}

// FDV2-F28
#[tokio::test(start_paused = true)]
async fn a_source_that_recovers_within_a_minute_stays() {
    let flapping: &[Step] = &[
        All("s1"),
        Waits(5),
        Error,
        Waits(59),
        Current,
        Waits(5),
        Error,
        Waits(59),
        Delta("s2"),
    ];
    let setup = Setup::new()
        .synchronizer("V", &[flapping])
        .synchronizer("W", &[VALID]);
    let (recorder, _) = setup.run(500).await;
    starts_are(&recorder, &[(0, "V -")]);
}

// FDV2-F30
#[tokio::test(start_paused = true)]
async fn a_recovery_that_fails_is_repeated_at_the_same_pace() {
    let setup = Setup::new()
        .synchronizer("H", &[SILENT])
        .synchronizer("V", &[VALID]);
    let (recorder, _) = setup.run(640).await;
    starts_are(
        &recorder,
        &[
            (0, "H -"),
            (10, "V -"),
            (310, "H s1"),
            (320, "V s1"),
            (620, "H s1"),
            (630, "V s1"),
        ],
    );
}

// FDV2-5.4
#[tokio::test(start_paused = true)]
async fn a_recovery_counts_from_when_the_source_was_last_valid_again() {
    let late: &[Step] = &[All("s1"), Waits(200), Error, Waits(10), Current];
    let setup = Setup::new()
        .synchronizer("H", &[SILENT])
        .synchronizer("V", &[late]);
    let (recorder, _) = setup.run(600).await;
    starts_are(
        &recorder,
        &[(0, "H -"), (10, "V -"), (520, "H s1"), (530, "V s1")],
    );
}

// FDV2-V36, FDV2-V37
#[tokio::test(start_paused = true)]
async fn the_only_source_is_left_only_if_it_is_refused() {
    let (recorder, ended) = Setup::new().synchronizer("X", &[REFUSED]).run(1000).await;
    starts_are(&recorder, &[(0, "X -")]);
    assert!(ended.unwrap().is_err());
    for script in [SILENT, FAILING, &[All("s1"), Error]] {
        let (recorder, ended) = Setup::new().synchronizer("H", &[script]).run(1000).await;
        starts_are(&recorder, &[(0, "H -")]);
        assert!(ended.is_none());
    }
    // The last one that remains is the only one.
    let setup = Setup::new()
        .synchronizer("X", &[REFUSED])
        .synchronizer("H", &[SILENT]);
    let (recorder, _) = setup.run(1000).await;
    starts_are(&recorder, &[(0, "X -"), (0, "H -")]);
}

// FDV2-5.4: a large payload on a thin line
#[tokio::test(start_paused = true)]
async fn a_source_that_receives_data_has_a_minute() {
    let slow: &[Step] = &[Waits(5), Receives, Waits(50), All("s1")];
    let setup = Setup::new()
        .synchronizer("S", &[slow])
        .synchronizer("V", &[VALID]);
    let (recorder, _) = setup.run(200).await;
    starts_are(&recorder, &[(0, "S -")]);
    let setup = Setup::new()
        .synchronizer("S", &[&[Receives]])
        .synchronizer("V", &[VALID]);
    let (recorder, _) = setup.run(200).await;
    starts_are(&recorder, &[(0, "S -"), (60, "V -")]);
}

// FDV2-V38, FDV2-V48
#[tokio::test(start_paused = true)]
async fn a_silent_source_is_left_also_after_an_initializer_has_delivered() {
    for script in [SILENT, FAILING] {
        let setup = Setup::new()
            .initializer("I", VALID)
            .synchronizer("H", &[script]);
        let (recorder, _) = setup.synchronizer("V", &[VALID]).run(100).await;
        starts_are(&recorder, &[(0, "I -"), (0, "H s1"), (10, "V s1")]);
    }
}

// FDV2-V44, FDV2-V46, FDV2-V47, FDV2-5.2
#[tokio::test(start_paused = true)]
async fn initializers_are_asked_once_until_one_delivers_a_state() {
    for failure in [REFUSED, FAILING, &[Panics], &[Ends], &[Current]] {
        let setup = Setup::new()
            .initializer("X", failure)
            .initializer("I", VALID);
        let setup = setup.initializer("J", VALID).synchronizer("V", &[VALID]);
        let (recorder, _) = setup.run(100).await;
        starts_are(&recorder, &[(0, "X -"), (0, "I -"), (0, "V s1")]);
    }
    let (recorder, ended) = Setup::new().initializer("I", VALID).run(100).await;
    starts_are(&recorder, &[(0, "I -")]);
    assert!(ended.unwrap().is_ok() && *lock(&recorder.is_ready));
    let (recorder, ended) = Setup::new().initializer("R", FAILING).run(100).await;
    starts_are(&recorder, &[(0, "R -")]);
    assert!(ended.unwrap().is_err() && !*lock(&recorder.is_ready));
    assert_eq!(recorder.statuses().last().unwrap(), "Off ErrorResponse");
}

// FDV2-5.2, FDV2-5.5
#[tokio::test(start_paused = true)]
async fn data_without_a_state_is_provisional_until_the_initializers_end() {
    let file: &[Step] = &[All("")];
    let setup = Setup::new()
        .initializer("F", file)
        .initializer("I", &[Waits(7), All("s1")]);
    let (recorder, _) = setup.synchronizer("V", &[SILENT]).run(100).await;
    let events = lock(&recorder.events).clone();
    let events: Vec<_> = events
        .iter()
        .map(|(second, event)| (*second, event.as_str()))
        .collect();
    assert_eq!(
        events,
        [
            (0, "start F -"),
            (0, "provisional -"),
            (0, "start I -"),
            (7, "full s1"),
            (7, "start V s1")
        ]
    );

    // The last initializer fails, but there is data.
    let setup = Setup::new()
        .initializer("F", file)
        .initializer("R", FAILING);
    let (recorder, _) = setup.synchronizer("V", &[SILENT]).run(100).await;
    assert_eq!(recorder.statuses(), ["Interrupted ErrorResponse", "Valid"]);

    // There will be no other data.
    let (recorder, ended) = Setup::new().initializer("F", file).run(100).await;
    assert!(ended.unwrap().is_ok() && *lock(&recorder.is_ready));
    assert_eq!(lock(&recorder.events).last().unwrap().1, "delta -");
}

// FDV2-V39, FDV2-V40, FDV2-V41, FDV2-V45, FDV2-F21 to FDV2-F24
#[tokio::test(start_paused = true)]
async fn an_order_is_followed_after_what_comes_with_it() {
    for (script, first_status, start) in [
        (
            &[Order(None), Error][..],
            Some("Interrupted ErrorResponse"),
            "F -",
        ),
        (
            &[Order(None), Refused],
            Some("Interrupted ErrorResponse"),
            "F -",
        ),
        (&[Order(None), All("s1")], None, "F s1"),
        (&[Order(None), Current], Some("Valid"), "F -"),
    ] {
        let setup = Setup::new()
            .synchronizer("V", &[script])
            .synchronizer("W", &[VALID]);
        let (recorder, ended) = setup.fallback("F", &[All("")]).run(1000).await;
        starts_are(&recorder, &[(0, "V -"), (0, start)]);
        assert_eq!(
            recorder.statuses().first().map(String::as_str),
            first_status
        );
        assert!(ended.is_none());
    }
    for script in [&[Order(None), Error][..], &[Order(None), All("s1")]] {
        let setup = Setup::new()
            .initializer("I", script)
            .initializer("J", VALID);
        let setup = setup.synchronizer("V", &[VALID]).fallback("F", VALID);
        let (recorder, _) = setup.run(1000).await;
        let starts = recorder.starts();
        let names: Vec<_> = starts.iter().map(|(_, start)| &start[..1]).collect();
        assert_eq!(names, ["I", "F"]);
    }
    // Without a source of the classic protocol there is nothing left.
    let setup = Setup::new().synchronizer("V", &[&[Order(Some(2)), Error]]);
    let (recorder, ended) = setup.synchronizer("W", &[VALID]).run(1000).await;
    starts_are(&recorder, &[(0, "V -")]);
    assert!(ended.unwrap().is_err());
    assert_eq!(recorder.statuses().last().unwrap(), "Off ErrorResponse");
}

// FDV2-6.1: a connection that says no more
#[tokio::test(start_paused = true)]
async fn an_order_without_data_is_followed_when_the_source_is_silent() {
    let setup = Setup::new()
        .synchronizer("V", &[&[Order(None)]])
        .synchronizer("W", &[VALID]);
    let (recorder, _) = setup.fallback("F", VALID).run(100).await;
    starts_are(&recorder, &[(0, "V -"), (10, "F -")]);
}

// FDV2-V42, FDV2-V43, FDV2-6.3
#[tokio::test(start_paused = true)]
async fn an_order_ends_when_it_says_so() {
    let ordering: &[Step] = &[Order(Some(2)), All("s1")];
    let setup = || {
        let setup = Setup::new().synchronizer("X", &[REFUSED, VALID]);
        setup.synchronizer("V", &[ordering])
    };
    // The data of the classic protocol has no state.
    let (recorder, _) = setup().fallback("F", &[All("")]).run(100).await;
    starts_are(
        &recorder,
        &[(0, "X -"), (0, "V -"), (0, "F s1"), (2, "X -")],
    );
    // The source of the classic protocol is refused meanwhile.
    let (recorder, _) = setup().fallback("F", REFUSED).run(100).await;
    starts_are(
        &recorder,
        &[(0, "X -"), (0, "V -"), (0, "F s1"), (2, "X s1")],
    );

    let mut for_ever = setup().fallback("F", &[All("")]);
    for_ever.system.honors_duration = false;
    let (recorder, _) = for_ever.run(10_000).await;
    starts_are(&recorder, &[(0, "X -"), (0, "V -"), (0, "F s1")]);
    // An order to the source of the classic protocol has no effect.
    let setup = setup().fallback("F", &[Order(Some(1)), All("")]);
    let (recorder, _) = setup.run(1).await;
    starts_are(&recorder, &[(0, "X -"), (0, "V -"), (0, "F s1")]);
}

// FDV2-F33
#[tokio::test(start_paused = true)]
async fn a_source_that_panics_or_ends_without_data_is_removed() {
    for script in [&[Panics][..], &[Ends]] {
        let setup = Setup::new()
            .synchronizer("P", &[script])
            .synchronizer("V", &[VALID]);
        let (recorder, _) = setup.run(1000).await;
        starts_are(&recorder, &[(0, "P -"), (0, "V -")]);
        assert_eq!(recorder.statuses(), ["Interrupted Unknown"], "{script:?}");
    }
}

// FDV2-5.3
#[tokio::test(start_paused = true)]
async fn a_source_that_ends_after_its_data_stays() {
    let setup = Setup::new()
        .synchronizer("F", &[&[All(""), Ends]])
        .synchronizer("V", &[VALID]);
    let (recorder, ended) = setup.run(1000).await;
    starts_are(&recorder, &[(0, "F -")]);
    assert!(ended.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_member_that_cannot_be_created_is_removed() {
    #[derive(Debug)]
    struct Misconfigured;
    impl Member for Misconfigured {
        fn source(&self) -> Result<Arc<dyn DataSource>, DataSourceError> {
            Err(DataSourceError::new(
                DataSourceErrorKind::Unknown,
                "no certificate",
            ))
        }
    }
    let mut setup = Setup::new();
    setup.system.synchronizers.push(Box::new(Misconfigured));
    let (recorder, _) = setup.synchronizer("V", &[VALID]).run(1000).await;
    starts_are(&recorder, &[(0, "V -")]);
    assert_eq!(recorder.statuses(), ["Interrupted Unknown"]);
}

// FDV2-5.4, FDV2-F32
#[tokio::test(start_paused = true)]
async fn what_a_stopped_source_delivers_has_no_effect() {
    let sink = Arc::new(Recorder::default());
    let to: Arc<dyn DataSink> = Arc::clone(&sink) as Arc<dyn DataSink>;
    let stage = Arc::new(Stage::new(to, Role::Fallback, true));
    drop(stage.close_on_drop());
    assert!(stage.init(DataSet::default()).await.is_err());
    assert!(stage.apply(ChangeSet::delta(Vec::new())).await.is_err());
    let item = Item::deleted(vexil_eval::model::DataKind::Flag, "flag", 1);
    assert!(stage.upsert(item).await.is_err());
    stage.update_status(DataSourceState::Valid, None);
    stage.set_environment_id("environment".into());
    assert!(lock(&sink.events).is_empty());
}

#[test]
fn evaluations_are_reported_if_the_configured_sources_ask_for_it() {
    for reports_events in [true, false] {
        let Setup { mut system, .. } = Setup::new();
        system.reports_events = reports_events;
        assert_eq!(system.reports_events(), reports_events);
    }
}

// FDV2-5.4
#[tokio::test(start_paused = true)]
async fn an_error_that_ends_a_source_counts_also_after_one_from_which_it_recovered() {
    let recovered: &[Step] = &[All("s1"), Error, Current, Waits(5), Fails];
    let setup = Setup::new()
        .synchronizer("V", &[recovered])
        .synchronizer("W", &[VALID]);
    let (recorder, _) = setup.run(100).await;
    starts_are(&recorder, &[(0, "V -"), (5, "W s1")]);
    assert_eq!(
        recorder.statuses().last().unwrap(),
        "Interrupted Unknown",
        "{:?}",
        recorder.statuses()
    );
}

/// A sink of which only the questions matter that a source asks before it delivers.
#[derive(Debug)]
struct Asked {
    keeps_json: bool,
    is_for_overrides: bool,
}

#[async_trait]
impl DataSink for Asked {
    async fn init(&self, _: DataSet) -> Result<(), NotStoredError> {
        Ok(())
    }

    async fn upsert(&self, _: Item) -> Result<Upserted, NotStoredError> {
        Ok(Upserted::Written)
    }

    fn keeps_json(&self) -> bool {
        self.keeps_json
    }

    fn is_for_overrides(&self) -> bool {
        self.is_for_overrides
    }

    fn update_status(&self, _: DataSourceState, _: Option<DataSourceErrorInfo>) {}
}

#[test]
fn a_source_can_ask_what_its_data_is_for() {
    for (keeps_json, is_for_overrides) in [(false, false), (true, false), (false, true)] {
        let asked = Asked {
            keeps_json,
            is_for_overrides,
        };
        let stage = Stage::new(Arc::new(asked), Role::Fallback, true);
        assert_eq!(
            (stage.keeps_json(), stage.is_for_overrides()),
            (keeps_json, is_for_overrides)
        );
    }
}
