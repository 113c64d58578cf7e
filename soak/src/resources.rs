//! Memory, threads and file descriptors of this process, and whether they grow.

use std::fs;
use std::time::{Duration, Instant};

/// The part of a run that is left out: caches and pools fill.
const WARM_UP: f64 = 0.3;

/// Parts of the rest of a run. The lowest sample of each counts, because a leak raises what is used at
/// the quietest moment, and retries and bursts of connections raise only what is used between them.
const WINDOWS: usize = 7;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sample {
    /// Resident memory, in MiB.
    pub(crate) memory: f64,
    pub(crate) threads: f64,
    pub(crate) descriptors: f64,
}

impl Sample {
    /// Returns `None` where `/proc` does not exist.
    pub(crate) fn take() -> Option<Self> {
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<f64>().ok()
        };
        Some(Self {
            memory: number("VmRSS:")? / 1024.0,
            threads: number("Threads:")?,
            // Without the one that reads the folder.
            descriptors: (fs::read_dir("/proc/self/fd").ok()?.count() as f64) - 1.0,
        })
    }
}

/// A resource, and how much it may grow between the middle and the end of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resource {
    pub(crate) name: &'static str,
    pub(crate) of: fn(&Sample) -> f64,
    /// Absolute and relative margin. The greater one applies.
    pub(crate) margin: (f64, f64),
    /// How much of it a proxy of this program uses; `None` if what is left after the last client
    /// was closed is not limited, because the allocator keeps it.
    pub(crate) of_proxy: Option<f64>,
}

pub(crate) const RESOURCES: [Resource; 3] = [
    Resource {
        name: "memory, MiB",
        of: |sample| sample.memory,
        margin: (12.0, 0.1),
        of_proxy: None,
    },
    // Blocking tasks start threads, which end after 10 s without work.
    Resource {
        name: "threads",
        of: |sample| sample.threads,
        margin: (20.0, 0.0),
        of_proxy: Some(1.0),
    },
    Resource {
        name: "descriptors",
        of: |sample| sample.descriptors,
        margin: (32.0, 0.0),
        // Its runtime, its sockets, and one for tokio's signals, which `vexil-cli` enables.
        of_proxy: Some(7.0),
    },
];

/// Samples of a run, in order.
#[derive(Debug)]
pub(crate) struct Samples {
    began: Instant,
    samples: Vec<(Duration, Sample)>,
}

/// How a resource developed: the lowest samples of windows after the warm-up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Course {
    pub(crate) warm: f64,
    pub(crate) middle: f64,
    pub(crate) end: f64,
    /// Of all windows but the last.
    highest: f64,
    /// The slope of the line through the windows, per minute.
    pub(crate) slope: f64,
    /// The growth along that line.
    growth: f64,
}

impl Samples {
    pub(crate) fn new() -> Self {
        Self {
            began: Instant::now(),
            samples: Vec::new(),
        }
    }

    pub(crate) fn take(&mut self) {
        if let Some(sample) = Sample::take() {
            self.samples.push((self.began.elapsed(), sample));
        }
    }

    /// Returns `None` if there are too few samples.
    pub(crate) fn course(&self, resource: &Resource) -> Option<Course> {
        let total = self.samples.last()?.0.as_secs_f64();
        let points = self
            .samples
            .iter()
            .map(|(time, sample)| (time.as_secs_f64(), (resource.of)(sample)));
        course(&points.collect::<Vec<_>>(), total)
    }
}

fn course(points: &[(f64, f64)], total: f64) -> Option<Course> {
    let length = (1.0 - WARM_UP) * total / WINDOWS as f64;
    let low = |window: usize| {
        let begin = WARM_UP * total + window as f64 * length;
        let inside = |point: &&(f64, f64)| point.0 >= begin && point.0 <= begin + length;
        let values = points.iter().filter(inside).map(|point| point.1);
        values.min_by(f64::total_cmp)
    };
    let lows: Vec<f64> = (0..WINDOWS).map(low).collect::<Option<_>>()?;
    let slope = slope(&lows);
    Some(Course {
        warm: *lows.first()?,
        middle: lows[WINDOWS / 2],
        end: *lows.last()?,
        highest: lows[..WINDOWS - 1].iter().copied().max_by(f64::total_cmp)?,
        slope: slope / length * 60.0,
        growth: slope * (WINDOWS - 1) as f64,
    })
}

