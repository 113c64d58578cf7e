//! Lanes of random faults. Each lane breaks one thing, lets it recover and breaks it again.
//!
//! | lane | what it breaks |
//! | --- | --- |
//! | network | one connection of one client, or the one to the service that receives events |
//! | service | the answers of the service, for all its clients |
//! | events | the answers of the service that receives events |
//! | Redis, DynamoDB | the servers; Redis also loses its data |
//! | file | the file |

mod network;
mod redis;
mod service;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use vexil_testing::FakeService;
use vexil_testing::FaultProxy;

use crate::modes::{Behind, Connection, Mode};
use crate::relay::{Failure, Relay};
use crate::stop::Stop;

/// The number of faults of each kind.
#[derive(Debug, Default)]
pub(crate) struct Injected(Mutex<BTreeMap<String, u64>>);

impl Injected {
    fn count(&self, kind: String) {
        let mut kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *kinds.entry(kind).or_default() += 1;
    }

    pub(crate) fn kinds(&self) -> BTreeMap<String, u64> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Everything that faults are injected into.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Targets<'a> {
    pub(crate) relay: &'a Relay,
    pub(crate) modes: &'a [Arc<Mode>],
    pub(crate) events: &'a FakeService,
    pub(crate) events_proxy: &'a FaultProxy,
}

/// What one lane breaks.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lane<'a> {
    /// A connection of the mode with this number.
    Network(usize, &'a Connection),
    EventsNetwork,
    Service,
    Events,
    Redis,
    DynamoDb,
    File,
}

impl<'a> Targets<'a> {
    pub(crate) fn lanes(&self) -> Vec<Lane<'a>> {
        let mut lanes = vec![
            Lane::EventsNetwork,
            Lane::Service,
            Lane::Events,
            Lane::Redis,
            Lane::DynamoDb,
            Lane::File,
        ];
        for (number, mode) in self.modes.iter().enumerate() {
            for connection in &mode.connections {
                if connection.proxy.is_some() {
                    lanes.push(Lane::Network(number, connection));
                }
            }
        }
        lanes
    }

    /// Injects faults until it is stopped, and ends the last one.
    pub(crate) fn run(
        &self,
        lane: Lane<'a>,
        seed: u64,
        injected: &Injected,
        stop: &Stop,
    ) -> Result<(), Failure> {
        let mut random = Rng::with_seed(seed);
        while !stop.wait(Duration::from_millis(random.u64(1_000..7_000))) {
            let kind = self.inject(lane, &mut random, stop)?;
            injected.count(kind);
            for (number, mode) in self.modes.iter().enumerate() {
                if lane.concerns(number, mode) {
                    mode.counters.faults.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
        Ok(())
    }

    fn inject(&self, lane: Lane<'a>, random: &mut Rng, stop: &Stop) -> Result<String, Failure> {
        Ok(match lane {
            Lane::Network(_, connection) => match &connection.proxy {
                Some(proxy) => network::inject(proxy, connection.to, random, stop)?,
                None => String::new(),
            },
            Lane::EventsNetwork => {
                network::inject(self.events_proxy, Behind::Service, random, stop)?
            }
            Lane::Service => service::inject(self.relay, random, stop)?,
            Lane::Events => service::inject_into_events(self.events, random, stop),
            Lane::Redis => redis::inject(self.relay, random, stop)?,
            Lane::DynamoDb => {
                let server = &self.relay.dynamodb.server;
                server.pause()?;
                stop.wait(Duration::from_millis(random.u64(100..3_000)));
                server.resume()?;
                "DynamoDB: suspended".to_owned()
            }
            Lane::File => self.break_file(random, stop)?,
        })
    }

    fn break_file(&self, random: &mut Rng, stop: &Stop) -> Result<String, Failure> {
        let (file, whole) = (&self.relay.file, self.relay.environment.json());
        let half = whole.get(..whole.len() / 2).unwrap_or_default();
        let (kind, text) = match random.u8(..4) {
            0 => ("removed", None),
            1 => ("half written", Some(half)),
            2 => ("garbage", Some("\u{0}{]")),
            _ => ("of another type", Some("[]")),
        };
        file.break_with(text)?;
        stop.wait(Duration::from_millis(random.u64(100..3_000)));
        file.repair();
        file.write(&self.relay.environment)?;
        Ok(format!("file: {kind}"))
    }
}

impl Lane<'_> {
    /// Whether the lane breaks something that a client uses. Events do not count.
    fn concerns(self, number: usize, mode: &Mode) -> bool {
        match self {
            Self::Network(victim, _) => victim == number,
            Self::Service => mode.uses(Behind::Service),
            Self::Redis => mode.uses(Behind::Redis),
            Self::DynamoDb => mode.uses(Behind::DynamoDb),
            Self::File => mode.uses(Behind::File),
            Self::EventsNetwork | Self::Events => false,
        }
    }
}
