//! [`Cluster`]: the nodes of a Redis Cluster, and the slots that each serves.
//!
//! Each node has its own [`Reconnecting`] connection. The slot map comes from any node
//! (`CLUSTER SLOTS`) and from redirections; a user without permission for `CLUSTER SLOTS` relies on
//! redirections alone.

mod slots;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::{ServerErrorKind, Value};
use tokio::time::Instant;

pub(super) use self::slots::are_in_one_slot;
use self::slots::{Ranges, parse_ranges, slot};
use super::changes::Changes;
use super::reconnecting::Reconnecting;
use super::resolver::Resolver;
use super::{ConnectionSettings, Dedicated};
use crate::address::Host;
use crate::error::CommandError;
use crate::request::{Request, RequestClass};

/// Maximum number of redirections for one request.
const REDIRECTIONS: usize = 5;

/// Minimum time between two queries for the slot map.
const QUERY_INTERVAL: Duration = Duration::from_millis(500);

/// The nodes of a cluster.
#[derive(Debug)]
pub(crate) struct Cluster {
    seeds: Vec<Host>,
    settings: Arc<ConnectionSettings>,
    changes: Arc<Changes>,
    /// The lock is held briefly and never across an await.
    map: Mutex<Map>,
    /// Time of the last query for the map. Held during the query, so that concurrent callers share
    /// it.
    last_query: tokio::sync::Mutex<Option<Instant>>,
}

#[derive(Debug, Default)]
struct Map {
    nodes: HashMap<Host, Arc<Reconnecting>>,
    ranges: Ranges,
    /// Redirections since the last slot map.
    moved: HashMap<u16, Host>,
    /// Whether the map may be outdated: a node was unreachable or redirected a request.
    outdated: bool,
}

impl Cluster {
    pub(crate) fn new(
        seeds: Vec<Host>,
        settings: Arc<ConnectionSettings>,
        changes: Arc<Changes>,
    ) -> Self {
        Self {
            seeds,
            settings,
            changes,
            map: Mutex::default(),
            last_query: tokio::sync::Mutex::new(None),
        }
    }

    /// Sends a request to the node that has its key.
    pub(crate) async fn send(
        &self,
        request: &Request,
        deadline: Instant,
    ) -> Result<Vec<Value>, CommandError> {
        let slot = slot(request.key.as_bytes());
        let mut host = self.owner(slot, request.class, deadline, None).await?;
        let mut asking = false;
        let mut rerouted = false;
        for _ in 0..=REDIRECTIONS {
            match self.node(&host).send(request, asking, deadline).await {
                Err(error) if error.server_kind() == Some(ServerErrorKind::Moved) => {
                    host = redirection(&error, &host).ok_or(CommandError::Moving)?;
                    self.note_moved(slot, &host);
                    asking = false;
                }
                // A node that is importing the slot executes commands one by one.
                Err(error)
                    if error.server_kind() == Some(ServerErrorKind::Ask)
                        && !request.is_atomic() =>
                {
                    host = redirection(&error, &host).ok_or(CommandError::Moving)?;
                    asking = true;
                }
                Err(error) if error.server_kind() == Some(ServerErrorKind::Ask) => {
                    return Err(CommandError::Moving);
                }
                Err(error @ (CommandError::Connect { .. } | CommandError::Lost(_))) => {
                    self.map().outdated = true;
                    if rerouted {
                        return Err(error);
                    }
                    rerouted = true;
                    host = self
                        .owner(slot, request.class, deadline, Some(&host))
                        .await?;
                    asking = false;
                }
                outcome => return outcome,
            }
        }
        Err(CommandError::Moving)
    }

    /// Opens a dedicated connection to the node that has a key.
    pub(crate) async fn dedicated(&self, key: &str) -> Result<Dedicated, CommandError> {
        let deadline = Instant::now() + self.settings.timeouts.bulk;
        let host = self
            .owner(slot(key.as_bytes()), RequestClass::Bulk, deadline, None)
            .await?;
        self.node(&host).dedicated().await
    }

    /// Closes all connections. The next request opens new ones.
    pub(crate) fn stop(&self) {
        *self.map() = Map::default();
    }

