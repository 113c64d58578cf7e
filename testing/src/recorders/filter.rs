//! [`EventFilter`]: selects recorded events, and asserts how many there are.

use std::collections::BTreeMap;
use std::fmt;

use vexil::events::MigrationOpEvent;
use vexil::{Context, Text, Value};

use super::{EventRecorder, RecordedCustom, RecordedEvaluation, RecordedEvent};
use crate::waiting::Waiting;

/// The number of events that a failed assertion lists.
const MAX_LISTED: usize = 50;

/// Selects events of an [`EventRecorder`]: those of one kind that match every filter.
///
/// The type of the events determines which filters there are. The events are read when an assertion
/// or another method that ends the chain is called.
///
/// ```
/// use vexil::{Client, Context};
/// use vexil_testing::{EventRecorder, TestData};
///
/// let events = EventRecorder::new();
/// let flags = TestData::new().with("theme", "dark").with("beta", true);
/// let client = Client::builder("sdk-key").data_source(flags).events(events.clone()).start()?;
/// client.str_variation("theme", &Context::new("ada")?, "light");
/// client.str_variation("theme", &Context::with_kind("acme", "org")?, "light");
///
/// events.evaluations().flag("theme").assert_count(2);
/// let evaluation = events.evaluations().context("org", "acme").assert_once();
/// assert_eq!(evaluation.default, Some("light".into()));
/// events.evaluations().flag("beta").assert_none();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A failed assertion says what was expected and lists what was recorded, with `>` before each event
/// that matches:
///
/// ```should_panic
/// # use vexil::{Client, Context};
/// # use vexil_testing::{EventRecorder, TestData};
/// # let events = EventRecorder::new();
/// # let flags = TestData::new().with("theme", "dark");
/// # let client = Client::builder("sdk-key").data_source(flags).events(events.clone()).start()?;
/// client.str_variation("theme", &Context::new("ada")?, "light");
/// // expected 1 evaluation of flag `theme` with value "light", found 0; recorded:
/// //   evaluation of flag `theme` for user `ada`: "dark", variation 0, no target or rule matched
/// events.evaluations().flag("theme").value("light").assert_once();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "selects nothing until an assertion is called"]
pub struct EventFilter<'a, E> {
    recorder: &'a EventRecorder,
    clauses: Vec<Clause<'a, E>>,
}

struct Clause<'a, E> {
    /// Follows the kind of event in a message.
    text: String,
    test: Box<dyn Fn(&E) -> bool + Send + 'a>,
}

/// A kind of event.
///
/// This trait is sealed.
pub trait EventKind: Clone + sealed::Sealed {}

mod sealed {
    use vexil::Context;

    use super::RecordedEvent;

    #[expect(
        unnameable_types,
        reason = "seals the trait: other crates cannot name this one"
    )]
    pub trait Sealed {
        /// What an event of this kind is called.
        const NAME: &'static str;

        /// Returns the event if it is of this kind.
        fn of(event: &RecordedEvent) -> Option<&Self>;

        fn context(&self) -> &Context;
    }
}

/// Filters and assertions for events of every kind.
impl<'a, E: EventKind> EventFilter<'a, E> {
    pub(super) fn new(recorder: &'a EventRecorder) -> Self {
        Self {
            recorder,
            clauses: Vec::new(),
        }
    }

    /// Selects events of the user with this key, also as a part of a multi-context: short for
    /// [`EventFilter::context`] with the kind `user`.
    pub fn user(self, key: impl Into<Text>) -> Self {
        self.context("user", key)
    }

    /// Selects events of the context with this kind and key, also as a part of a multi-context.
    pub fn context(self, kind: impl Into<Text>, key: impl Into<Text>) -> Self {
        let (kind, key) = (kind.into(), key.into());
        self.matching(format!("for {kind} `{key}`"), move |event| {
            let context = event.context().individual_context(&kind);
            context.is_some_and(|context| context.key() == key)
        })
    }

