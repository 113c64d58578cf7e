//! [`Summaries`]: counts evaluations per flag, without contention between threads.
//!
//! Each thread has its own shard (until there are more threads than shards), so its lock is
//! uncontended and no cache line moves between cores. A count of a known flag is never dropped: it
//! stays in its shard until a payload takes it.
//!
//! Keys of unknown flags and context kinds may come from outside the application, in any number and
//! length. They share memory budgets; what exceeds them is dropped and counted. The cost of an
//! evaluation does not depend on their number.

use std::collections::hash_map;
use std::sync::atomic::Ordering;
use std::sync::{OnceLock, PoisonError};

use hashbrown::HashTable;
use smallvec::SmallVec;
use vexil_eval::{Context, Text, Value, key_hash};

use super::budget::Budget;
use super::payload::{Counter, FlagSummary, Summary};
use crate::events::EvaluationEvent;
use crate::per_thread::PerThread;
use crate::sync::atomic::{AtomicBool, AtomicU64};
use crate::sync::{Mutex, MutexGuard};

/// Memory limit for counts of unknown flags.
const UNKNOWN_FLAGS_BYTES: usize = 4 << 20;

/// Memory limit for context kinds.
const KINDS_BYTES: usize = 1 << 20;

/// Maximum number of kinds per count. They are searched linearly.
const MOST_KINDS: usize = 100;

/// The first kind of each count is not charged up to this length: it takes at most a multiple of
/// the flag's own size.
const FREE_KIND_BYTES: usize = 64;

#[derive(Debug)]
pub(super) struct Summaries {
    shards: PerThread<Mutex<Counts>>,
    /// Sequence number of the next count, across shards. Incremented once per new count, not per
    /// evaluation.
    next: AtomicU64,
    unknown_flags: Budget,
    kinds: Budget,
    /// One counter per thread, because under attack every evaluation may drop something. Unset
    /// before anything is dropped.
    dropped: OnceLock<PerThread<Dropped>>,
    /// Whether dropping was logged since the last payload was taken.
    warned: AtomicBool,
}

impl Default for Summaries {
    fn default() -> Self {
        Self {
            shards: PerThread::default(),
            next: AtomicU64::new(0),
            unknown_flags: Budget::new(UNKNOWN_FLAGS_BYTES),
            kinds: Budget::new(KINDS_BYTES),
            dropped: OnceLock::new(),
            warned: AtomicBool::new(false),
        }
    }
}

#[derive(Debug, Default)]
struct Dropped {
    counts: AtomicU64,
    kinds: AtomicU64,
}

/// Number of evaluations not counted, or counted without their kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct DroppedTotal {
    pub(super) counts: u64,
    pub(super) kinds: u64,
}

#[derive(Debug, Default)]
struct Counts {
    table: HashTable<Count>,
    /// Time of the first count, in milliseconds since 1970.
    start: u64,
    /// Number of evaluations for contexts that were known already.
    deduplicated: u64,
    /// Bytes charged to each budget.
    unknown_flags_bytes: usize,
    kinds_bytes: usize,
}

#[derive(Debug)]
struct Count {
    hash: u64,
    /// Position among the counts of all shards, in the order of creation.
    sequence: u64,
    key: Text,
    version: Option<u64>,
    variation: Option<usize>,
    is_override: bool,
    value: Value,
    default: Option<Value>,
    kinds: SmallVec<[Text; 1]>,
    /// Hash of the last kinds added, a fast path for the common case of no new kinds.
    last_kinds: u64,
    count: u64,
}

impl Summaries {
    /// Counts an evaluation. The clock is read only for the first one of a payload.
    pub(super) fn count(
        &self,
        event: &EvaluationEvent<'_>,
        known_context: bool,
        now: impl Fn() -> u64,
    ) {
        let variation = event.variation.map(|(index, _)| index);
        let (version, is_override, key_hash) = match event.flag {
            Some((flag, _)) => (Some(flag.version()), flag.is_override(), flag.key_hash()),
            None => (None, false, key_hash(event.key)),
        };
        let hash = mix(key_hash, version, variation);
        let mut counts = self.own();
        let counts = &mut *counts;
        counts.deduplicated += u64::from(known_context);
        let same = |count: &Count| {
            count.variation == variation
                && count.version == version
                && count.is_override == is_override
                && count.key == *event.key
        };
        if let Some(count) = counts.table.find_mut(hash, same) {
            count.count += 1;
            if count.last_kinds != event.context.kinds_hash() {
                count.last_kinds = event.context.kinds_hash();
                self.add_kinds(&mut count.kinds, &mut counts.kinds_bytes, event.context);
            }
            return;
        }
        self.begin(counts, event, hash, now);
    }

