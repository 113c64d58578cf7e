//! Runs each part in a separate process.
//!
//! Leftovers of one part (a fragmented heap, threads that end later) would otherwise slow down the
//! next one. The process writes its reports as lines of JSON, and the parent process displays them.

use std::error::Error;
use std::io::{BufRead as _, BufReader};
use std::process::{Command as Process, Stdio};

use crate::command::Command;
use crate::machine::{self, Busy};
use crate::report::Report;

const SUBCOMMAND: &str = "part";

/// Measures in a new process and passes on its reports.
pub(crate) fn start(command: &Command, mut each: impl FnMut(Report)) -> Result<(), Box<dyn Error>> {
    let mut process = Process::new(std::env::current_exe()?);
    let mut process = process
        .arg(SUBCOMMAND)
        .args(command.arguments())
        .stdout(Stdio::piped())
        .spawn()?;
    if let Some(found) = process.stdout.take() {
        for line in BufReader::new(found).lines() {
            each(serde_json::from_str(&line?)?);
        }
    }
    match process.wait()?.success() {
        true => Ok(()),
        false => Err(format!(
            "{}: the process failed",
            command.arguments().collect::<Vec<_>>().join(" ")
        )
        .into()),
    }
}

/// Runs the part if this process was started by [`start`].
pub(crate) fn run(arguments: &[String]) -> Option<Result<(), Box<dyn Error>>> {
    let (SUBCOMMAND, rest) = arguments
        .split_first()
        .map(|(first, rest)| (first.as_str(), rest))?
    else {
        return None;
    };
    Some(measure(rest))
}

fn measure(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let command = Command::parse(arguments.iter().cloned())?;
    let mut before = Busy::now();
    command.measure(|mut report| {
        report.text += &machine::remark(before);
        // A report consists of text and numbers, which can always be serialized.
        println!("{}", serde_json::to_string(&report).unwrap_or_default());
        before = Busy::now();
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_arguments_are_ignored() {
        let run =
            |arguments: &[&str]| run(&arguments.iter().map(|&a| a.to_owned()).collect::<Vec<_>>());
        assert!(run(&["evaluation"]).is_none() && run(&[]).is_none());
        assert!(run(&[SUBCOMMAND, "nothing"]).unwrap().is_err());
    }
}
