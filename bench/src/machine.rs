//! Measures the load of other processes, so that results from a busy machine can be recognised.

use std::fs;
use std::thread;

/// Processor time in ticks: of all processes, and of this process including the children that it
/// has waited for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Busy {
    all: u64,
    own: u64,
    passed: u64,
}

impl Busy {
    /// Returns the time up to now; `None` on systems other than Linux.
    pub(crate) fn now() -> Option<Self> {
        let (all, passed) = machine(&fs::read_to_string("/proc/stat").ok()?)?;
        Some(Self {
            all,
            own: process(&fs::read_to_string("/proc/self/stat").ok()?)?,
            passed,
        })
    }

    /// Returns the number of processors that other processes kept busy since then, and the number
    /// of all processors.
    pub(crate) fn others_since(self) -> Option<(f64, f64)> {
        let now = Self::now()?;
        let cores = thread::available_parallelism().map_or(1.0, |cores| cores.get() as f64);
        let (all, own) = ((now.all - self.all) as f64, (now.own - self.own) as f64);
        let passed = (now.passed - self.passed) as f64;
        Some(((all - own).max(0.0) / passed * cores, cores))
    }
}

/// Returns how often this thread has waited for anything but a processor; `None` on systems other
/// than Linux.
pub(crate) fn waits() -> Option<u64> {
    voluntary(&fs::read_to_string("/proc/thread-self/status").ok()?)
}

fn voluntary(status: &str) -> Option<u64> {
    status
        .lines()
        .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?
        .trim()
        .parse()
        .ok()
}

/// Returns a sentence about the load of other processes since then.
pub(crate) fn remark(before: Option<Busy>) -> String {
    match before.and_then(Busy::others_since) {
        Some((others, cores)) => {
            format!("other load: {others:.2} of {cores:.0} processors busy with other processes\n")
        }
        None => "other load: unknown on this system\n".into(),
    }
}

/// Returns the ticks that all processors were busy, including steal time, and all ticks.
fn machine(stat: &str) -> Option<(u64, u64)> {
    let numbers: Option<Vec<u64>> = stat
        .lines()
        .next()?
        .strip_prefix("cpu ")?
        .split_whitespace()
        .take(8)
        .map(|field| field.parse().ok())
        .collect();
    let numbers = numbers?;
    // user, nice, system, idle, iowait, irq, softirq, steal
    let [_, _, _, idle, waiting, ..] = numbers[..] else {
        return None;
    };
    let passed: u64 = numbers.iter().sum();
    Some((passed - idle - waiting, passed))
}

/// Returns utime, stime, cutime and cstime: the 14th field and those after it. The process name
/// before them may contain spaces.
fn process(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    fields
        .split_whitespace()
        .skip(11)
        .take(4)
        .map(|field| field.parse::<u64>().ok())
        .sum()
}

/// Returns the load average of the kernel, for the record.
pub(crate) fn state() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let cores = thread::available_parallelism().map_or(1, usize::from);
    format!(
        "{cores} processors, load {}\n",
        load.split(' ').take(3).collect::<Vec<_>>().join(" ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_parsed_from_proc_files() {
        assert_eq!(
            machine("cpu  10 1 20 300 40 2 3 4 0 0\ncpu0 1 2\n"),
            Some((40, 380))
        );
        assert_eq!(machine("intr 1"), None);
        assert_eq!(
            voluntary("Threads:\t1\nvoluntary_ctxt_switches:\t7\nnonvoluntary_ctxt_switches:\t9\n"),
            Some(7)
        );
        let process_line = "7 (a) b) R 1 2 3 4 5 6 7 8 9 10 100 20 3 4 20 0";
        assert_eq!(process(process_line), Some(127));
    }
}
