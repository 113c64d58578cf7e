//! [`Summaries`]: counts evaluations, without threads getting into one another's way.
//!
//! Each thread has a shard of its own (until there are more threads than shards), so its lock is free whenever the
//! thread comes, and no cache line travels between cores. A count is never dropped: it is in a shard until a payload
//! takes it.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hashbrown::HashTable;
use smallvec::SmallVec;

use super::EvaluationEvent;
use super::payload::{Counter, FlagSummary, Summary};
use super::per_thread::PerThread;
use crate::context::Context;
use crate::text::{Text, identity};
use crate::value::Value;

#[derive(Debug, Default)]
pub(super) struct Summaries(PerThread<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    table: HashTable<Count>,
    /// When the first of them was counted, in milliseconds since 1970.
    start: u64,
    /// How many evaluations were for contexts that were known already.
    deduplicated: u64,
}

#[derive(Debug)]
struct Count {
    hash: u64,
    key: Text,
    version: Option<u64>,
    variation: Option<usize>,
    value: Value,
    default: Option<Value>,
    kinds: SmallVec<[Text; 1]>,
    /// A hash of the kinds that were added last: mostly there is nothing to add.
    last_kinds: u64,
    count: u64,
}

impl Summaries {
    /// Counts an evaluation. The clock is read only for the first of a payload.
    pub(super) fn count(&self, event: &EvaluationEvent<'_>, known_context: bool, now: impl Fn() -> u64) {
        let variation = event.variation.map(|(index, _)| index);
        let (version, key_hash) = match event.flag {
            Some((flag, _)) => (Some(flag.version), flag.identity),
            None => (None, identity(event.key)),
        };
        let hash = mix(key_hash, version, variation);
        let mut counts = self.own();
        counts.deduplicated += u64::from(known_context);
        let same = |count: &Count| count.variation == variation && count.version == version && count.key == *event.key;
        if let Some(count) = counts.table.find_mut(hash, same) {
            count.count += 1;
            if count.last_kinds != event.context.kinds_identity() {
                count.last_kinds = event.context.kinds_identity();
                count.add_kinds(event.context);
            }
            return;
        }
        if counts.table.is_empty() {
            counts.start = now();
        }
        let mut count = Count {
            hash,
            key: event.key.into(),
            version,
            variation,
            value: event.value(),
            default: event.default_value(),
            kinds: SmallVec::new(),
            last_kinds: event.context.kinds_identity(),
            count: 1,
        };
        count.add_kinds(event.context);
        counts.table.insert_unique(hash, count, |count| count.hash);
    }

    /// Notes that an event was for a context that was known already.
    pub(super) fn deduplicated(&self) {
        self.own().deduplicated += 1;
    }

    /// Takes all counts. Gives the number of evaluations for known contexts too.
    pub(super) fn take(&self, now: impl Fn() -> u64) -> (Summary, u64) {
        let (mut summary, mut deduplicated) = (Summary { start: u64::MAX, ..Summary::default() }, 0);
        for shard in self.0.iter() {
            let counts = std::mem::take(&mut *lock(shard));
            deduplicated += counts.deduplicated;
            if !counts.table.is_empty() {
                summary.start = summary.start.min(counts.start);
            }
            for count in counts.table {
                summary.flags.entry(count.key.clone()).or_default().add(count);
            }
        }
        // Read when all are taken, so that none of them is later; unless the clock was set back meanwhile.
        summary.end = now();
        summary.start = summary.start.min(summary.end);
        (summary, deduplicated)
    }

    /// How many evaluations are counted and not taken yet.
    pub(super) fn total(&self) -> u64 {
        self.0.iter().map(|shard| lock(shard).table.iter().map(|count| count.count).sum::<u64>()).sum()
    }

    fn own(&self) -> MutexGuard<'_, Counts> {
        lock(self.0.own())
    }
}

fn lock(shard: &Mutex<Counts>) -> MutexGuard<'_, Counts> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[expect(clippy::as_conversions, reason = "bits to mix")]
fn mix(key: u64, version: Option<u64>, variation: Option<usize>) -> u64 {
    let version = version.map_or(0, |version| version.wrapping_add(1));
    let variation = variation.map_or(0, |variation| variation.wrapping_add(1) as u64);
    (key ^ version.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ variation.rotate_left(32)).wrapping_mul(0xD6E8_FEB8_6659_FD93)
}

impl Count {
    fn add_kinds(&mut self, context: &Context) {
        for member in context.individual_contexts() {
            if !self.kinds.iter().any(|known| known == member.kind()) {
                self.kinds.push(member.kind().into());
            }
        }
    }
}

