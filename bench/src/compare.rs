//! Combines both sides of a case.
//!
//! The answers are compared before anything is timed: sides with different answers do different
//! work, and the ratio of their times would be meaningless.

use std::error::Error;

use crate::measure::{Batch, Lane};
use crate::ours::Ours;
use crate::peer::Peer;
use crate::sdk::Sdk;

/// A measurement, written once for both sides.
pub(crate) trait Measurement {
    fn calls<S: Sdk>(&self) -> Result<Vec<Call>, Box<dyn Error>>;
}

/// One side of a case, ready to run.
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) run: Batch,
    /// The result of the call; both sides must return the same.
    pub(crate) answer: bool,
    /// The size of the text that a call parses, if any.
    pub(crate) bytes: Option<usize>,
    /// The target speed-up over the peer.
    pub(crate) target: Option<f64>,
}

impl Call {
    /// Creates a call without a target or a meaningful result.
    pub(crate) fn new(name: impl Into<String>, run: Batch) -> Self {
        Self {
            name: name.into(),
            run,
            answer: true,
            bytes: None,
            target: None,
        }
    }
}

/// A case with both sides.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) ours: Batch,
    pub(crate) peer: Batch,
    pub(crate) bytes: Option<usize>,
    pub(crate) target: Option<f64>,
}

impl Case {
    /// Returns the names of both sides, ours first.
    pub(crate) fn names(&self) -> [String; 2] {
        ["ours", "peer"].map(|side| format!("{side} {}", self.name))
    }

    /// Returns both sides as lanes, ours first.
    pub(crate) fn into_lanes(self) -> [Lane; 2] {
        let [ours, peer] = self.names();
        [Lane::new(ours, self.ours), Lane::new(peer, self.peer)]
    }
}

/// Prepares a measurement for both sides.
pub(crate) fn both(measurement: &impl Measurement) -> Result<Vec<Case>, Box<dyn Error>> {
    let ours = measurement.calls::<Ours>()?;
    let peers = measurement.calls::<Peer>()?;
    ours.into_iter()
        .zip(peers)
        .map(|(ours, peer)| {
            if ours.answer != peer.answer {
                let (name, ours, peer) = (peer.name, ours.answer, peer.answer);
                return Err(format!("{name}: ours returns {ours}, the peer {peer}").into());
            }
            Ok(Case {
                name: peer.name,
                ours: ours.run,
                peer: peer.run,
                bytes: peer.bytes,
                target: peer.target,
            })
        })
        .collect()
}
