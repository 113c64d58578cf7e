//! Memory and threads of a process, as reported by the kernel.

use std::fs;

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Memory {
    /// The peak resident memory in KiB.
    pub(crate) peak: u64,
    /// The current resident memory in KiB.
    pub(crate) resident: u64,
    pub(crate) threads: u64,
}

impl Memory {
    /// Reads the memory of this process; the error says why it is unknown.
    pub(crate) fn now() -> Result<Self, String> {
        Self::read("/proc/self/status")
    }

    /// Reads the memory of the process with this id.
    pub(crate) fn of(process: u32) -> Result<Self, String> {
        Self::read(&format!("/proc/{process}/status"))
    }

    fn read(path: &str) -> Result<Self, String> {
        let status = fs::read_to_string(path).map_err(|error| {
            format!("{path} cannot be read, as on systems other than Linux: {error}")
        })?;
        Self::parse(&status).ok_or_else(|| format!("{path} lacks VmHWM or VmRSS in kB, or Threads"))
    }

    fn parse(status: &str) -> Option<Self> {
        let value = |name| {
            status
                .lines()
                .find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim()))
        };
        let kib = |name| value(name)?.strip_suffix("kB")?.trim_end().parse().ok();
        Some(Self {
            peak: kib("VmHWM")?,
            resident: kib("VmRSS")?,
            threads: value("Threads")?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_are_found_among_others() {
        let status = "Name:\tvexil-bench\nVmPeak:\t  999999 kB\nVmHWM:\t   43210 kB\nVmRSS:\t    9876 kB\nRssAnon:\t 1 kB\nThreads:\t3\n";
        assert_eq!(
            Memory::parse(status),
            Some(Memory {
                peak: 43_210,
                resident: 9_876,
                threads: 3
            })
        );
    }

    #[test]
    fn invalid_texts_are_rejected() {
        for status in [
            "",
            "VmHWM:\t1 kB\n",
            "Threads:\t1\nVmHWM:\t1 MB\nVmRSS:\t1 kB\n",
            "VmHWM:\t1 kB\nVmRSS:\t1 kB\n",
        ] {
            assert_eq!(Memory::parse(status), None, "{status}");
        }
    }
}
