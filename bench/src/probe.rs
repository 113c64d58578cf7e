//! Measurements in a separate process: the program starts itself again with a hidden subcommand.
//!
//! A process measures only one side, so that the state of allocator and caches left by one side
//! does not affect the other. The sides alternate, as elsewhere.
//! not the other's to pay. The sides take turns, as elsewhere.

use std::error::Error;
use std::path::PathBuf;
use std::process::{Command as Process, Stdio};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::allocations::Counter;
use crate::measure::Sides;
use crate::ours::Ours;
use crate::peer::Peer;
use crate::sdk::Sdk;
use crate::{event_allocations, events, many_clients, many_flags, paced, startup, under_patches};

const SUBCOMMAND: &str = "probe";
const OURS: &str = "ours";
const PEER: &str = "peer";

/// A measurement in a separate process, for either side.
pub(crate) trait Probe: Sized {
    const NAME: &'static str;
    type Found: Serialize + DeserializeOwned;

    /// Returns the path of the program to start.
    fn program(&self) -> Result<PathBuf, Box<dyn Error>> {
        Ok(std::env::current_exe()?)
    }

    fn arguments(&self) -> Vec<String>;

    fn parse(arguments: &[String]) -> Option<Self>;

    /// Runs the measurement. `count` counts allocations if this program can.
    fn run<S: Sdk>(&self, count: Counter<'_>) -> Result<Self::Found, Box<dyn Error>>;
}

/// Runs the probe in a new process for each side.
pub(crate) fn both<P: Probe>(probe: &P) -> Result<Sides<P::Found>, Box<dyn Error>> {
    Ok(Sides {
        ours: ours(probe)?,
        peer: peer(probe)?,
    })
}

/// Runs the probe in a new process for our side.
pub(crate) fn ours<P: Probe>(probe: &P) -> Result<P::Found, Box<dyn Error>> {
    start(probe, OURS)
}

/// Runs the probe in a new process for the peer.
pub(crate) fn peer<P: Probe>(probe: &P) -> Result<P::Found, Box<dyn Error>> {
    start(probe, PEER)
}

fn start<P: Probe>(probe: &P, side: &str) -> Result<P::Found, Box<dyn Error>> {
    let mut process = Process::new(probe.program()?);
    let arguments = probe.arguments();
    process
        .args([SUBCOMMAND, side, P::NAME])
        .args(&arguments)
        .stderr(Stdio::inherit());
    let output = process.output()?;
    if !output.status.success() {
        return Err(format!("{}, {side}, {arguments:?}: the process failed", P::NAME).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Runs the probe if this process was started by [`both`], [`ours`] or [`peer`].
pub(crate) fn run(arguments: &[String], count: Counter<'_>) -> Option<Result<(), Box<dyn Error>>> {
    let [SUBCOMMAND, side, name, ..] = arguments.iter().map(String::as_str).collect::<Vec<_>>()[..]
    else {
        return None;
    };
    let rest = arguments.get(3..).unwrap_or_default();
    Some(match name {
        events::Loop::NAME => answer::<events::Loop>(side, rest, count),
        startup::Start::NAME => answer::<startup::Start>(side, rest, count),
        under_patches::Calls::NAME => answer::<under_patches::Calls>(side, rest, count),
        event_allocations::Counting::NAME => {
            answer::<event_allocations::Counting>(side, rest, count)
        }
        many_clients::ManyClients::NAME => answer::<many_clients::ManyClients>(side, rest, count),
        many_flags::ManyFlags::NAME => answer::<many_flags::ManyFlags>(side, rest, count),
        paced::Paced::NAME => answer::<paced::Paced>(side, rest, count),
        _ => Err(format!("unknown probe {name}").into()),
    })
}

fn answer<P: Probe>(
    side: &str,
    arguments: &[String],
    count: Counter<'_>,
) -> Result<(), Box<dyn Error>> {
    let probe = P::parse(arguments)
        .ok_or_else(|| format!("invalid arguments for {}: {arguments:?}", P::NAME))?;
    let found = match side {
        OURS => probe.run::<Ours>(count)?,
        PEER => probe.run::<Peer>(count)?,
        _ => return Err(format!("unknown side {side}").into()),
    };
    println!("{}", serde_json::to_string(&found)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::allocations::Allocated;

    #[test]
    fn other_arguments_are_ignored() {
        let run = |arguments: &[&str]| {
            let arguments: Vec<_> = arguments.iter().map(|&a| a.to_owned()).collect();
            run(&arguments, &|_| Allocated::default())
        };
        assert!(run(&["evaluation"]).is_none());
        assert!(run(&[]).is_none());
        assert!(run(&[SUBCOMMAND, OURS, "nothing"]).unwrap().is_err());
        assert!(
            run(&[SUBCOMMAND, OURS, startup::Start::NAME])
                .unwrap()
                .is_err()
        );
        assert!(
            run(&[
                SUBCOMMAND,
                "neither",
                startup::Start::NAME,
                "http://localhost:1"
            ])
            .unwrap()
            .is_err()
        );
    }
}
