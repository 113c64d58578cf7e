//! One fault for each clause for event processors.

use std::future::pending;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::yield_now;
use tokio::time::sleep;
use vexil::async_trait;
use vexil::events::{Event, EventProcessor, EventStats};
use vexil_testing::conformance::{DeliveredEvents, EventProcessorHarness};

caught! {
    event_processor:
    recording {
        every_evaluation_is_counted by HasACapacity,
        evaluations_of_unknown_flags_are_counted by IgnoresUnknownFlags,
        evaluations_are_counted_by_the_version_they_used by UsesTheLastVersion,
        custom_events_are_delivered_with_their_data by DropsCustomData,
        identified_contexts_are_delivered by IgnoresIdentify,
        concurrent_evaluations_are_all_counted by RecordsWithoutALock,
    }
    flushing {
        a_flush_that_was_awaited_has_delivered by FlushDoesNotWait,
        a_requested_flush_delivers_in_the_background by FlushDoesNothing,
        a_flush_without_events_completes by EmptyFlushHangs,
        a_flush_is_confirmed by NeverConfirms,
        nothing_is_delivered_twice by DeliversAgain,
        a_dropped_flush_loses_and_repeats_nothing by DroppedFlushRepeats,
        evaluations_during_a_flush_are_counted by RemovesAfterDelivery,
        concurrent_flushes_complete by ConcurrentFlushesHang,
        nothing_is_pending_after_a_flush by IsAlwaysPending,
    }
    closing {
        close_delivers_everything by CloseDropsEvents,
        close_can_be_repeated by SecondCloseHangs,
        concurrent_closes_complete by SecondCloseHangs,
        a_dropped_close_can_be_completed_by_another by SecondCloseHangs,
        records_after_close_do_not_panic by PanicsAfterClose,
        records_after_close_have_no_effect by RecordsAfterClose,
        a_flush_after_close_completes by FlushAfterCloseHangs,
        evaluations_before_a_concurrent_close_are_counted by CloseDropsEvents,
        a_closed_processor_is_dropped_with_its_last_handle by KeepsItself,
    }
    outages {
        a_flush_completes_during_an_outage by RetriesForEver,
        close_completes_during_an_outage by RetriesForEver,
        events_after_an_outage_are_delivered by EndsWithAFailure,
        a_lost_delivery_is_counted_in_the_statistics by HidesLosses,
    }
}

mod without_a_fault {
    use super::{Fault, Harness};

    vexil_testing::event_processor_conformance!(
        Harness::new(Fault::None),
        recording,
        flushing,
        closing,
        outages
    );
}

/// A fault of a processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    HasACapacity,
    IgnoresUnknownFlags,
    UsesTheLastVersion,
    DropsCustomData,
    IgnoresIdentify,
    RecordsWithoutALock,
    FlushDoesNotWait,
    FlushDoesNothing,
    EmptyFlushHangs,
    NeverConfirms,
    DeliversAgain,
    DroppedFlushRepeats,
    RemovesAfterDelivery,
    ConcurrentFlushesHang,
    IsAlwaysPending,
    CloseDropsEvents,
    SecondCloseHangs,
    PanicsAfterClose,
    RecordsAfterClose,
    FlushAfterCloseHangs,
    KeepsItself,
    RetriesForEver,
    EndsWithAFailure,
    HidesLosses,
}

/// The destination of events.
#[derive(Debug, Default)]
struct Destination {
    delivered: Mutex<DeliveredEvents>,
    is_away: AtomicBool,
}

struct Harness {
    fault: Fault,
    destination: Arc<Destination>,
    /// Handles that the fault keeps.
    kept: Mutex<Vec<Arc<Faulty>>>,
}

impl Harness {
    fn new(fault: Fault) -> Self {
        Self {
            fault,
            destination: Arc::default(),
            kept: Mutex::default(),
        }
    }
}

