//! [`Shared`]: state shared by the test and the proxy's thread.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use vexil::store::Changes;

use super::{Direction, ProxyCounts};
use crate::observed::Observed;
use crate::waiting::Watched;

pub(super) struct Shared {
    pub(super) server: SocketAddr,
    pub(super) state: Observed<State>,
}

#[derive(Default)]
pub(super) struct State {
    to_server: Faults,
    to_client: Faults,
    counts: ProxyCounts,
    /// The number of cuts of all connections, and how the last one ended them.
    cuts: (u64, End),
}

#[derive(Default)]
pub(super) struct Faults {
    pub(super) cut_after: Option<u64>,
    pub(super) delay: Duration,
    pub(super) stalled: bool,
    pub(super) corrupt: Option<Corruption>,
}

/// A closure that corrupts pieces of data. It is foreign code, so it has a separate lock and is
/// called under no other.
type Corruption = Arc<Mutex<dyn FnMut(&mut Vec<u8>) + Send>>;

/// How a connection is closed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum End {
    #[default]
    Closed,
    Reset,
}

impl State {
    fn faults(&self, direction: Direction) -> &Faults {
        match direction {
            Direction::ToServer => &self.to_server,
            Direction::ToClient => &self.to_client,
        }
    }

    pub(super) fn faults_mut(&mut self, direction: Direction) -> &mut Faults {
        match direction {
            Direction::ToServer => &mut self.to_server,
            Direction::ToClient => &mut self.to_client,
        }
    }
}

impl Shared {
    pub(super) fn new(server: SocketAddr) -> Self {
        Self {
            server,
            state: Observed::new(State::default()),
        }
    }

    pub(super) fn counts(&self) -> ProxyCounts {
        self.state.look(|state| state.counts)
    }

    pub(super) fn count(&self, count: impl FnOnce(&mut ProxyCounts)) {
        self.state.change(|state| count(&mut state.counts));
    }

    pub(super) fn cut(&self, end: End) {
        self.state
            .change(|state| state.cuts = (state.cuts.0 + 1, end));
    }

    /// The current number of cuts: a new connection is closed by the next one.
    pub(super) fn cuts(&self) -> u64 {
        self.state.look(|state| state.cuts.0)
    }

    /// Waits until connections opened at `cuts` are closed.
    pub(super) async fn ended(&self, cuts: u64) -> End {
        self.state
            .until(|state| Some(state.cuts.1).filter(|_| state.cuts.0 != cuts))
            .await
    }

    /// Waits while this direction is stalled or delayed.
    pub(super) async fn flows(&self, direction: Direction) {
        self.state
            .until(|state| Some(()).filter(|()| !state.faults(direction).stalled))
            .await;
    }

    pub(super) fn delay(&self, direction: Direction) -> Duration {
        self.state.look(|state| state.faults(direction).delay)
    }

    /// Applies the faults to a piece. Returns whether it is the last one to be forwarded.
    pub(super) fn corrupt(&self, direction: Direction, piece: &mut Vec<u8>) -> bool {
        let corrupt = self
            .state
            .look(|state| state.faults(direction).corrupt.clone());
        if let Some(corrupt) = corrupt {
            (corrupt.lock().unwrap_or_else(PoisonError::into_inner))(piece);
        }
        self.state
            .change_quietly(|state| state.faults_mut(direction).corrupt(piece))
    }
}

impl Faults {
    fn corrupt(&mut self, piece: &mut Vec<u8>) -> bool {
        let Some(left) = &mut self.cut_after else {
            return false;
        };
        let length = piece.len() as u64;
        // With none left, the cut waits for the next byte.
        let last = length > *left || (length == *left && length > 0);
        piece.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
        *left = left.saturating_sub(length);
        if last {
            self.cut_after = None;
        }
        last
    }
}

impl Watched for Shared {
    fn changes(&self) -> Changes {
        self.state.changes()
    }

    fn seen(&self) -> String {
        format!("{:?}", self.counts())
    }
}
