//! Times and counts of calls.
//!
//! On a shared machine the load varies more from second to second than the sides differ. The sides
//! therefore alternate (ours, peer, ours, peer, …) in batches that are long enough to read the
//! clock rarely and short enough that a slow period affects both. The result of a side is the
//! median of its batches; minimum and maximum show how reliable it is.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::allocations::{Allocated, Counter};
use crate::compare::Case;
use crate::layout::Spread;

/// Makes the given number of calls.
///
/// The loop is inside and compiled together with the call, so that dynamic dispatch is paid once
/// per batch rather than once per call.
pub(crate) type Batch = Box<dyn FnMut(u64)>;

/// Wraps a call in a batch. Dropping the result is part of the measured time.
pub(crate) fn batch<R>(mut call: impl FnMut() -> R + 'static) -> Batch {
    Box::new(move |times| {
        for _ in 0..times {
            black_box(call());
        }
    })
}

/// One of several alternatives that are measured in turns.
pub(crate) struct Lane {
    pub(crate) name: String,
    pub(crate) run: Batch,
}

impl Lane {
    pub(crate) fn new(name: impl Into<String>, run: Batch) -> Self {
        Self {
            name: name.into(),
            run,
        }
    }
}

/// The duration of a measurement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Batches per side.
    pub(crate) rounds: usize,
    /// The target duration of a batch.
    pub(crate) batch: Duration,
}

/// A pair of values, one per side.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sides<T> {
    pub(crate) ours: T,
    pub(crate) peer: T,
}

/// Times both sides of a case in turns. Returns nanoseconds per call.
pub(crate) fn alternate(case: &mut Case, pace: Pace) -> Sides<Spread> {
    let [ours, peer] = in_turns([&mut case.ours, &mut case.peer], pace);
    Sides { ours, peer }
}

/// Times all batches in turns. Returns nanoseconds per call.
pub(crate) fn in_turns<const N: usize>(batches: [&mut Batch; N], pace: Pace) -> [Spread; N] {
    let mut timed = batches.map(|batch| Timed::new(batch, pace));
    for _ in 0..pace.rounds {
        timed.iter_mut().for_each(Timed::take_turn);
    }
    timed.map(|timed| Spread::of(timed.turns))
}

/// Returns the allocations per call, averaged over a few calls.
pub(crate) fn count(lane: &mut Lane, count: Counter<'_>) -> Allocated {
    const CALLS: u32 = 8;
    // Values that are created once and kept are not part of a call.
    (lane.run)(1);
    count(&mut || (lane.run)(u64::from(CALLS))) / f64::from(CALLS)
}

struct Timed<'a> {
    run: &'a mut Batch,
    /// Calls per turn.
    calls: u64,
    /// Nanoseconds per call of each turn.
    turns: Vec<f64>,
}

impl Pace {
    /// Returns the same total duration in more and shorter batches, which more often share the
    /// same load. For calls that are so short that the noise exceeds their duration.
    pub(crate) fn finer(self) -> Self {
        Self {
            rounds: 5 * self.rounds,
            batch: self.batch / 5,
        }
    }
}

impl<'a> Timed<'a> {
    /// Determines the number of calls per batch, which also warms up the side.
    fn new(run: &'a mut Batch, pace: Pace) -> Self {
        let mut calls = 1;
        loop {
            if clock(run, calls) * 4 >= pace.batch {
                // The first calls are slower than the measured ones.
                let elapsed = clock(run, calls);
                let fitting = calls as f64 * pace.batch.as_secs_f64() / elapsed.as_secs_f64();
                return Self {
                    run,
                    calls: (fitting as u64).max(1),
                    turns: Vec::with_capacity(pace.rounds),
                };
            }
            calls *= 2;
        }
    }

    fn take_turn(&mut self) {
        let elapsed = clock(self.run, self.calls);
        self.turns
            .push(elapsed.as_nanos() as f64 / self.calls as f64);
    }
}

fn clock(run: &mut Batch, calls: u64) -> Duration {
    let start = Instant::now();
    run(calls);
    start.elapsed()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::*;

    const PACE: Pace = Pace {
        rounds: 3,
        batch: Duration::from_micros(50),
    };

    #[test]
    fn sides_alternate() {
        let turns = Rc::new(RefCell::new(Vec::new()));
        let side = |name: char| -> Batch {
            let turns = Rc::clone(&turns);
            Box::new(move |times| {
                for call in 0..times {
                    black_box(call);
                }
                turns.borrow_mut().push(name);
            })
        };
        in_turns([&mut side('A'), &mut side('B')], PACE);

        let order: String = turns.borrow().iter().collect();
        // The calls before that determine the size of a batch.
        assert!(order.ends_with("ABABAB"), "{order}");
    }

    #[test]
    fn counts_are_per_call_and_exclude_the_first_call() {
        let calls = Rc::new(RefCell::new(0_u32));
        let seen = Rc::clone(&calls);
        let mut lane = Lane::new("count", batch(move || *seen.borrow_mut() += 1));

        let per_call = count(&mut lane, &|run| {
            let before = *calls.borrow();
            run();
            let made = f64::from(*calls.borrow() - before);
            Allocated {
                allocations: 3.0 * made,
                bytes: 24.0 * made,
            }
        });

        assert_eq!(
            per_call,
            Allocated {
                allocations: 3.0,
                bytes: 24.0
            }
        );
    }
}