    /// Creates a new count.
    fn begin(
        &self,
        counts: &mut Counts,
        event: &EvaluationEvent<'_>,
        hash: u64,
        now: impl Fn() -> u64,
    ) {
        // Checked before the value and the default are created, so that a flood of unknown flags
        // stays cheap.
        let is_unknown = event.flag.is_none();
        let key_bytes = size_of::<Count>() + event.key.len();
        if is_unknown && !self.unknown_flags.has_room(key_bytes) {
            return self.drop_count();
        }
        let (value, default) = (event.value(), event.default_value());
        if is_unknown {
            let bytes = key_bytes + value.weight() + default.as_ref().map_or(0, Value::weight);
            if !self.unknown_flags.charge(bytes) {
                return self.drop_count();
            }
            counts.unknown_flags_bytes += bytes;
        }
        if counts.table.is_empty() {
            counts.start = now();
        }
        let mut count = Count {
            hash,
            sequence: self.next.fetch_add(1, Ordering::Relaxed),
            key: event.key.into(),
            version: event.flag.map(|(flag, _)| flag.version()),
            variation: event.variation.map(|(index, _)| index),
            is_override: event.is_override(),
            value,
            default,
            kinds: SmallVec::new(),
            last_kinds: event.context.kinds_hash(),
            count: 1,
        };
        self.add_kinds(&mut count.kinds, &mut counts.kinds_bytes, event.context);
        counts.table.insert_unique(hash, count, |count| count.hash);
    }

    /// Adds the kinds of a context to a count. Stops at the first kind that has no room, so that a
    /// context of very many kinds costs no more than a full list.
    fn add_kinds(&self, kinds: &mut SmallVec<[Text; 1]>, charged: &mut usize, context: &Context) {
        for member in context.individual_contexts() {
            let kind = member.kind();
            if kinds.iter().any(|known| known == kind) {
                continue;
            }
            let is_free = kinds.is_empty() && kind.len() <= FREE_KIND_BYTES;
            let bytes = if is_free {
                0
            } else {
                size_of::<Text>() + kind.len()
            };
            if kinds.len() >= MOST_KINDS || !self.kinds.charge(bytes) {
                return self.drop_kind();
            }
            *charged += bytes;
            kinds.push(kind.into());
        }
    }

    /// Records an event for a context that was known already.
    pub(super) fn deduplicated(&self) {
        self.own().deduplicated += 1;
    }

    /// Takes all counts. Also returns the number of evaluations for known contexts.
    pub(super) fn take(&self, now: impl Fn() -> u64) -> (Summary, u64) {
        let (mut summary, mut deduplicated) = (
            Summary {
                start: u64::MAX,
                ..Summary::default()
            },
            0,
        );
        let mut taken = Vec::new();
        for shard in self.shards.iter() {
            let counts = std::mem::take(&mut *lock(shard));
            deduplicated += counts.deduplicated;
            self.unknown_flags.release(counts.unknown_flags_bytes);
            self.kinds.release(counts.kinds_bytes);
            if !counts.table.is_empty() {
                summary.start = summary.start.min(counts.start);
            }
            taken.extend(counts.table);
        }
        self.warned.store(false, Ordering::Relaxed);
        // The default of a flag and the values of its counters are those of the first evaluation.
        taken.sort_unstable_by_key(|count| count.sequence);
        for mut count in taken {
            match summary.flags.entry(std::mem::take(&mut count.key)) {
                hash_map::Entry::Occupied(mut flag) => flag.get_mut().add(count),
                hash_map::Entry::Vacant(entry) => {
                    let flag = FlagSummary {
                        default: count.default.take(),
                        ..FlagSummary::default()
                    };
                    entry.insert(flag).add(count);
                }
            }
        }
        // Read after all counts are taken, so that none of them is later unless the clock was set
        // back.
        summary.end = now();
        summary.start = summary.start.min(summary.end);
        (summary, deduplicated)
    }

