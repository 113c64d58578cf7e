//! [`RedisCluster`]: three servers that share the keys.

use super::super::ServerError;
use super::super::wait::{Seen, until};
use super::{RedisServer, RedisServerBuilder, TlsFiles};

/// How many hash slots a cluster has.
const SLOTS: u32 = 16_384;
const NODES: u32 = 3;

/// A Redis Cluster of three nodes, each with a third of the slots and no replica. It is killed when
/// this is dropped.
///
/// ```
/// use vexil_testing::servers::RedisCluster;
///
/// let cluster = RedisCluster::start()?;
/// assert_eq!(cluster.urls().len(), 3);
/// let answers = cluster.nodes().iter().map(|node| node.command(["SET", "greeting", "hello"]));
/// assert_eq!(answers.filter(|answer| answer.is_ok()).count(), 1, "the others say who has it");
/// # Ok::<(), vexil_testing::servers::ServerError>(())
/// ```
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts a cluster without a password. It takes commands when this returns. With password or
    /// TLS:
    /// [`RedisServerBuilder::start_cluster`].
    ///
    /// # Errors
    /// If `redis-server` is not installed, with what to install; or if it does not start.
    pub fn start() -> Result<Self, ServerError> {
        RedisServer::builder().start_cluster()
    }

    /// The nodes. They may be killed, paused and restarted; a node that is restarted keeps its
    /// slots.
    #[must_use]
    pub fn nodes(&self) -> &[RedisServer] {
        &self.nodes
    }

    /// The URLs of all nodes.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(RedisServer::url).collect()
    }

    /// With TLS, what clients need: the same for all nodes.
    #[must_use]
    pub fn tls(&self) -> Option<&TlsFiles> {
        self.nodes.first().and_then(RedisServer::tls)
    }

    /// The node that has a key's slot.
    ///
    /// # Errors
    /// If the nodes cannot be asked.
    pub fn node_of(&self, key: &str) -> Result<&RedisServer, ServerError> {
        let asked = || {
            for node in &self.nodes {
                match node.command(["EXISTS", key]) {
                    Err(ServerError::Refused { reply, .. }) if reply.starts_with("MOVED") => {}
                    other => return other.map(|_| Seen::Yes(node)),
                }
            }
            Ok(Seen::NotYet(
                "every node says that another has it".to_owned(),
            ))
        };
        until(format!("the node of {key}"), asked)
    }

    /// Waits until every node knows of all the others and takes commands.
    ///
    /// # Errors
    /// If that does not happen.
    pub fn wait_until_ready(&self) -> Result<(), ServerError> {
        let expected = [
            "cluster_state:ok".to_owned(),
            format!("cluster_known_nodes:{NODES}"),
        ];
        for node in &self.nodes {
            until("the cluster to take commands", || {
                let info = node
                    .command(["CLUSTER", "INFO"])?
                    .text()
                    .unwrap_or_default();
                let ready = expected
                    .iter()
                    .all(|line| info.lines().any(|found| found == line));
                Ok(if ready {
                    Seen::Yes(())
                } else {
                    Seen::NotYet(info)
                })
            })?;
        }
        Ok(())
    }

    pub(super) fn start_with(recipe: &RedisServerBuilder) -> Result<Self, ServerError> {
        let recipe = recipe
            .clone()
            .config("cluster-enabled yes")
            .config("cluster-node-timeout 2000");
        let nodes: Result<Vec<_>, _> = (0..NODES).map(|_| recipe.clone().start()).collect();
        let cluster = Self { nodes: nodes? };
        for (index, node) in (0..).zip(&cluster.nodes) {
            let slots = (first_slot(index)..first_slot(index + 1)).map(|slot| slot.to_string());
            node.command(
                ["CLUSTER".to_owned(), "ADDSLOTS".to_owned()]
                    .into_iter()
                    .chain(slots),
            )?;
            node.command(["CLUSTER", "SET-CONFIG-EPOCH", &(index + 1).to_string()])?;
        }
        if let Some((first, others)) = cluster.nodes.split_first() {
            for other in others {
                first.command(["CLUSTER", "MEET", "127.0.0.1", &other.port().to_string()])?;
            }
        }
        cluster.wait_until_ready()?;
        Ok(cluster)
    }
}

/// Where the share of a node begins; that of the one after the last is the end.
fn first_slot(node: u32) -> u32 {
    SLOTS * node / NODES
}