    /// Selects events for which `test` returns `true`. `description` follows the kind of event in
    /// the message of a failed assertion.
    ///
    /// ```
    /// use vexil::eval::EvalErrorKind;
    /// use vexil::{Client, Context};
    /// use vexil_testing::{EventRecorder, TestData};
    ///
    /// let events = EventRecorder::new();
    /// let client = Client::builder("sdk-key").data_source(TestData::new()).events(events.clone()).start()?;
    /// client.bool_variation("no-such-flag", &Context::new("ada")?, false);
    ///
    /// let unknown = Some(EvalErrorKind::FlagNotFound);
    /// let evaluations = events.evaluations();
    /// evaluations.matching("of an unknown flag", |event| event.reason.error() == unknown).assert_once();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn matching(
        mut self,
        description: impl Into<String>,
        test: impl Fn(&E) -> bool + Send + 'a,
    ) -> Self {
        self.clauses.push(Clause {
            text: description.into(),
            test: Box::new(test),
        });
        self
    }

    /// Returns the selected events, in order.
    #[must_use]
    pub fn events(&self) -> Vec<E> {
        let recorded = self.recorder.events();
        recorded
            .iter()
            .filter_map(|event| self.select(event))
            .cloned()
            .collect()
    }

    /// Returns the number of selected events.
    #[must_use]
    pub fn count(&self) -> usize {
        self.events().len()
    }

    /// Asserts that exactly one event is selected, and returns it.
    ///
    /// # Panics
    /// Panics if none or several are selected. The message lists the recorded events.
    #[track_caller]
    pub fn assert_once(&self) -> E {
        let mut selected = self.checked(1);
        // `checked` has returned one.
        selected.remove(0)
    }

    /// Asserts that exactly this number of events is selected.
    ///
    /// # Panics
    /// Panics if the number differs. The message lists the recorded events.
    #[track_caller]
    pub fn assert_count(&self, count: usize) {
        self.checked(count);
    }

    /// Asserts that no event is selected.
    ///
    /// # Panics
    /// Panics if there is one. The message lists the recorded events.
    #[track_caller]
    pub fn assert_none(&self) {
        self.checked(0);
    }

    /// Waits until at least this number of events is selected, and returns all selected events. For
    /// code under test that runs on another thread or in another task.
    ///
    /// The wait is bounded: by 30 seconds, or by [`Waiting::within`].
    ///
    /// ```
    /// use std::thread;
    /// use vexil::{Client, Context};
    /// use vexil_testing::{EventRecorder, TestData};
    ///
    /// let events = EventRecorder::new();
    /// let client = Client::builder("sdk-key").data_source(TestData::new()).events(events.clone()).start()?;
    /// let ada = Context::new("ada")?;
    /// let worker = thread::spawn(move || client.track("job-finished", &ada));
    /// events.custom_events().name("job-finished").wait_for(1).wait()?;
    /// # worker.join().unwrap();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait_for(self, count: usize) -> Waiting<'a, Vec<E>>
    where
        E: 'a,
    {
        let recorder = self.recorder;
        Waiting::new(recorder.record(), self.expected(count), move || {
            let selected = self.events();
            (selected.len() >= count).then_some(selected)
        })
    }

    /// Returns the selected events if their number is as expected.
    #[track_caller]
    fn checked(&self, expected: usize) -> Vec<E> {
        let recorded = self.recorder.events();
        let selected: Vec<_> = recorded
            .iter()
            .filter_map(|event| self.select(event))
            .collect();
        let found = selected.len();
        assert!(
            found == expected,
            "expected {}, found {found}; {}",
            self.expected(expected),
            list(&recorded, |event| self.select(event).is_some()),
        );
        selected.into_iter().cloned().collect()
    }

    fn select<'e>(&self, event: &'e RecordedEvent) -> Option<&'e E> {
        let event = E::of(event)?;
        self.clauses
            .iter()
            .all(|clause| (clause.test)(event))
            .then_some(event)
    }

    /// Describes an expected number of events.
    fn expected(&self, count: usize) -> String {
        let plural = if count == 1 { "" } else { "s" };
        format!("{count} {}{plural}{self}", E::NAME)
    }
}

