//! [`Shared`]: state shared by the test and the service's thread.

use std::time::{Duration, SystemTime};

use vexil::store::Changes;

use super::data::Data;
use super::log::Log;
use super::scripts::Scripts;
use super::streams::Streams;
use crate::observed::Observed;
use crate::waiting::Watched;

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) settings: Settings,
    /// A single lock, so that flag changes and the opening of streams are ordered.
    pub(super) state: Observed<State>,
}

#[derive(Debug)]
pub(super) struct Settings {
    pub(super) heartbeat: Duration,
    pub(super) environment_id: Option<String>,
    pub(super) sdk_key: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) data: Data,
    pub(super) streams: Streams,
    pub(super) scripts: Scripts,
    pub(super) log: Log,
    pub(super) clock: Clock,
    /// The number of next connections to reset as soon as they are accepted.
    pub(super) resets: usize,
    pub(super) failed_handshakes: usize,
}

/// The time in the header `date`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Clock {
    #[default]
    Now,
    Fixed(SystemTime),
    Absent,
}

impl Shared {
    pub(super) fn new(settings: Settings, state: State) -> Self {
        Self {
            settings,
            state: Observed::new(state),
        }
    }
}

impl Watched for Shared {
    fn changes(&self) -> Changes {
        self.state.changes()
    }

    fn seen(&self) -> String {
        self.state.look(|state| {
            let requests = state.log.requests().map(|request| {
                let status = request
                    .status()
                    .map_or_else(|| "no status".to_owned(), |status| status.to_string());
                format!("{} {} ({status})", request.method(), request.path())
            });
            let mut requests: Vec<_> = requests.collect();
            let last = requests.split_off(requests.len().saturating_sub(8));
            let earlier = match requests.len() {
                0 => String::new(),
                count => format!("{count} earlier ones, "),
            };
            let last = if last.is_empty() {
                "none".to_owned()
            } else {
                last.join(", ")
            };
            format!(
                "open streams: {}; requests: {earlier}{last}",
                state.streams.count()
            )
        })
    }
}

impl Clock {
    pub(super) fn time(self) -> Option<SystemTime> {
        match self {
            Self::Now => Some(SystemTime::now()),
            Self::Fixed(time) => Some(time),
            Self::Absent => None,
        }
    }
}