    /// Returns the number of evaluations counted and not taken yet.
    pub(super) fn total(&self) -> u64 {
        self.shards
            .iter()
            .map(|shard| {
                lock(shard)
                    .table
                    .iter()
                    .map(|count| count.count)
                    .sum::<u64>()
            })
            .sum()
    }

    /// Returns the numbers dropped so far.
    pub(super) fn dropped(&self) -> DroppedTotal {
        self.dropped
            .get()
            .into_iter()
            .flat_map(PerThread::iter)
            .fold(DroppedTotal::default(), |total, dropped| DroppedTotal {
                counts: total.counts + dropped.counts.load(Ordering::Relaxed),
                kinds: total.kinds + dropped.kinds.load(Ordering::Relaxed),
            })
    }

    #[cold]
    fn drop_count(&self) {
        self.dropped_here().counts.fetch_add(1, Ordering::Relaxed);
        self.warn_once(
            "too many unknown flags, further ones are not counted until the next delivery",
        );
    }

    #[cold]
    fn drop_kind(&self) {
        self.dropped_here().kinds.fetch_add(1, Ordering::Relaxed);
        self.warn_once(
            "too many context kinds, further ones are not reported until the next delivery",
        );
    }

    /// What the current thread has dropped.
    fn dropped_here(&self) -> &Dropped {
        self.dropped.get_or_init(PerThread::default).own()
    }

    fn warn_once(&self, message: &str) {
        // Plain load first: avoids taking the cache line exclusive once it is set.
        if !self.warned.load(Ordering::Relaxed) && !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!("{message}");
        }
    }

    fn own(&self) -> MutexGuard<'_, Counts> {
        lock(self.shards.own())
    }
}

fn lock(shard: &Mutex<Counts>) -> MutexGuard<'_, Counts> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[expect(clippy::as_conversions, reason = "bits to mix")]
fn mix(key: u64, version: Option<u64>, variation: Option<usize>) -> u64 {
    let version = version.map_or(0, |version| version.wrapping_add(1));
    let variation = variation.map_or(0, |variation| variation.wrapping_add(1) as u64);
    (key ^ version.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ variation.rotate_left(32))
        .wrapping_mul(0xD6E8_FEB8_6659_FD93)
}