#[async_trait]
impl EventProcessorHarness for Harness {
    async fn processor(&self) -> Arc<dyn EventProcessor> {
        let processor = Arc::new(Faulty {
            fault: self.fault,
            runtime: Handle::current(),
            state: Arc::new(State {
                fault: self.fault,
                destination: Arc::clone(&self.destination),
                events: Mutex::default(),
                losses: AtomicU64::new(0),
                has_failed: AtomicBool::new(false),
            }),
            is_flushing: AtomicBool::new(false),
            is_closed: AtomicBool::new(false),
        });
        if self.fault == Fault::KeepsItself {
            self.kept.lock().unwrap().push(Arc::clone(&processor));
        }
        processor
    }

    fn delivered(&self) -> DeliveredEvents {
        self.destination.delivered.lock().unwrap().clone()
    }

    fn interrupt(&self) {
        self.destination.is_away.store(true, Ordering::SeqCst);
    }

    fn restore(&self) {
        self.destination.is_away.store(false, Ordering::SeqCst);
    }

    fn timeout(&self) -> Duration {
        if self.fault == Fault::None {
            Duration::from_secs(20)
        } else {
            Duration::from_millis(500)
        }
    }
}

/// A recorded event.
#[derive(Clone, Debug)]
enum Recorded {
    Evaluation(String, Option<u64>),
    Custom(String, serde_json::Value),
    Identify(String),
}

#[derive(Debug)]
struct Faulty {
    fault: Fault,
    runtime: Handle,
    state: Arc<State>,
    is_flushing: AtomicBool,
    is_closed: AtomicBool,
}

#[derive(Debug)]
struct State {
    fault: Fault,
    destination: Arc<Destination>,
    events: Mutex<Vec<Recorded>>,
    losses: AtomicU64,
    has_failed: AtomicBool,
}

impl State {
    /// Delivers everything recorded before.
    async fn deliver(&self) {
        let mut events = if self.fault == Fault::RemovesAfterDelivery
            || self.fault == Fault::DroppedFlushRepeats
        {
            self.events.lock().unwrap().clone()
        } else {
            std::mem::take(&mut *self.events.lock().unwrap())
        };
        if events.is_empty() && self.fault == Fault::EmptyFlushHangs {
            pending::<()>().await;
        }
        while self.destination.is_away.load(Ordering::SeqCst) {
            yield_now().await;
            if self.fault != Fault::RetriesForEver {
                self.has_failed.store(true, Ordering::SeqCst);
                self.losses.fetch_add(1, Ordering::SeqCst);
                return;
            }
        }
        if self.fault == Fault::EndsWithAFailure && self.has_failed.load(Ordering::SeqCst) {
            return;
        }
        self.arrive(&events);
        let delivered = events.len();
        match self.fault {
            // Waits for what the clause does meanwhile, within a limit.
            Fault::RemovesAfterDelivery | Fault::ConcurrentFlushesHang => {
                for _ in 0..100 {
                    if self.events.lock().unwrap().len() > delivered {
                        break;
                    }
                    sleep(Duration::from_millis(1)).await;
                }
            }
            _ => yield_now().await,
        }
        match self.fault {
            Fault::RemovesAfterDelivery => self.events.lock().unwrap().clear(),
            Fault::DroppedFlushRepeats => {
                self.events.lock().unwrap().drain(..delivered);
            }
            Fault::DeliversAgain => {
                events.append(&mut self.events.lock().unwrap());
                *self.events.lock().unwrap() = events;
            }
            _ => {}
        }
    }

    fn arrive(&self, events: &[Recorded]) {
        let mut delivered = self.destination.delivered.lock().unwrap();
        let last_version = events.iter().rev().find_map(|event| match event {
            Recorded::Evaluation(_, version) => Some(*version),
            _ => None,
        });
        for event in events {
            *delivered = match event.clone() {
                Recorded::Evaluation(key, version) => {
                    let version = match self.fault {
                        Fault::UsesTheLastVersion => last_version.flatten(),
                        _ => version,
                    };
                    std::mem::take(&mut *delivered).evaluations(key, version, 1)
                }
                Recorded::Custom(key, data) => std::mem::take(&mut *delivered).custom(key, data),
                Recorded::Identify(key) => std::mem::take(&mut *delivered).identify(key),
            };
        }
    }
}