/// Filters for evaluations.
impl EventFilter<'_, RecordedEvaluation> {
    /// Selects evaluations of this flag.
    pub fn flag(self, key: impl Into<Text>) -> Self {
        let key = key.into();
        self.matching(format!("of flag `{key}`"), move |event| event.key == key)
    }

    /// Selects evaluations that returned this value, which may be the caller's default.
    pub fn value(self, value: impl Into<Value>) -> Self {
        let value = value.into();
        self.matching(format!("with value {value}"), move |event| {
            event.value == value
        })
    }

    /// Selects evaluations that returned the variation with this index.
    pub fn variation(self, index: usize) -> Self {
        self.matching(format!("with variation {index}"), move |event| {
            event.variation == Some(index)
        })
    }

    /// Counts the selected evaluations of each flag by variation; `None` counts the evaluations that
    /// returned their default.
    ///
    /// ```
    /// use vexil::{Client, Context};
    /// use vexil_testing::{EventRecorder, TestData};
    ///
    /// let events = EventRecorder::new();
    /// let flags = TestData::new();
    /// flags.update(flags.flag("beta").fallthrough_variation(false).variation_for_user("ada", true));
    /// let client = Client::builder("sdk-key").data_source(flags).events(events.clone()).start()?;
    /// for user in ["ada", "bob", "eve"] {
    ///     client.bool_variation("beta", &Context::new(user)?, false);
    /// }
    /// let counts = events.evaluations().counts();
    /// assert_eq!(counts, [(("beta".into(), Some(0)), 1), (("beta".into(), Some(1)), 2)].into());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn counts(&self) -> BTreeMap<(Text, Option<usize>), usize> {
        let mut counts = BTreeMap::new();
        for event in self.events() {
            *counts.entry((event.key, event.variation)).or_default() += 1;
        }
        counts
    }
}

/// Filters for custom events.
impl EventFilter<'_, RecordedCustom> {
    /// Selects events with this name.
    pub fn name(self, name: impl Into<Text>) -> Self {
        let name = name.into();
        self.matching(format!("`{name}`"), move |event| event.key == name)
    }

    /// Selects events with exactly this metric value.
    pub fn metric(self, metric: f64) -> Self {
        self.matching(format!("with metric {metric}"), move |event| {
            event.metric == Some(metric)
        })
    }

    /// Selects events with this data; null selects those without data.
    pub fn data(self, data: impl Into<Value>) -> Self {
        let data = data.into();
        self.matching(format!("with data {data}"), move |event| event.data == data)
    }
}

/// Filters for migration operations.
impl EventFilter<'_, MigrationOpEvent> {
    /// Selects operations whose stage is selected by this flag.
    pub fn flag(self, key: impl Into<Text>) -> Self {
        let key = key.into();
        self.matching(format!("of flag `{key}`"), move |op| op.key == key)
    }
}

/// The filters, as they follow the kind of event in a message.
impl<E> fmt::Display for EventFilter<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.clauses
            .iter()
            .try_for_each(|clause| write!(f, " {}", clause.text))
    }
}

impl<E> fmt::Debug for EventFilter<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventFilter")
            .field("clauses", &self.to_string())
            .finish_non_exhaustive()
    }
}

/// Lists events, one per line, and marks those that are selected.
pub(super) fn list(
    events: &[RecordedEvent],
    is_selected: impl Fn(&RecordedEvent) -> bool,
) -> String {
    if events.is_empty() {
        return "nothing was recorded".to_owned();
    }
    let omitted = events.len().saturating_sub(MAX_LISTED);
    let mut text = "recorded:".to_owned();
    if omitted > 0 {
        text += &format!("\n  … {omitted} earlier events");
    }
    for event in &events[omitted..] {
        let mark = if is_selected(event) { '>' } else { ' ' };
        text += &format!("\n{mark} {event}");
    }
    text
}

/// Implements the kind of event for the contents of one variant.
macro_rules! event_kind {
    ($($event:ty, $name:literal, $pattern:pat => $found:expr, $this:ident => $context:expr;)+) => {$(
        impl EventKind for $event {}
        impl sealed::Sealed for $event {
            const NAME: &'static str = $name;

            fn of(event: &RecordedEvent) -> Option<&Self> {
                match event {
                    $pattern => Some($found),
                    _ => None,
                }
            }

            fn context(&self) -> &Context {
                let $this = self;
                $context
            }
        }
    )+};
}
event_kind! {
    RecordedEvaluation, "evaluation", RecordedEvent::Evaluation(event) => event, event => &event.context;
    Context, "identify event", RecordedEvent::Identify(event) => event, event => event;
    RecordedCustom, "custom event", RecordedEvent::Custom(event) => event, event => &event.context;
    MigrationOpEvent, "migration operation", RecordedEvent::MigrationOp(event) => event, event => &event.context;
}

impl EventKind for RecordedEvent {}
impl sealed::Sealed for RecordedEvent {
    const NAME: &'static str = "event";

    fn of(event: &RecordedEvent) -> Option<&Self> {
        Some(event)
    }

    fn context(&self) -> &Context {
        self.context()
    }
}