impl Course {
    /// Whether the resource does not grow: the end is within the margin of what was seen before, because
    /// faults close connections for a time, and the line through all windows rises by no more than twice
    /// the margin.
    pub(crate) fn is_flat(&self, resource: &Resource) -> bool {
        let (absolute, relative) = resource.margin;
        let margin = absolute.max(relative * self.middle);
        self.end <= self.highest + margin && self.growth <= 2.0 * margin
    }
}

/// The slope of the line with the least squares through values at equal distances.
fn slope(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let center = (count - 1.0) / 2.0;
    let mean = values.iter().sum::<f64>() / count;
    let distances = || (0..values.len()).map(|position| position as f64 - center);
    let spread: f64 = distances().map(|distance| distance.powi(2)).sum();
    let common: f64 = distances()
        .zip(values)
        .map(|(distance, value)| distance * (value - mean))
        .sum();
    common / spread
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARGIN: Resource = Resource {
        name: "memory, MiB",
        of: |sample| sample.memory,
        margin: (8.0, 0.1),
        of_proxy: None,
    };

    /// A sample a second for ten minutes.
    fn of(value: impl Fn(f64) -> f64) -> Course {
        let seconds = (0..600).map(f64::from);
        let points: Vec<_> = seconds.map(|second| (second, value(second))).collect();
        course(&points, 599.0).unwrap()
    }

    #[test]
    fn a_constant_is_flat_whatever_the_warm_up() {
        assert!(of(|_| 50.0).is_flat(&MARGIN));
        assert!(of(|second| (second * 3.0).min(120.0)).is_flat(&MARGIN));
    }

    #[test]
    fn noise_is_flat() {
        assert!(of(|second| 50.0 + 6.0 * (second * 0.7).sin()).is_flat(&MARGIN));
        let peak = |second| if second == 570.0 { 500.0 } else { 50.0 };
        assert!(of(peak).is_flat(&MARGIN));
    }

    #[test]
    fn steady_growth_is_not_flat() {
        let course = of(|second| 50.0 + 0.05 * second);
        assert!((course.slope - 3.0).abs() < 0.01, "{course:?}");
        assert!(!course.is_flat(&MARGIN));
    }

    #[test]
    fn what_returns_after_a_fault_is_flat() {
        let fault = 240.0..420.0;
        let course = of(|second| if fault.contains(&second) { 30.0 } else { 50.0 });
        assert!(course.is_flat(&MARGIN), "{course:?}");
    }

    #[test]
    fn bursts_that_end_are_flat() {
        let burst = |second: f64| {
            if second % 60.0 < 50.0 {
                second * 0.2
            } else {
                0.0
            }
        };
        let course = of(|second| 180.0 + burst(second));
        assert!(course.is_flat(&MARGIN), "{course:?}");
    }

    #[test]
    fn growth_at_the_end_is_not_flat() {
        let late = |second: f64| 50.0 + (second - 500.0).max(0.0) * 0.3;
        assert!(!of(late).is_flat(&MARGIN));
    }

    #[test]
    fn a_relative_margin_applies_to_large_numbers() {
        let course = of(|second| 400.0 + 0.05 * second);
        assert!(course.is_flat(&MARGIN), "{course:?}");
    }

    #[test]
    fn this_process_has_memory_threads_and_descriptors() {
        let sample = Sample::take().unwrap();
        assert!(sample.memory > 1.0 && sample.threads >= 1.0 && sample.descriptors >= 3.0);
    }
}
