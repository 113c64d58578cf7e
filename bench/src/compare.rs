//! Two sides of one case, brought together.
//!
//! Before anything is timed, the answers are compared: two sides that differ are not doing the
//! same work, and a ratio of their times would mean nothing.

use std::error::Error;

use crate::measure::{Batch, Lane};
use crate::ours::Ours;
use crate::peer::Peer;
use crate::sdk::Sdk;

/// A measurement, written once for whichever side.
pub(crate) trait Measurement {
    fn calls<S: Sdk>(&self) -> Result<Vec<Call>, Box<dyn Error>>;
}

/// One side of a case, ready to be run.
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) run: Batch,
    /// What the call answers; the sides must agree.
    pub(crate) answer: bool,
    /// How much text one call reads, if that is what it does.
    pub(crate) bytes: Option<usize>,
    /// How many times faster than the peer ours is meant to be.
    pub(crate) target: Option<f64>,
}

impl Call {
    /// A call without a target, whose answer says nothing.
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
    /// The names of both sides, ours first.
    pub(crate) fn names(&self) -> [String; 2] {
        ["ours", "peer"].map(|side| format!("{side} {}", self.name))
    }

    /// Both sides, ours first.
    pub(crate) fn into_lanes(self) -> [Lane; 2] {
        let [ours, peer] = self.names();
        [Lane::new(ours, self.ours), Lane::new(peer, self.peer)]
    }
}

/// The measurement for both sides.
pub(crate) fn both(measurement: &impl Measurement) -> Result<Vec<Case>, Box<dyn Error>> {
    let ours = measurement.calls::<Ours>()?;
    let peers = measurement.calls::<Peer>()?;
    ours.into_iter()
        .zip(peers)
        .map(|(ours, peer)| {
            if ours.answer != peer.answer {
                let (name, ours, peer) = (peer.name, ours.answer, peer.answer);
                return Err(format!("{name}: ours answers {ours}, the peer {peer}").into());
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
