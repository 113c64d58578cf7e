//! Every order of recording and taking events, explored by `scripts/loom`.

use std::sync::Arc;

use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;
use vexil_eval::model::Flag;
use vexil_eval::{Context, Value, Verdict};

use super::super::budget::Budget;
use super::super::buffer::Buffer;
use super::super::payload::{FullEvent, Summary};
use super::super::processor::Records;
use super::super::seen_contexts::SeenContexts;
use super::super::summary::Summaries;
use crate::events::{EvaluationEvent, Event};
use crate::sync::explore;

fn flag() -> Flag {
    serde_json::from_str(r#"{"key": "f", "version": 1}"#).unwrap()
}

fn ada() -> Context {
    Context::new("ada").unwrap()
}

/// Counts an evaluation of the flag `f`.
fn count(summaries: &Summaries, flag: &Flag, context: &Context) {
    let value = Value::from(true);
    let event = EvaluationEvent {
        key: flag.key(),
        context,
        flag: Some((flag, &Verdict::Off)),
        variation: Some((1, &value)),
        error: None,
        big_segments_status: None,
        with_reason: false,
        prerequisite_of: None,
        default: Some(&|| Value::from(false)),
    };
    summaries.count(&event, false, || 7);
}

fn total(summary: &Summary) -> u64 {
    let flags = summary.flags.values();
    let counters = flags.flat_map(|flag| &flag.counters);
    counters.map(|counter| counter.count).sum()
}

fn identify(date: u64) -> FullEvent {
    FullEvent::Identify {
        date,
        context: ada(),
    }
}

#[test]
fn no_count_is_lost_or_doubled_while_counts_are_taken() {
    explore("counts", || {
        let summaries = Arc::new(Summaries::default());
        let counting: Vec<_> = (0..2)
            .map(|_| {
                let summaries = Arc::clone(&summaries);
                thread::spawn(move || {
                    let (flag, ada) = (flag(), ada());
                    for _ in 0..2 {
                        count(&summaries, &flag, &ada);
                    }
                })
            })
            .collect();
        let (first, second) = (summaries.take(|| 9).0, summaries.take(|| 9).0);
        for thread in counting {
            thread.join().unwrap();
        }
        let counted = [first, second, summaries.take(|| 9).0];
        assert_eq!(counted.iter().map(total).sum::<u64>(), 4);
        assert_eq!(summaries.total(), 0);
    });
}

#[test]
fn threads_that_share_a_shard_lose_no_count() {
    explore("counts in one shard", || {
        let summaries = Arc::new(Summaries::default());
        // There are two shards, so two of the three threads share one.
        let counting: Vec<_> = (0..3)
            .map(|_| {
                let summaries = Arc::clone(&summaries);
                thread::spawn(move || count(&summaries, &flag(), &ada()))
            })
            .collect();
        let first = summaries.take(|| 9).0;
        for thread in counting {
            thread.join().unwrap();
        }
        assert_eq!(total(&first) + total(&summaries.take(|| 9).0), 3);
    });
}

#[test]
fn a_memory_limit_is_never_exceeded_and_all_memory_is_released() {
    explore("memory limit", || {
        let budget = Arc::new(Budget::new(10));
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let budget = Arc::clone(&budget);
                thread::spawn(move || {
                    let is_charged = budget.charge(6);
                    if is_charged {
                        assert!(!budget.has_room(5));
                        budget.release(6);
                    }
                    is_charged
                })
            })
            .collect();
        let charged = threads.into_iter().map(|thread| thread.join().unwrap());
        assert!(charged.filter(|is_charged| *is_charged).count() > 0);
        assert!(budget.has_room(10) && !budget.has_room(11));
    });
}

#[test]
fn one_of_the_threads_that_meet_a_context_reports_it() {
    explore("known contexts", || {
        let known = Arc::new(SeenContexts::new(1));
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let known = Arc::clone(&known);
                thread::spawn(move || !known.seen(7, || true))
            })
            .collect();
        let mut reported = usize::from(!known.seen(7, || true));
        for thread in threads {
            reported += usize::from(thread.join().unwrap());
        }
        assert_eq!(reported, 1);
    });
}

#[test]
fn every_event_is_buffered_or_reported_as_dropped_and_there_is_room_again() {
    explore("event buffer", || {
        let buffer = Arc::new(Buffer::new(1));
        let threads: Vec<_> = (0..2)
            .map(|n| {
                let buffer = Arc::clone(&buffer);
                thread::spawn(move || buffer.push(|| identify(n)))
            })
            .collect();
        let mut taken = buffer.take().len();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(buffer.has_room(), buffer.len() == 0);
        taken += buffer.take().len();
        assert_eq!(u64::try_from(taken).unwrap() + buffer.dropped(), 2);
        assert!(buffer.has_room());
        buffer.push(|| identify(2));
        assert_eq!(buffer.len(), 1);
    });
}

#[test]
fn every_event_counts_as_pending_or_dropped_when_the_worker_fails() {
    explore("the worker fails", || {
        let records = Arc::new(Records::new(10, 1, false));
        let recording = {
            let records = Arc::clone(&records);
            thread::spawn(move || {
                for _ in 0..2 {
                    records.record(&Event::Identify(&ada()));
                }
            })
        };
        records.fail();
        recording.join().unwrap();
        assert_eq!(records.dropped() + records.pending(), 2);
    });
}

#[test]
fn an_event_is_pending_until_it_is_delivered() {
    explore("pending events", || {
        let records = Arc::new(Records::new(10, 1, false));
        records.record(&Event::Identify(&ada()));
        let delivered = Arc::new(AtomicBool::new(false));
        let worker = {
            let (records, delivered) = (Arc::clone(&records), Arc::clone(&delivered));
            thread::spawn(move || {
                let (payload, _, in_flight) = records.take();
                assert_eq!(payload.len(), 1);
                delivered.store(true, Ordering::SeqCst);
                drop(in_flight);
            })
        };
        if records.pending() == 0 {
            assert!(delivered.load(Ordering::SeqCst));
        }
        worker.join().unwrap();
        assert_eq!(records.pending(), 0);
    });
}
