//! Allocation counts, passed from the counting programs to the timing program.

use std::collections::HashMap;
use std::env::consts::EXE_SUFFIX;
use std::error::Error;
use std::ops::{Add, Div};
use std::path::PathBuf;
use std::process::{Command as Process, Stdio};

use serde::{Deserialize, Serialize};

use crate::command::Command;

/// Counts the allocations of each thread separately.
pub(crate) const BY_THREAD: &str = "vexil-bench-allocs";
/// Counts the allocations of all threads of the process.
pub(crate) const BY_PROCESS: &str = "vexil-bench-heap";

/// A number of allocations, or the average per call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Allocated {
    /// The number of allocations.
    pub allocations: f64,
    /// The allocated bytes.
    pub bytes: f64,
}

/// Runs a closure and returns what was allocated during the run.
pub(crate) type Counter<'a> = &'a dyn Fn(&mut dyn FnMut()) -> Allocated;

impl Add for Allocated {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            allocations: self.allocations + other.allocations,
            bytes: self.bytes + other.bytes,
        }
    }
}

impl Div<f64> for Allocated {
    type Output = Self;

    fn div(self, by: f64) -> Self {
        Self {
            allocations: self.allocations / by,
            bytes: self.bytes / by,
        }
    }
}

/// Returns the path of a program that is built together with this one.
pub(crate) fn neighbour(name: &str) -> Result<PathBuf, Box<dyn Error>> {
    let program = std::env::current_exe()?.with_file_name(format!("{name}{EXE_SUFFIX}"));
    match program.exists() {
        true => Ok(program),
        false => Err(format!("{name} is missing: build all programs of the package").into()),
    }
}

/// Returns the allocations per call of each lane on its thread, by the name of the lane.
pub(crate) fn from_neighbour(
    command: &Command,
) -> Result<HashMap<String, Allocated>, Box<dyn Error>> {
    let output = Process::new(neighbour(BY_THREAD)?)
        .args(command.arguments())
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err("counting allocations failed".into());
    }
    let text = String::from_utf8(output.stdout)?;
    text.lines()
        .map(|line| from_line(line).ok_or_else(|| format!("invalid count: {line}").into()))
        .collect()
}

pub(crate) fn to_line(name: &str, per_call: Allocated) -> String {
    format!("{name}\t{}\t{}", per_call.allocations, per_call.bytes)
}

fn from_line(line: &str) -> Option<(String, Allocated)> {
    let mut fields = line.split('\t');
    let name = fields.next()?.to_owned();
    let mut count = || fields.next()?.parse().ok();
    Some((
        name,
        Allocated {
            allocations: count()?,
            bytes: count()?,
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_back_unchanged() {
        let per_call = Allocated {
            allocations: 12.5,
            bytes: 640.0,
        };
        assert_eq!(
            from_line(&to_line("ours a, simple", per_call)),
            Some(("ours a, simple".into(), per_call))
        );
    }

    #[test]
    fn other_lines_are_rejected() {
        assert!(from_line("a, simple\tmany\t1").is_none());
        assert!(from_line("a, simple").is_none());
    }
}
