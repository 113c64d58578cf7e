//! Times and counts of calls.
//!
//! On a shared machine the seconds differ more from each other than the sides do. So the sides
//! take turns (ours, peer, ours, peer, …) in batches long enough to read the clock rarely and
//! short enough that a slow spell falls on both; the median of a side's batches is its number, and
//! the least and greatest show how far to trust it.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::allocations::{Allocated, Counter};
use crate::compare::Case;
use crate::layout::Spread;

/// Makes the call as often as it is told.
///
/// The loop is inside, compiled together with the call, so that dynamic dispatch is paid once a
/// batch and not once a call.
pub(crate) type Batch = Box<dyn FnMut(u64)>;

/// A batch of `call`s. The result is dropped within the measured time.
pub(crate) fn batch<R>(mut call: impl FnMut() -> R + 'static) -> Batch {
    Box::new(move |times| {
        for _ in 0..times {
            black_box(call());
        }
    })
}

/// One of those that are measured beside each other, by its name.
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

/// How long to measure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Batches of each side.
    pub(crate) rounds: usize,
    /// What one batch should last.
    pub(crate) batch: Duration,
}

/// Something known of both sides.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sides<T> {
    pub(crate) ours: T,
    pub(crate) peer: T,
}

/// Times both sides of a case, in turns: nanoseconds per call.
pub(crate) fn alternate(case: &mut Case, pace: Pace) -> Sides<Spread> {
    let [ours, peer] = in_turns([&mut case.ours, &mut case.peer], pace);
    Sides { ours, peer }
}

/// Times all of them, in turns: nanoseconds per call.
pub(crate) fn in_turns<const N: usize>(batches: [&mut Batch; N], pace: Pace) -> [Spread; N] {
    let mut timed = batches.map(|batch| Timed::new(batch, pace));
    for _ in 0..pace.rounds {
        timed.iter_mut().for_each(Timed::take_turn);
    }
    timed.map(|timed| Spread::of(timed.turns))
}

/// Counts what a call allocates, on average of a few.
pub(crate) fn count(lane: &mut Lane, count: Counter<'_>) -> Allocated {
    const CALLS: u32 = 8;
    // What is made once and kept is not part of a call.
    (lane.run)(1);
    count(&mut || (lane.run)(u64::from(CALLS))) / f64::from(CALLS)
}

struct Timed<'a> {
    run: &'a mut Batch,
    /// Calls in one turn.
    calls: u64,
    /// Nanoseconds per call, a number for each turn.
    turns: Vec<f64>,
}

impl Pace {
    /// The same time in more and shorter batches, which fall into the same spell of a shared
    /// machine more often: for what is so short that its neighbours' moods weigh more than it does.
    pub(crate) fn finer(self) -> Self {
        Self {
            rounds: 5 * self.rounds,
            batch: self.batch / 5,
        }
    }
}

impl<'a> Timed<'a> {
    /// Finds how many calls fill a batch; that also warms the side up.
    fn new(run: &'a mut Batch, pace: Pace) -> Self {
        let mut calls = 1;
        loop {
            if clock(run, calls) * 4 >= pace.batch {
                // The first calls were slower than those that are measured.
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
    fn sides_take_turns() {
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
        // Before that, each side finds how many calls fill a batch.
        assert!(order.ends_with("ABABAB"), "{order}");
    }

    #[test]
    fn counts_are_per_call_and_leave_out_the_first() {
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
