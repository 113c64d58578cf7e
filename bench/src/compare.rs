//! Two sides of one case, brought together.
//!
//! Before anything is timed, the answers are compared: two sides that differ are not doing the
//! same work, and a ratio of their times would mean nothing.

use std::error::Error;

use crate::measure::Batch;
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
}

/// A case with both sides.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) ours: Batch,
    pub(crate) peer: Batch,
    pub(crate) bytes: Option<usize>,
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
            Ok(Case { name: peer.name, ours: ours.run, peer: peer.run, bytes: peer.bytes })
        })
        .collect()
}