impl FlagSummary {
    fn add(&mut self, count: Count) {
        if self.default.is_none() {
            self.default = count.default;
        }
        self.kinds.extend(BTreeSet::from_iter(count.kinds));
        let same = |counter: &&mut Counter| counter.version == count.version && counter.variation == count.variation;
        match self.counters.iter_mut().find(same) {
            Some(counter) => counter.count += count.count,
            None => self.counters.push(Counter {
                version: count.version,
                variation: count.variation,
                value: count.value,
                count: count.count,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::eval::Verdict;
    use crate::model::Flag;

    const THREADS: u64 = 8;
    const CALLS: u64 = 20_000;

    fn flag(key: &str, version: u64) -> Flag {
        serde_json::from_value(serde_json::json!({"key": key, "version": version})).unwrap()
    }

    fn count(summaries: &Summaries, flag: Option<&Flag>, context: &Context) {
        let value = Value::from(true);
        let event = EvaluationEvent {
            key: flag.map_or("ghost", |flag| flag.key()),
            context,
            flag: flag.map(|flag| (flag, &Verdict::Off)),
            variation: flag.map(|_| (1, &value)),
            error: None,
            big_segments_status: None,
            with_reason: false,
            prerequisite_of: None,
            default: Some(&|| Value::from(false)),
        };
        summaries.count(&event, false, || 7);
    }

    fn total(summary: &Summary) -> u64 {
        summary.flags.values().flat_map(|flag| &flag.counters).map(|counter| counter.count).sum()
    }

    #[test]
    fn no_count_is_lost_while_payloads_are_taken() {
        let (summaries, done) = (Summaries::default(), AtomicBool::new(false));
        let context = Context::new("ada").unwrap();
        let flags: Vec<_> = (0..5).map(|n| flag(&format!("flag-{n}"), n)).collect();
        let mut taken = 0;
        std::thread::scope(|scope| {
            let taker = scope.spawn(|| {
                let mut taken = 0;
                while !done.load(Ordering::Relaxed) {
                    taken += total(&summaries.take(|| 9).0);
                }
                taken
            });
            let counting: Vec<_> = (0..THREADS)
                .map(|_| {
                    scope.spawn(|| (0..CALLS).for_each(|n| count(&summaries, flags.get(n as usize % 6), &context)))
                })
                .collect();
            counting.into_iter().for_each(|thread| thread.join().unwrap());
            done.store(true, Ordering::Relaxed);
            taken = taker.join().unwrap();
        });
        assert_eq!(taken + total(&summaries.take(|| 9).0), THREADS * CALLS);
    }

    // Spec 03, section 1.6
    #[test]
    fn a_summary_does_not_end_before_it_begins_whatever_the_clock_does() {
        let summaries = Summaries::default();
        let (flag, ada) = (flag("f", 1), Context::new("ada").unwrap());
        for (end, expected) in [(9, (7, 9)), (3, (3, 3)), (7_000_000, (7, 7_000_000))] {
            count(&summaries, Some(&flag), &ada);
            let (summary, _) = summaries.take(|| end);
            assert_eq!((summary.start, summary.end, total(&summary)), (expected.0, expected.1, 1));
        }
    }

    // Spec 03, section 1.6
    #[test]
    fn a_payload_adds_up_what_all_threads_have_counted() {
        let summaries = Summaries::default();
        let ada = Context::new("ada").unwrap();
        let both = Context::multi([ada.clone(), Context::with_kind("acme", "org").unwrap()]).unwrap();
        let (one, two) = (flag("f", 1), flag("f", 2));
        std::thread::scope(|scope| {
            for context in [&ada, &both] {
                scope.spawn(|| [Some(&one), Some(&two), None].map(|flag| count(&summaries, flag, context)));
            }
        });
        let (summary, _) = summaries.take(|| 9);
        assert_eq!((summary.start, summary.end), (7, 9));
        let known = &summary.flags["f"];
        assert_eq!(known.kinds.iter().map(Text::as_str).collect::<Vec<_>>(), ["org", "user"]);
        assert_eq!(known.default, Some(Value::from(false)));
        let mut counters: Vec<_> = known.counters.iter().map(|counter| (counter.version, counter.count)).collect();
        counters.sort_unstable();
        assert_eq!(counters, [(Some(1), 2), (Some(2), 2)]);
        let [ghost] = &summary.flags["ghost"].counters[..] else { panic!("one counter") };
        assert_eq!((ghost.version, ghost.variation, ghost.count, &ghost.value), (None, None, 2, &Value::from(false)));
        assert!(summaries.take(|| 9).0.flags.is_empty(), "all begins anew");
    }
}
