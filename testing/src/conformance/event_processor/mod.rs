//! Clauses for event processors, by group.
//! [`event_processor_conformance!`](crate::event_processor_conformance) turns them into tests.
//!
//! | group | applies to |
//! | --- | --- |
//! | [`recording`] | every processor |
//! | [`flushing`] | every processor |
//! | [`closing`] | every processor that belongs to one client |
//! | [`outages`] | processors whose deliveries can fail, with a harness that makes them fail |

pub mod closing;
pub mod flushing;
mod harness;
pub mod outages;
mod pen;
pub mod recording;

pub use self::harness::{DeliveredEvents, EventProcessorHarness};

/// Generates a test for each clause of the contract of
/// [`EventProcessor`](vexil::events::EventProcessor).
///
/// The argument is an expression that creates an
/// [`EventProcessorHarness`](crate::conformance::EventProcessorHarness); each test evaluates it
/// separately. By default, the groups `recording`, `flushing` and `closing` are tested; other
/// [groups](crate::conformance::event_processor) can be listed instead.
///
/// The clauses record events through a client, as an application does.
///
/// ```
/// use std::sync::atomic::{AtomicBool, Ordering};
/// use std::sync::{Arc, Mutex};
/// use vexil::async_trait;
/// use vexil::events::{Event, EventProcessor};
/// use vexil_testing::conformance::{DeliveredEvents, EventProcessorHarness};
///
/// /// Counts events where the application can see them.
/// #[derive(Debug, Default)]
/// struct Counting {
///     events: Arc<Mutex<DeliveredEvents>>,
///     is_closed: AtomicBool,
/// }
///
/// #[async_trait]
/// impl EventProcessor for Counting {
///     fn record(&self, event: &Event<'_>) {
///         let mut events = self.events.lock().unwrap();
///         if self.is_closed.load(Ordering::SeqCst) {
///             return;
///         }
///         *events = match event {
///             Event::Evaluation(event) => {
///                 let version = event.flag.map(|(flag, _)| flag.version());
///                 events.clone().evaluations(event.key, version, 1)
///             }
///             Event::Identify(context) => events.clone().identify(context.key()),
///             Event::Custom(event) => {
///                 let data = serde_json::to_value(event.data).unwrap();
///                 events.clone().custom(event.key, data)
///             }
///             _ => return,
///         };
///     }
///     fn flush(&self) {}
///     async fn flush_and_wait(&self) {}
///     async fn close(&self) {
///         self.is_closed.store(true, Ordering::SeqCst);
///     }
/// }
///
/// #[derive(Default)]
/// struct Harness(Arc<Mutex<DeliveredEvents>>);
///
/// #[async_trait]
/// impl EventProcessorHarness for Harness {
///     async fn processor(&self) -> Arc<dyn EventProcessor> {
///         Arc::new(Counting { events: Arc::clone(&self.0), ..Counting::default() })
///     }
///     fn delivered(&self) -> DeliveredEvents {
///         self.0.lock().unwrap().clone()
///     }
/// }
///
/// vexil_testing::event_processor_conformance!(Harness::default());
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! event_processor_conformance {
    ($harness:expr $(,)?) => {
        $crate::event_processor_conformance!($harness, recording, flushing, closing);
    };
    ($harness:expr, $($group:ident),+ $(,)?) => {
        $($crate::event_processor_conformance! { @group $group tests ($harness) })+
    };
    (@group recording $then:ident $rest:tt) => {
        $crate::event_processor_conformance! { @$then $rest recording [
            every_evaluation_is_counted
            evaluations_of_unknown_flags_are_counted
            evaluations_are_counted_by_the_version_they_used
            custom_events_are_delivered_with_their_data
            identified_contexts_are_delivered
            concurrent_evaluations_are_all_counted
        ] }
    };
    (@group flushing $then:ident $rest:tt) => {
        $crate::event_processor_conformance! { @$then $rest flushing [
            a_flush_that_was_awaited_has_delivered
            a_requested_flush_delivers_in_the_background
            a_flush_without_events_completes
            a_flush_is_confirmed
            nothing_is_delivered_twice
            a_dropped_flush_loses_and_repeats_nothing
            evaluations_during_a_flush_are_counted
            concurrent_flushes_complete
            nothing_is_pending_after_a_flush
        ] }
    };
    (@group closing $then:ident $rest:tt) => {
        $crate::event_processor_conformance! { @$then $rest closing [
            close_delivers_everything
            close_can_be_repeated
            concurrent_closes_complete
            a_dropped_close_can_be_completed_by_another
            records_after_close_do_not_panic
            records_after_close_have_no_effect
            a_flush_after_close_completes
            evaluations_before_a_concurrent_close_are_counted
            a_closed_processor_is_dropped_with_its_last_handle
        ] }
    };
    (@group outages $then:ident $rest:tt) => {
        $crate::event_processor_conformance! { @$then $rest outages [
            a_flush_completes_during_an_outage
            close_completes_during_an_outage
            events_after_an_outage_are_delivered
            a_lost_delivery_is_counted_in_the_statistics
        ] }
    };
    (@tests ($harness:expr) $group:ident [$($clause:ident)+]) => {
        $(
            #[test]
            fn $clause() {
                $crate::conformance::hold(
                    || $harness,
                    |harness| ::std::boxed::Box::pin($crate::conformance::event_processor::$group::$clause(harness)),
                );
            }
        )+
    };
    (@names () $group:ident [$($clause:ident)+]) => {
        &[$(::core::stringify!($clause)),+]
    };
}

/// The names of the clauses of each group, as listed in the macro.
pub const GROUPS: [(&str, &[&str]); 4] = [
    (
        "recording",
        event_processor_conformance! { @group recording names () },
    ),
    (
        "flushing",
        event_processor_conformance! { @group flushing names () },
    ),
    (
        "closing",
        event_processor_conformance! { @group closing names () },
    ),
    (
        "outages",
        event_processor_conformance! { @group outages names () },
    ),
];
