//! Counts of allocations, from the program that can count to the one that does not.

use std::collections::HashMap;
use std::env::consts::EXE_SUFFIX;
use std::error::Error;
use std::process::{Command as Process, Stdio};

use crate::command::Command;
use crate::measure::Sides;

/// The counts by case; none, with a remark, if the counting program has not been built.
pub(crate) fn from_neighbour(command: Command) -> Result<HashMap<String, Sides<f64>>, Box<dyn Error>> {
    let program = std::env::current_exe()?.with_file_name(format!("vexil-bench-allocs{EXE_SUFFIX}"));
    if !program.exists() {
        eprintln!("allocations are not counted: build vexil-bench-allocs too");
        return Ok(HashMap::new());
    }
    let output = Process::new(program).arg(command.name()).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err("the counting of allocations failed".into());
    }
    let text = String::from_utf8(output.stdout)?;
    text.lines().map(|line| from_line(line).ok_or_else(|| format!("not a count: {line}").into())).collect()
}

pub(crate) fn to_line(name: &str, counts: Sides<f64>) -> String {
    format!("{name}\t{}\t{}", counts.ours, counts.peer)
}

fn from_line(line: &str) -> Option<(String, Sides<f64>)> {
    let mut fields = line.split('\t');
    let name = fields.next()?.to_owned();
    let mut count = || fields.next()?.parse().ok();
    Some((name, Sides { ours: count()?, peer: count()? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_it_was_written() {
        let (name, read) = from_line(&to_line("a, simple", Sides { ours: 0.0, peer: 12.5 })).unwrap();
        assert_eq!((name.as_str(), read.ours, read.peer), ("a, simple", 0.0, 12.5));
    }

    #[test]
    fn other_lines_are_refused() {
        assert!(from_line("a, simple\tmany\t1").is_none());
        assert!(from_line("a, simple").is_none());
    }
}
