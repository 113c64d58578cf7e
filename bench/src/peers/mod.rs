//! The published SDKs for Go, Node.js and Python and the newest one for Rust, beside ours.
//!
//! Each SDK has a program in `bench/peers`, which `scripts/bench-peers` installs, and ours has one in
//! this crate. All do the same:
//!
//! 1. read [`Options`] as JSON from the first argument,
//! 2. print `{"about"}`, the name and version of the SDK, and wait for a line of input,
//! 3. start a client, and print `{"started"}`, the seconds until it had flags,
//! 4. for each flag, evaluate it for the contexts in turn, and print [`Timed`]; then the same for the
//!    state of all flags, if asked,
//! 5. wait for the end of the input, and close the client.
//!
//! A program doubles the calls until they take as long as the warm-up, and then times one loop, in one
//! thread. The clients have default settings, and no events unless asked. Ours runs before each turn of
//! each other SDK, so that a slow period of the machine affects both.

mod ours;
mod program;
mod session;
mod turns;

use std::error::Error;

use crate::daemon::Database;
use crate::effort::Effort;
use crate::report::Report;
use crate::workload::generate;

pub(crate) use self::ours::run;
use self::program::{Options, Program, Timed};
use self::session::Session;
use self::turns::{Reading, Sense, Turns};

/// Measures all SDKs that are installed.
pub(crate) fn report(effort: Effort) -> Result<Report, Box<dyn Error>> {
    let (ours, peers) = (Program::ours()?, Program::installed());
    if peers.is_empty() {
        return Err("no other SDK is installed: run scripts/bench-peers".into());
    }
    let (thousand, ten_thousand) = (generate(1_000), generate(10_000));
    let mut sessions = vec![
        Session::calls(&thousand, effort)?,
        Session::events(&thousand, effort)?,
        Session::start(&ten_thousand, effort, false)?,
        Session::start(&ten_thousand, effort, true)?,
    ];
    let mut notes = Vec::new();
    match Database::start(thousand) {
        Ok(database) => sessions.push(Session::store(database, effort)?),
        Err(error) => notes.push(format!("no persistent store: {error}\n")),
    }

    let mut turns = Turns::new(peers.iter().map(|peer| peer.name.clone()).collect());
    for session in &sessions {
        for _ in 0..effort.choose(2, 3) {
            for (index, peer) in peers.iter().enumerate() {
                if session.is_for(peer) {
                    turns.add(index, session.run(&ours)?, session.run(peer)?)?;
                }
            }
        }
    }
    for program in [&ours].into_iter().chain(&peers) {
        notes.push(format!("{}: {}\n", program.name, program.about()?));
    }
    Ok(Report {
        text: turns.table() + &notes.concat(),
        findings: Vec::new(),
    })
}
