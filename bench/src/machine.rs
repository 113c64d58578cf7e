//! How busy the machine is with others meanwhile: figures that were taken on a busy machine say so.

use std::fs;
use std::thread;

/// The time that processors have spent, in ticks: by everybody, and by this process with the
/// children it has waited for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Busy {
    all: u64,
    own: u64,
    passed: u64,
}

impl Busy {
    /// Up to now; none on systems other than Linux.
    pub(crate) fn now() -> Option<Self> {
        let (all, passed) = machine(&fs::read_to_string("/proc/stat").ok()?)?;
        Some(Self {
            all,
            own: process(&fs::read_to_string("/proc/self/stat").ok()?)?,
            passed,
        })
    }

    /// How many processors others have kept busy since then, of how many there are.
    pub(crate) fn others_since(self) -> Option<(f64, f64)> {
        let now = Self::now()?;
        let cores = thread::available_parallelism().map_or(1.0, |cores| cores.get() as f64);
        let (all, own) = ((now.all - self.all) as f64, (now.own - self.own) as f64);
        let passed = (now.passed - self.passed) as f64;
        Some(((all - own).max(0.0) / passed * cores, cores))
    }
}

/// How often this thread has waited for something, other than for a processor; none on systems
/// other than Linux.
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

/// A sentence about how busy others were since then.
pub(crate) fn remark(before: Option<Busy>) -> String {
    match before.and_then(Busy::others_since) {
        Some((others, cores)) => {
            format!("foreign: others kept {others:.2} of {cores:.0} processors busy meanwhile\n")
        }
        None => "foreign: unknown on this system\n".into(),
    }
}

/// Ticks of all processors that were spent on anything, those that another machine took included;
/// and all ticks.
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

/// utime, stime, cutime and cstime: the 14th field and those after it, behind a name that may have
/// blanks.
fn process(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    fields
        .split_whitespace()
        .skip(11)
        .take(4)
        .map(|field| field.parse::<u64>().ok())
        .sum()
}

/// The load that the kernel reports, for the record.
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
    fn times_are_found_in_what_the_kernel_writes() {
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
