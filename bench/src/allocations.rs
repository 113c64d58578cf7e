//! Counts of allocations, from a program that can count to the one that does not.

use std::collections::HashMap;
use std::env::consts::EXE_SUFFIX;
use std::error::Error;
use std::ops::{Add, Div};
use std::path::PathBuf;
use std::process::{Command as Process, Stdio};

use serde::{Deserialize, Serialize};

use crate::command::Command;

/// Counts what each thread allocates by itself.
pub(crate) const BY_THREAD: &str = "vexil-bench-allocs";
/// Counts what all threads of the process allocate.
pub(crate) const BY_PROCESS: &str = "vexil-bench-heap";

/// What was allocated, or what a call allocates on average.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Allocated {
    /// How often.
    pub allocations: f64,
    /// How much.
    pub bytes: f64,
}

/// Runs a closure and says what was allocated meanwhile.
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

/// The program of this name, which is built together with this one.
pub(crate) fn neighbour(name: &str) -> Result<PathBuf, Box<dyn Error>> {
    let program = std::env::current_exe()?.with_file_name(format!("{name}{EXE_SUFFIX}"));
    match program.exists() {
        true => Ok(program),
        false => Err(format!("{name} is not there: build all programs of the package").into()),
    }
}

/// What a call of each lane allocates on its thread, by the lane's name.
pub(crate) fn from_neighbour(
    command: &Command,
) -> Result<HashMap<String, Allocated>, Box<dyn Error>> {
    let output = Process::new(neighbour(BY_THREAD)?)
        .args(command.arguments())
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err("the counting of allocations failed".into());
    }
    let text = String::from_utf8(output.stdout)?;
    text.lines()
        .map(|line| from_line(line).ok_or_else(|| format!("not a count: {line}").into()))
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
    fn a_line_is_read_as_it_was_written() {
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
    fn other_lines_are_refused() {
        assert!(from_line("a, simple\tmany\t1").is_none());
        assert!(from_line("a, simple").is_none());
    }
}
