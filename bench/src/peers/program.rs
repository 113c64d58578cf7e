//! [`Program`]: the program of an SDK, and what it is asked.

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ours;
use crate::memory::Memory;
use crate::workload::{AttributeData, ContextData};

/// The argument of a program.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Options {
    /// The service.
    pub(super) url: String,
    /// A database to read flags from instead, with the cache that is the default; or empty.
    pub(super) redis: String,
    /// Whether the second protocol is used, with the default data system.
    pub(super) data_system: bool,
    /// Whether events are sent to the service.
    pub(super) events: bool,
    pub(super) contexts: Vec<Value>,
    pub(super) flags: Vec<String>,
    /// Whether the state of all flags is measured.
    pub(super) state: bool,
    /// The seconds of the warm-up, and of the timed loop.
    pub(super) warm: f64,
    pub(super) seconds: f64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct About {
    pub(super) about: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Started {
    pub(super) started: f64,
}

/// A timed loop.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Timed {
    /// The value of the flag for the first context, or the number of flags in the state.
    pub(super) answer: Value,
    /// The calls of the loop, and the seconds that they took.
    pub(super) calls: u64,
    pub(super) seconds: f64,
    /// The calls of the loop and of the warm-up, without the one that returned the answer.
    pub(super) made: u64,
}

/// An installed program.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) name: String,
    command: Vec<OsString>,
    /// Whether the SDK has a store for Redis.
    pub(super) has_redis: bool,
}

impl Program {
    pub(super) fn ours() -> Result<Self, Box<dyn Error>> {
        Ok(Self {
            name: "ours".into(),
            command: vec![env::current_exe()?.into(), ours::SUBCOMMAND.into()],
            has_redis: true,
        })
    }

    /// Returns the programs named by the environment, as `scripts/bench-peers` sets it.
    pub(super) fn installed() -> Vec<Self> {
        let of = |name: &str, variable, before: &[&str], after: &[&str], has_redis| {
            let installed = env::var_os(variable)?;
            let before = before.iter().map(OsString::from);
            let after = after.iter().map(OsString::from);
            Some(Self {
                name: name.into(),
                command: before.chain([installed]).chain(after).collect(),
                has_redis,
            })
        };
        let script = "bench/peers/python/peer.py";
        let all = [
            of("Go", "VEXIL_BENCH_GO", &[], &[], true),
            of("Node.js", "VEXIL_BENCH_NODE", &["node"], &[], true),
            of("Python", "VEXIL_BENCH_PYTHON", &[], &[script], true),
            of("Rust", "VEXIL_BENCH_RUST", &[], &[], false),
        ];
        all.into_iter().flatten().collect()
    }

    /// Starts the program. It waits for [`Running::start_client`].
    pub(super) fn start(&self, options: &Options) -> Result<Running, Box<dyn Error>> {
        let (program, arguments) = self.command.split_first().ok_or("the command is empty")?;
        let mut process = Command::new(program)
            .args(arguments)
            .arg(serde_json::to_string(options)?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}", self.name))?;
        let (input, output) = (process.stdin.take(), process.stdout.take());
        let output = output.ok_or("the output is not piped")?;
        let mut running = Running {
            name: self.name.clone(),
            about: String::new(),
            input,
            lines: BufReader::new(output).lines(),
            process,
        };
        running.about = running.read::<About>()?.about;
        Ok(running)
    }

    /// Returns the name and version of the SDK.
    pub(super) fn about(&self) -> Result<String, Box<dyn Error>> {
        Ok(self.start(&Options::default())?.about.clone())
    }
}

/// A program that was started. It is killed if it is dropped.
pub(super) struct Running {
    name: String,
    about: String,
    input: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
    process: Child,
}

impl Running {
    /// Starts the client. Returns the seconds until it had flags.
    pub(super) fn start_client(&mut self) -> Result<f64, Box<dyn Error>> {
        if let Some(input) = &mut self.input {
            input.write_all(b"\n")?;
        }
        Ok(self.read::<Started>()?.started)
    }

    /// Returns the result of the next loop.
    pub(super) fn timed(&mut self) -> Result<Timed, Box<dyn Error>> {
        self.read()
    }

    pub(super) fn memory(&self) -> Result<Memory, String> {
        Memory::of(self.process.id())
    }

    /// Closes the client, and waits for the end of the process.
    pub(super) fn close(mut self) -> Result<(), Box<dyn Error>> {
        drop(self.input.take());
        match self.process.wait()?.success() {
            true => Ok(()),
            false => Err(format!("{}: the process failed", self.name).into()),
        }
    }

    fn read<T: DeserializeOwned>(&mut self) -> Result<T, Box<dyn Error>> {
        let line = self.lines.next().transpose()?;
        let line = line.ok_or_else(|| format!("{}: the process has ended", self.name))?;
        serde_json::from_str(&line).map_err(|_| format!("{}: {line}", self.name).into())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Fails only if the process has ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns a context as JSON, with another key if one is named.
pub(super) fn context(data: &ContextData, key: Option<String>) -> Value {
    let mut context = json!({
        "kind": data.kind.unwrap_or("user"),
        "key": key.unwrap_or_else(|| data.key.to_owned()),
    });
    for &(name, value) in data.attributes {
        context[name] = match value {
            AttributeData::Text(text) => json!(text),
            AttributeData::Number(number) => json!(number),
            AttributeData::Flag(flag) => json!(flag),
            AttributeData::List(items) => json!(items),
        };
    }
    context
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::USER;

    #[test]
    fn a_context_as_json_is_that_of_the_workload() {
        use crate::ours::Ours;
        use crate::sdk::Sdk as _;

        let parsed: vexil::Context = serde_json::from_value(context(&USER, None)).unwrap();
        assert_eq!(parsed, Ours::context(&USER).unwrap());
        assert_eq!(context(&USER, Some("a".into()))["key"], "a");
    }

    #[test]
    fn a_program_that_ends_early_is_an_error() {
        let program = Program {
            name: "none".into(),
            command: vec!["true".into()],
            has_redis: false,
        };
        let error = program.start(&Options::default()).err().unwrap();
        assert_eq!(error.to_string(), "none: the process has ended");
    }
}
