//! [`RedisCluster`]: three servers that form a Redis Cluster.

use super::super::ServerError;
use super::super::wait::{Seen, until};
use super::{RedisServer, RedisServerBuilder, TlsFiles, host_for};

/// The number of hash slots of a cluster.
const SLOTS: usize = 16_384;
const NODES: usize = 3;

/// A Redis Cluster of three nodes, each with a third of the slots and no replica. It is killed when
/// this value is dropped.
///
/// ```
/// use vexil_testing::servers::RedisCluster;
///
/// let cluster = RedisCluster::start()?;
/// assert_eq!(cluster.urls().len(), 3);
/// let answers = cluster.nodes().iter().map(|node| node.command(["SET", "greeting", "hello"]));
/// assert_eq!(answers.filter(|answer| answer.is_ok()).count(), 1, "only the owner accepts the key");
/// # Ok::<(), vexil_testing::servers::ServerError>(())
/// ```
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts a cluster without a password. It accepts commands when this returns. To set a
    /// password or TLS, use [`RedisServerBuilder::start_cluster`].
    ///
    /// # Errors
    /// Returns an error if Redis is not available, with instructions; or if it does not start.
    pub fn start() -> Result<Self, ServerError> {
        RedisServer::builder().start_cluster()
    }

    /// Returns the nodes. They may be killed, paused and restarted; a restarted node keeps its
    /// slots.
    #[must_use]
    pub fn nodes(&self) -> &[RedisServer] {
        &self.nodes
    }

    /// Returns the URLs of all nodes.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(RedisServer::url).collect()
    }

    /// Returns the certificates of a cluster with TLS. All nodes have the same.
    #[must_use]
    pub fn tls(&self) -> Option<&TlsFiles> {
        self.nodes.first().and_then(RedisServer::tls)
    }

    /// Returns the node that owns a key's slot.
    ///
    /// # Errors
    /// Returns an error if the nodes cannot be queried.
    pub fn node_of(&self, key: &str) -> Result<&RedisServer, ServerError> {
        let asked = || {
            for node in &self.nodes {
                match node.command(["EXISTS", key]) {
                    Err(ServerError::Refused { reply, .. }) if reply.starts_with("MOVED") => {}
                    other => return other.map(|_| Seen::Yes(node)),
                }
            }
            Ok(Seen::NotYet("every node redirects to another".to_owned()))
        };
        until(format!("the node of {key}"), asked)
    }

    /// Waits until every node knows all others and accepts commands.
    ///
    /// # Errors
    /// Returns an error if that does not happen within the timeout.
    pub fn wait_until_ready(&self) -> Result<(), ServerError> {
        let expected = [
            "cluster_state:ok".to_owned(),
            format!("cluster_known_nodes:{NODES}"),
        ];
        for node in &self.nodes {
            until("the cluster to accept commands", || {
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

    pub(super) fn start_with(builder: RedisServerBuilder) -> Result<Self, ServerError> {
        let builder = builder
            .config("cluster-enabled yes")
            .config("cluster-node-timeout 2000");
        let host = host_for(NODES, &builder)?;
        let nodes: Result<Vec<_>, _> = (0..NODES)
            .map(|_| RedisServer::start_on(&host, builder.clone()))
            .collect();
        let cluster = Self { nodes: nodes? };
        for (index, node) in cluster.nodes.iter().enumerate() {
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

/// Returns the first slot of a node. For the node after the last, returns the number of slots.
fn first_slot(node: usize) -> usize {
    SLOTS * node / NODES
}
