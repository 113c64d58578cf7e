//! `vexil eval` over a file of contexts, compared with a loop over the peer that only parses and
//! evaluates: five flags for 100,000 contexts, one JSON object on each line.

use std::error::Error;
use std::ffi::OsString;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use vexil_cli::{Exit, Io, Signals, Stdin, Stream};

use crate::layout::{self, Spread};
use crate::peer::Peer;
use crate::report::{Finding, Report, Target};
use crate::sdk::Sdk;
use crate::workload::{AttributeData, Data, USER};

const FLAGS: [&str; 5] = [
    "bench-simple",
    "bench-rules",
    "bench-segment-incl",
    "bench-prereq",
    "bench-target",
];

/// Measures this number of runs of each side, in turns.
pub(crate) fn report(
    data: &Data,
    contexts: usize,
    rounds: usize,
) -> Result<Report, Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let (flags, lines) = (
        directory.path().join("flags.json"),
        directory.path().join("contexts.jsonl"),
    );
    let json = data.to_json()?;
    std::fs::write(&flags, &json)?;
    let text: String = (0..contexts).map(|number| line(number) + "\n").collect();
    std::fs::write(&lines, text)?;

    let (mut ours, mut peer) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        ours.push(rate(contexts, || command(directory.path()))?);
        peer.push(rate(contexts, || by_peer(&json, &lines))?);
    }
    let (ours, peer) = (Spread::of(ours), Spread::of(peer));
    let ratio = ours.median / peer.median;
    let row = [
        format!("{contexts} contexts, {} flags", FLAGS.len()),
        ours.to_string(),
        peer.to_string(),
        format!("{ratio:.2}"),
    ];
    let headings = [
        "case",
        "vexil eval, contexts/s",
        "loop over the peer, contexts/s",
        "ours/peer",
    ];
    Ok(Report {
        text: layout::aligned(headings.map(String::from), &[row]),
        findings: vec![Finding::new(
            "vexil eval: contexts per second, times a loop over the peer",
            ratio,
            Target::AtLeast(1.0),
        )],
    })
}

/// Returns the number of contexts per second.
fn rate(
    contexts: usize,
    run: impl FnOnce() -> Result<(), Box<dyn Error>>,
) -> Result<f64, Box<dyn Error>> {
    let begun = Instant::now();
    run()?;
    Ok(contexts as f64 / begun.elapsed().as_secs_f64())
}

/// Runs the command, with the start of its client and the reading of the flags.
fn command(directory: &Path) -> Result<(), Box<dyn Error>> {
    let (_sender, signals) = Signals::channel();
    let mut io = Io {
        stdin: Stdin::new(std::io::empty(), false),
        stdout: Stream::new(std::io::sink(), false),
        stderr: Stream::new(std::io::sink(), false),
        variables: std::collections::HashMap::new(),
        directory: directory.to_owned(),
        signals,
    };
    let arguments = ["vexil", "eval", "flags.json"]
        .into_iter()
        .chain(FLAGS)
        .chain(["--contexts", "contexts.jsonl"]);
    match vexil_cli::run(arguments.map(OsString::from), &mut io) {
        Exit::Done => Ok(()),
        exit => Err(format!("vexil eval ended with {exit:?}").into()),
    }
}

/// Reads the flags and evaluates them for each line with the peer.
fn by_peer(json: &[u8], lines: &Path) -> Result<(), Box<dyn Error>> {
    use std::io::BufRead;

    let client = Peer::client(&Peer::test_data(Peer::parse(json)?))?;
    let file = std::io::BufReader::new(std::fs::File::open(lines)?);
    let mut on = 0_u64;
    for line in file.lines() {
        let context = serde_json::from_str(&line?)?;
        for flag in FLAGS {
            on += u64::from(Peer::bool_variation(&client, flag, &context));
        }
    }
    black_box(on);
    Ok(())
}

/// Returns the workload's user with another key, as JSON.
fn line(number: usize) -> String {
    let mut user = serde_json::Map::new();
    user.insert("kind".into(), "user".into());
    user.insert("key".into(), format!("{}-{number}", USER.key).into());
    for (name, value) in USER.attributes {
        let value = match value {
            AttributeData::Text(text) => (*text).into(),
            AttributeData::Number(number) => (*number).into(),
            AttributeData::Flag(flag) => (*flag).into(),
            AttributeData::List(items) => items.iter().copied().collect(),
        };
        user.insert((*name).into(), value);
    }
    serde_json::Value::Object(user).to_string()
}