impl Faulty {
    /// Delivers in a task, so that the delivery is completed if the caller stops waiting.
    async fn deliver(&self) {
        if self.fault == Fault::DroppedFlushRepeats {
            return self.state.deliver().await;
        }
        let state = Arc::clone(&self.state);
        let delivery = self.runtime.spawn(async move { state.deliver().await });
        delivery.await.unwrap();
    }
}

#[async_trait]
impl EventProcessor for Faulty {
    fn record(&self, event: &Event<'_>) {
        if self.is_closed.load(Ordering::SeqCst) {
            match self.fault {
                Fault::PanicsAfterClose => panic!("the processor is closed"),
                Fault::RecordsAfterClose => {}
                _ => return,
            }
        }
        let recorded = match event {
            Event::Evaluation(event) => {
                if event.flag.is_none() && self.fault == Fault::IgnoresUnknownFlags {
                    return;
                }
                let version = event.flag.map(|(flag, _)| flag.version());
                Recorded::Evaluation(event.key.to_owned(), version)
            }
            Event::Identify(_) if self.fault == Fault::IgnoresIdentify => return,
            Event::Identify(context) => Recorded::Identify(context.key().to_string()),
            Event::Custom(event) => {
                let data = match self.fault {
                    Fault::DropsCustomData => serde_json::Value::Null,
                    _ => serde_json::to_value(event.data).unwrap(),
                };
                Recorded::Custom(event.key.to_owned(), data)
            }
            _ => return,
        };
        if self.fault == Fault::RecordsWithoutALock {
            // Removes what other threads add meanwhile.
            let length = self.state.events.lock().unwrap().len();
            thread::yield_now();
            let mut events = self.state.events.lock().unwrap();
            events.truncate(length);
            events.push(recorded);
            return;
        }
        let mut events = self.state.events.lock().unwrap();
        if self.fault == Fault::HasACapacity && events.len() >= 1000 {
            return;
        }
        events.push(recorded);
    }

    fn flush(&self) {
        if self.fault != Fault::FlushDoesNothing {
            let state = Arc::clone(&self.state);
            self.runtime.spawn(async move { state.deliver().await });
        }
    }

    async fn flush_and_wait(&self) {
        let is_closed = self.is_closed.load(Ordering::SeqCst);
        match self.fault {
            Fault::FlushDoesNotWait => return,
            Fault::FlushAfterCloseHangs if is_closed => pending().await,
            Fault::ConcurrentFlushesHang if self.is_flushing.swap(true, Ordering::SeqCst) => {
                pending().await
            }
            _ => {}
        }
        self.deliver().await;
        self.is_flushing.store(false, Ordering::SeqCst);
    }

    async fn flush_and_confirm(&self) -> bool {
        self.flush_and_wait().await;
        self.fault != Fault::NeverConfirms
    }

    async fn close(&self) {
        if self.is_closed.swap(true, Ordering::SeqCst) && self.fault == Fault::SecondCloseHangs {
            pending::<()>().await;
        }
        if self.fault == Fault::CloseDropsEvents {
            self.state.events.lock().unwrap().clear();
        }
        self.deliver().await;
    }

    fn pending(&self) -> u64 {
        let pending = self.state.events.lock().unwrap().len();
        if self.fault == Fault::IsAlwaysPending {
            5
        } else {
            pending.try_into().unwrap()
        }
    }

    fn stats(&self) -> EventStats {
        let mut stats = EventStats::default();
        if self.fault != Fault::HidesLosses {
            stats.dropped_payloads = self.state.losses.load(Ordering::SeqCst);
        }
        stats
    }
}
