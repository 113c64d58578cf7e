//! [`Cluster`]: the nodes of a Redis Cluster, and the slots that each serves.
//!
//! Each node has its own [`Link`], which reconnects by itself. The slot map comes from any node
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
use super::link::Link;
use super::target::Locate;
use super::{Dedicated, Settings};
use crate::address::Host;
use crate::error::Fault;
use crate::request::{Limit, Request};

/// Maximum number of redirections for one request.
const REDIRECTIONS: usize = 5;

/// Minimum time between two queries for the slot map.
const ASK_EVERY: Duration = Duration::from_millis(500);

/// The nodes of a cluster.
#[derive(Debug)]
pub(crate) struct Cluster {
    seeds: Vec<Host>,
    settings: Arc<Settings>,
    changes: Arc<Changes>,
    /// The lock is held briefly and never across an await.
    map: Mutex<Map>,
    /// Time of the last query for the map. Held during the query, so that concurrent callers share
    /// it.
    asked: tokio::sync::Mutex<Option<Instant>>,
}

#[derive(Debug, Default)]
struct Map {
    links: HashMap<Host, Arc<Link>>,
    ranges: Ranges,
    /// Redirections since the last slot map.
    moved: HashMap<u16, Host>,
    /// Whether the map may be outdated: a node was unreachable or redirected a request.
    doubtful: bool,
}

impl Cluster {
    pub(crate) fn new(seeds: Vec<Host>, settings: Arc<Settings>, changes: Arc<Changes>) -> Self {
        Self {
            seeds,
            settings,
            changes,
            map: Mutex::default(),
            asked: tokio::sync::Mutex::new(None),
        }
    }

    /// Sends a request to the node that has its key.
    pub(crate) async fn send(
        &self,
        request: &Request,
        deadline: Instant,
    ) -> Result<Vec<Value>, Fault> {
        let slot = slot(request.key.as_bytes());
        let mut host = self.owner(slot, request.limit, deadline, None).await?;
        let mut asking = false;
        let mut rerouted = false;
        for _ in 0..=REDIRECTIONS {
            match self.link(&host).send(request, asking, deadline).await {
                Err(fault) if fault.server_kind() == Some(ServerErrorKind::Moved) => {
                    host = redirection(&fault, &host).ok_or(Fault::Moving)?;
                    self.note_moved(slot, &host);
                    asking = false;
                }
                // A node that is importing the slot executes commands one by one.
                Err(fault)
                    if fault.server_kind() == Some(ServerErrorKind::Ask)
                        && !request.is_atomic() =>
                {
                    host = redirection(&fault, &host).ok_or(Fault::Moving)?;
                    asking = true;
                }
                Err(fault) if fault.server_kind() == Some(ServerErrorKind::Ask) => {
                    return Err(Fault::Moving);
                }
                Err(fault @ (Fault::Connect { .. } | Fault::Lost(_))) => {
                    self.map().doubtful = true;
                    if rerouted {
                        return Err(fault);
                    }
                    rerouted = true;
                    host = self
                        .owner(slot, request.limit, deadline, Some(&host))
                        .await?;
                    asking = false;
                }
                outcome => return outcome,
            }
        }
        Err(Fault::Moving)
    }

    /// Opens a dedicated connection to the node that has a key.
    pub(crate) async fn dedicated(&self, key: &str) -> Result<Dedicated, Fault> {
        let deadline = Instant::now() + self.settings.limits.bulk;
        let host = self
            .owner(slot(key.as_bytes()), Limit::Bulk, deadline, None)
            .await?;
        self.link(&host).dedicated().await
    }

    /// Closes all connections. The next request opens new ones.
    pub(crate) fn stop(&self) {
        *self.map() = Map::default();
    }

    /// The node that has a slot, according to the map; a seed, which will redirect, if the map does
    /// not say. `suspect` is a node that could not be reached; it is queried last.
    async fn owner(
        &self,
        slot: u16,
        limit: Limit,
        deadline: Instant,
        suspect: Option<&Host>,
    ) -> Result<Host, Fault> {
        let known = {
            let map = self.map();
            map.owner(slot).filter(|_| !map.doubtful)
        };
        if let Some(host) = known {
            return Ok(host);
        }
        let outcome = self.draw_map(limit, deadline, suspect).await;
        match (self.map().owner(slot), outcome) {
            (Some(host), _) => Ok(host),
            (None, Err(fault)) => Err(fault),
            (None, Ok(())) => self.seeds.first().cloned().ok_or(Fault::Moving),
        }
    }

    /// Queries one node after another for the slot map, until one replies.
    async fn draw_map(
        &self,
        limit: Limit,
        deadline: Instant,
        suspect: Option<&Host>,
    ) -> Result<(), Fault> {
        let mut asked = self.asked.lock().await;
        let drawn = !self.map().ranges.is_empty();
        if drawn && asked.is_some_and(|asked| asked.elapsed() < ASK_EVERY) {
            return Ok(());
        }
        *asked = Some(Instant::now());
        let mut hosts: Vec<Host> = self.map().links.keys().cloned().collect();
        hosts.extend(self.seeds.iter().cloned());
        hosts.sort_by_key(|host| Some(host) == suspect);
        let mut question = redis::cmd("CLUSTER");
        question.arg("SLOTS");
        let question = Request::one("", question, limit);
        let mut last = Fault::Moving;
        for host in hosts {
            let soon = deadline.min(Instant::now() + self.settings.limits.probe);
            match self.link(&host).send(&question, false, soon).await {
                Ok(answers) => {
                    let ranges = answers
                        .first()
                        .and_then(|answer| parse_ranges(answer, &host));
                    self.take(ranges.ok_or(Fault::Unexpected)?);
                    return Ok(());
                }
                // The node is reachable, but the user may not query the map: rely on redirections.
                Err(fault) if fault.server_kind() == Some(ServerErrorKind::NoPerm) => {
                    self.map().doubtful = false;
                    return Ok(());
                }
                Err(fault) => last = fault,
            }
        }
        Err(last)
    }

    fn take(&self, ranges: Ranges) {
        let mut map = self.map();
        map.links.retain(|host, _| {
            ranges.iter().any(|range| range.host == *host) || self.seeds.contains(host)
        });
        map.ranges = ranges;
        map.moved.clear();
        map.doubtful = false;
    }

    fn note_moved(&self, slot: u16, host: &Host) {
        let mut map = self.map();
        map.moved.insert(slot, host.clone());
        // If one slot has moved, others may have. Without a map there is nothing to invalidate.
        map.doubtful = !map.ranges.is_empty();
    }

    fn link(&self, host: &Host) -> Arc<Link> {
        let mut map = self.map();
        let make = || {
            let place = Locate::Host(host.clone());
            Arc::new(Link::new(
                place,
                Arc::clone(&self.settings),
                Arc::clone(&self.changes),
            ))
        };
        Arc::clone(map.links.entry(host.clone()).or_insert_with(make))
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
fn redirection(fault: &Fault, from: &Host) -> Option<Host> {
    let Fault::Server(error) = fault else {
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