    /// The node that has a slot, according to the map; a seed, which will redirect, if the map does
    /// not say. `unreachable` is a node that could not be reached; it is queried last.
    async fn owner(
        &self,
        slot: u16,
        class: RequestClass,
        deadline: Instant,
        unreachable: Option<&Host>,
    ) -> Result<Host, CommandError> {
        let known = {
            let map = self.map();
            map.owner(slot).filter(|_| !map.outdated)
        };
        if let Some(host) = known {
            return Ok(host);
        }
        let outcome = self.refresh_map(class, deadline, unreachable).await;
        match (self.map().owner(slot), outcome) {
            (Some(host), _) => Ok(host),
            (None, Err(error)) => Err(error),
            (None, Ok(())) => self.seeds.first().cloned().ok_or(CommandError::Moving),
        }
    }

    /// Queries one node after another for the slot map, until one replies.
    async fn refresh_map(
        &self,
        class: RequestClass,
        deadline: Instant,
        unreachable: Option<&Host>,
    ) -> Result<(), CommandError> {
        let mut last_query = self.last_query.lock().await;
        let has_map = !self.map().ranges.is_empty();
        if has_map && last_query.is_some_and(|time| time.elapsed() < QUERY_INTERVAL) {
            return Ok(());
        }
        *last_query = Some(Instant::now());
        let mut hosts: Vec<Host> = self.map().nodes.keys().cloned().collect();
        hosts.extend(self.seeds.iter().cloned());
        hosts.sort_by_key(|host| Some(host) == unreachable);
        let mut slots = redis::cmd("CLUSTER");
        slots.arg("SLOTS");
        let query = Request::one("", slots, class);
        let mut last = CommandError::Moving;
        for host in hosts {
            let deadline = deadline.min(Instant::now() + self.settings.timeouts.probe);
            match self.node(&host).send(&query, false, deadline).await {
                Ok(replies) => {
                    let ranges = replies.first().and_then(|reply| parse_ranges(reply, &host));
                    self.replace_map(ranges.ok_or(CommandError::Unexpected)?);
                    return Ok(());
                }
                // The node is reachable, but the user may not query the map: rely on redirections.
                Err(error) if error.server_kind() == Some(ServerErrorKind::NoPerm) => {
                    self.map().outdated = false;
                    return Ok(());
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn replace_map(&self, ranges: Ranges) {
        let mut map = self.map();
        map.nodes.retain(|host, _| {
            ranges.iter().any(|range| range.host == *host) || self.seeds.contains(host)
        });
        map.ranges = ranges;
        map.moved.clear();
        map.outdated = false;
    }

    fn note_moved(&self, slot: u16, host: &Host) {
        let mut map = self.map();
        map.moved.insert(slot, host.clone());
        // If one slot has moved, others may have. Without a map there is nothing to invalidate.
        map.outdated = !map.ranges.is_empty();
    }

    fn node(&self, host: &Host) -> Arc<Reconnecting> {
        let mut map = self.map();
        let make = || {
            let resolver = Resolver::Host(host.clone());
            Arc::new(Reconnecting::new(
                resolver,
                Arc::clone(&self.settings),
                Arc::clone(&self.changes),
            ))
        };
        Arc::clone(map.nodes.entry(host.clone()).or_insert_with(make))
    }

    fn map(&self) -> MutexGuard<'_, Map> {
        self.map.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Map {
    fn owner(&self, slot: u16) -> Option<Host> {
        let ranged = || {
            self.ranges
                .iter()
                .find(|range| range.contains(slot))
                .map(|range| range.host.clone())
        };
        self.moved.get(&slot).cloned().or_else(ranged)
    }
}

/// The target of a redirection: `<slot> <host>:<port>`. An empty host means the node that replied.
fn redirection(error: &CommandError, from: &Host) -> Option<Host> {
    let CommandError::Server(error) = error else {
        return None;
    };
    let address = error.details()?.split_ascii_whitespace().nth(1)?;
    let (name, port) = address.rsplit_once(':')?;
    let port = port.parse().ok()?;
    match (name, from) {
        ("", Host::Tcp { name, .. }) => Some(Host::tcp(name, port)),
        ("", Host::Socket(_)) => None,
        _ => Some(Host::tcp(name, port)),
    }
}