impl FlagSummary {
    /// Adds a count. Among counts with the same version and variation, of an override or not, the
    /// value of the first one is kept.
    fn add(&mut self, count: Count) {
        self.kinds.extend(count.kinds);
        let same = |counter: &&mut Counter| {
            counter.version == count.version
                && counter.variation == count.variation
                && counter.is_override == count.is_override
        };
        match self.counters.iter_mut().find(same) {
            Some(counter) => counter.count += count.count,
            None => self.counters.push(Counter {
                version: count.version,
                variation: count.variation,
                is_override: count.is_override,
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
    use vexil_eval::Verdict;
    use vexil_eval::model::Flag;

    const THREADS: u64 = 8;
    const CALLS: u64 = if cfg!(miri) { 20 } else { 20_000 };

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
        summary
            .flags
            .values()
            .flat_map(|flag| &flag.counters)
            .map(|counter| counter.count)
            .sum()
    }

    #[test]
    fn no_count_is_lost_while_counts_are_taken() {
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
                    scope.spawn(|| {
                        (0..CALLS)
                            .for_each(|n| count(&summaries, flags.get(n as usize % 6), &context))
                    })
                })
                .collect();
            counting
                .into_iter()
                .for_each(|thread| thread.join().unwrap());
            done.store(true, Ordering::Relaxed);
            taken = taker.join().unwrap();
        });
        assert_eq!(taken + total(&summaries.take(|| 9).0), THREADS * CALLS);
    }

    // EVT-1.6
    #[test]
    fn a_summary_does_not_end_before_it_starts_even_if_the_clock_is_set_back() {
        let summaries = Summaries::default();
        let (flag, ada) = (flag("f", 1), Context::new("ada").unwrap());
        for (end, expected) in [(9, (7, 9)), (3, (3, 3)), (7_000_000, (7, 7_000_000))] {
            count(&summaries, Some(&flag), &ada);
            let (summary, _) = summaries.take(|| end);
            assert_eq!(
                (summary.start, summary.end, total(&summary)),
                (expected.0, expected.1, 1)
            );
        }
    }

    // EVT-1.6
    #[test]
    fn a_payload_sums_the_counts_of_all_threads() {
        let summaries = Summaries::default();
        let ada = Context::new("ada").unwrap();
        let both =
            Context::multi([ada.clone(), Context::with_kind("acme", "org").unwrap()]).unwrap();
        let (one, two) = (flag("f", 1), flag("f", 2));
        std::thread::scope(|scope| {
            for context in [&ada, &both] {
                scope.spawn(|| {
                    [Some(&one), Some(&two), None].map(|flag| count(&summaries, flag, context))
                });
            }
        });
        let (summary, _) = summaries.take(|| 9);
        assert_eq!((summary.start, summary.end), (7, 9));
        let known = &summary.flags["f"];
        assert_eq!(
            known.kinds.iter().map(Text::as_str).collect::<Vec<_>>(),
            ["org", "user"]
        );
        assert_eq!(known.default, Some(Value::from(false)));
        let mut counters: Vec<_> = known
            .counters
            .iter()
            .map(|counter| (counter.version, counter.count))
            .collect();
        counters.sort_unstable();
        assert_eq!(counters, [(Some(1), 2), (Some(2), 2)]);
        let [ghost] = &summary.flags["ghost"].counters[..] else {
            panic!("one counter")
        };
        assert_eq!(
            (ghost.version, ghost.variation, ghost.count, &ghost.value),
            (None, None, 2, &Value::from(false))
        );
        assert!(
            summaries.take(|| 9).0.flags.is_empty(),
            "counting starts from zero"
        );
    }

    /// Evaluates `flag`, or an unknown flag called `key`, with this default; `None` stands for a
    /// prerequisite.
    fn evaluate(
        summaries: &Summaries,
        key: &str,
        flag: Option<&Flag>,
        default: Option<Value>,
        context: &Context,
    ) {
        let value = Value::from(true);
        let make = || default.clone().unwrap_or_default();
        let event = EvaluationEvent {
            key,
            context,
            flag: flag.map(|flag| (flag, &Verdict::Off)),
            variation: flag.map(|_| (1, &value)),
            error: None,
            big_segments_status: None,
            with_reason: false,
            prerequisite_of: None,
            default: default.is_some().then_some(&make),
        };
        summaries.count(&event, false, || 7);
    }

    #[test]
    fn the_default_of_a_flag_is_that_of_its_first_evaluation_on_any_thread() {
        let ada = Context::new("ada").unwrap();
        // More rounds than shards, so that the first evaluation is also in a later shard than the
        // others.
        for round in 0..if cfg!(miri) { 4 } else { 100 } {
            let summaries = Summaries::default();
            let first = round % 4;
            for call in 0..4 {
                let default = if call == 0 {
                    Value::from("first")
                } else {
                    Value::from(call)
                };
                // Different versions, so that a dependence on hash table order would show too.
                let flag = flag("f", (first + call) % 4);
                std::thread::scope(|scope| {
                    scope.spawn(|| evaluate(&summaries, "f", Some(&flag), Some(default), &ada));
                });
            }
            let (summary, _) = summaries.take(|| 9);
            assert_eq!(summary.flags["f"].default, Some("first".into()));
            assert_eq!(total(&summary), 4);
        }
    }

    #[test]
    fn a_flag_whose_first_evaluation_was_a_prerequisite_has_no_default() {
        let (summaries, ada, flag) = (
            Summaries::default(),
            Context::new("ada").unwrap(),
            flag("f", 1),
        );
        evaluate(&summaries, "f", Some(&flag), None, &ada);
        assert_eq!(summaries.take(|| 9).0.flags["f"].default, None);
    }

    #[test]
    fn unknown_flags_take_bounded_memory_and_known_flags_are_still_counted() {
        let (summaries, ada, known) = (
            Summaries::default(),
            Context::new("ada").unwrap(),
            flag("known", 1),
        );
        let long = "x".repeat(1_000);
        let calls = 20_000;
        for n in 0..calls {
            evaluate(
                &summaries,
                &format!("{long}{n}"),
                None,
                Some(false.into()),
                &ada,
            );
        }
        evaluate(
            &summaries,
            &"x".repeat(UNKNOWN_FLAGS_BYTES),
            None,
            Some(false.into()),
            &ada,
        );
        evaluate(&summaries, "known", Some(&known), Some(false.into()), &ada);

        let dropped = summaries.dropped();
        let (summary, _) = summaries.take(|| 9);
        assert_eq!(summary.flags["known"].counters[0].count, 1);
        let bytes: usize = summary.flags.keys().map(|key| key.len()).sum();
        assert!(
            (UNKNOWN_FLAGS_BYTES / 2..=UNKNOWN_FLAGS_BYTES).contains(&bytes),
            "{bytes}"
        );
        assert_eq!(
            total(&summary) + dropped.counts,
            calls + 2,
            "an evaluation not counted is reported as dropped"
        );

        let half = "x".repeat(UNKNOWN_FLAGS_BYTES / 2);
        evaluate(&summaries, &half, None, Some(false.into()), &ada);
        assert_eq!(
            (summaries.dropped(), total(&summaries.take(|| 9).0)),
            (dropped, 1),
            "there is room again"
        );
    }

    /// Captures the log of a test.
    #[derive(Clone, Debug, Default)]
    struct Log(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

    impl std::io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Log {
        /// How often too many unknown flags were logged while `act` runs.
        fn warnings(act: impl FnOnce()) -> usize {
            // With a second subscriber, `tracing` asks both about a line that another test is the
            // first to log.
            let quiet = tracing_subscriber::fmt().with_writer(std::io::sink);
            let _ = tracing::subscriber::set_global_default(quiet.finish());
            let log = Self::default();
            let to = log.clone();
            let subscriber = tracing_subscriber::fmt().with_writer(move || to.clone());
            tracing::subscriber::with_default(subscriber.finish(), act);
            let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
            text.matches("too many unknown flags").count()
        }
    }

    #[test]
    fn dropped_counts_are_logged_once_per_payload() {
        let (summaries, ada) = (Summaries::default(), Context::new("ada").unwrap());
        let long = "x".repeat(UNKNOWN_FLAGS_BYTES);
        let drop_two = || {
            for _ in 0..2 {
                evaluate(&summaries, &long, None, Some(false.into()), &ada);
            }
        };
        assert_eq!(Log::warnings(drop_two), 1);
        assert_eq!(Log::warnings(drop_two), 0);
        summaries.take(|| 9);
        assert_eq!(Log::warnings(drop_two), 1);
    }

    #[test]
    fn many_unknown_flags_with_short_keys_are_counted() {
        let (summaries, ada) = (Summaries::default(), Context::new("ada").unwrap());
        for n in 0..10_000 {
            evaluate(
                &summaries,
                &format!("flag-{n}"),
                None,
                Some(false.into()),
                &ada,
            );
        }
        assert_eq!(summaries.dropped().counts, 0);
        assert_eq!(summaries.take(|| 9).0.flags.len(), 10_000);
    }

    #[test]
    fn many_short_kinds_are_reported() {
        let summaries = Summaries::default();
        let kinds =
            (0..MOST_KINDS).map(|n| Context::with_kind("ada", format!("kind-{n}")).unwrap());
        let all = Context::multi(kinds).unwrap();
        for n in 0..200 {
            count(&summaries, Some(&flag(&format!("flag-{n}"), 1)), &all);
        }
        assert_eq!(summaries.dropped().kinds, 0);
    }

    #[test]
    fn counts_of_many_flags_versions_and_variations_are_never_mixed_up() {
        let summaries = Summaries::default();
        let ada = Context::new("ada").unwrap();
        let value = Value::from(true);
        let flags: Vec<_> = (0..2_000).map(|n| flag(&format!("flag-{n}"), 1)).collect();
        let versions: Vec<_> = (2..2_000).map(|version| flag("flag-0", version)).collect();
        for _ in 0..2 {
            for flag in flags.iter().chain(&versions) {
                count(&summaries, Some(flag), &ada);
            }
            for variation in 2..2_000 {
                let event = EvaluationEvent {
                    key: "flag-0",
                    context: &ada,
                    flag: Some((&flags[0], &Verdict::Off)),
                    variation: Some((variation, &value)),
                    error: None,
                    big_segments_status: None,
                    with_reason: false,
                    prerequisite_of: None,
                    default: None,
                };
                summaries.count(&event, false, || 7);
            }
        }
        let (summary, _) = summaries.take(|| 9);
        assert_eq!(summary.flags.len(), flags.len());
        assert_eq!(summary.flags["flag-0"].counters.len(), 1 + 2 * 1_998);
        for (key, flag) in &summary.flags {
            assert!(
                flag.counters.iter().all(|counter| counter.count == 2),
                "{key}"
            );
        }
    }

    #[test]
    fn evaluations_and_events_for_known_contexts_are_counted_on_all_threads() {
        let summaries = Summaries::default();
        let (flag, ada) = (flag("f", 1), Context::new("ada").unwrap());
        let value = Value::from(true);
        let evaluate = |known_context| {
            let event = EvaluationEvent {
                key: "f",
                context: &ada,
                flag: Some((&flag, &Verdict::Off)),
                variation: Some((1, &value)),
                error: None,
                big_segments_status: None,
                with_reason: false,
                prerequisite_of: None,
                default: None,
            };
            summaries.count(&event, known_context, || 7);
        };
        for _ in 0..2 {
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    [false, true, true].into_iter().for_each(evaluate);
                    summaries.deduplicated();
                });
            });
        }
        assert_eq!(summaries.take(|| 9).1, 6);
        assert_eq!(summaries.take(|| 9).1, 0);
    }

    #[test]
    fn a_large_default_of_an_unknown_flag_is_charged_to_the_memory_limit() {
        let (summaries, ada) = (Summaries::default(), Context::new("ada").unwrap());
        let large = Value::from("x".repeat(UNKNOWN_FLAGS_BYTES));
        evaluate(&summaries, "ghost", None, Some(large), &ada);
        assert_eq!(
            (summaries.dropped().counts, total(&summaries.take(|| 9).0)),
            (1, 0)
        );
    }

    #[test]
    fn kinds_take_bounded_memory_and_every_evaluation_is_counted() {
        let summaries = Summaries::default();
        let flags: Vec<_> = (0..2_000).map(|n| flag(&format!("flag-{n}"), 1)).collect();
        let kinds: Vec<_> = (0..80_000)
            .map(|n| Context::with_kind("ada", format!("kind-{n}")).unwrap())
            .collect();
        for context in &kinds {
            count(&summaries, Some(&flags[0]), context);
        }
        let long = Context::with_kind("ada", "x".repeat(KINDS_BYTES)).unwrap();
        count(&summaries, Some(&flags[1]), &long);
        let all = Context::multi(kinds[..200].to_vec()).unwrap();
        for flag in &flags[2..] {
            count(&summaries, Some(flag), &all);
        }
        let dropped = summaries.dropped().kinds;
        let (summary, _) = summaries.take(|| 9);
        assert_eq!(summary.flags["flag-0"].kinds.len(), MOST_KINDS);
        assert_eq!(summary.flags["flag-1"].kinds.len(), 0);
        let bytes: usize = summary
            .flags
            .values()
            .flat_map(|flag| &flag.kinds)
            .map(|kind| kind.len())
            .sum();
        assert!(bytes <= KINDS_BYTES, "{bytes}");
        assert_eq!(total(&summary), 80_000 + 1 + 1_998);
        assert_eq!(dropped, (80_000 - 100) + 1 + 1_998);

        count(&summaries, Some(&flags[1]), &all);
        assert_eq!(
            summaries.take(|| 9).0.flags["flag-1"].kinds.len(),
            MOST_KINDS,
            "there is room again"
        );
    }
}
