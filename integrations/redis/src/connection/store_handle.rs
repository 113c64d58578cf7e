//! [`StoreHandle`]: a store's use of a connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use redis::Value;
use tokio::time::{Instant, timeout_at};

use super::{ConnectionSettings, Dedicated, RedisConnection, Sockets, Topology};
use crate::error::CommandError;
use crate::keys::Keys;
use crate::request::{Request, RequestClass};

/// A store's use of a connection, until it is released or dropped.
#[derive(Debug)]
pub(crate) struct StoreHandle {
    connection: RedisConnection,
    released: AtomicBool,
}

impl StoreHandle {
    pub(crate) fn new(connection: RedisConnection) -> Self {
        connection.shared.users.fetch_add(1, Ordering::AcqRel);
        Self {
            connection,
            released: AtomicBool::new(false),
        }
    }

    pub(crate) fn settings(&self) -> &ConnectionSettings {
        &self.connection.shared.settings
    }

    /// Sends a request within its timeout.
    pub(crate) async fn send(&self, request: &Request) -> Result<Vec<Value>, CommandError> {
        if self.released.load(Ordering::Acquire) {
            return Err(CommandError::Closed);
        }
        self.sockets()
            .topology
            .send(request, self.deadline(request.class))
            .await
    }

    /// Sends a request with one reply within its timeout.
    pub(crate) async fn send_one(&self, request: &Request) -> Result<Value, CommandError> {
        self.send(request)
            .await?
            .pop()
            .ok_or(CommandError::Unexpected)
    }

    /// Opens a dedicated connection to the server that has a key.
    pub(crate) async fn dedicated(
        &self,
        key: &str,
        deadline: Instant,
    ) -> Result<Dedicated, CommandError> {
        timeout_at(deadline, self.sockets().topology.dedicated(key))
            .await
            .unwrap_or(Err(CommandError::Timeout))
    }

    pub(crate) fn deadline(&self, class: RequestClass) -> Instant {
        Instant::now() + self.settings().timeouts.of(class)
    }

    /// Returns a receiver that is marked whenever an entry under these keys may have changed.
    pub(crate) fn watch(&self, keys: &Keys) -> vexil::store::Changes {
        self.sockets().changes.watch(keys)
    }

    /// Whether one request can cover all these keys.
    #[cfg_attr(
        not(feature = "cluster"),
        expect(unused_variables, reason = "only a cluster has servers to choose from")
    )]
    pub(crate) fn is_on_one_node(&self, keys: &Keys) -> bool {
        match self.sockets().topology {
            Topology::One(_) => true,
            #[cfg(feature = "cluster")]
            Topology::Cluster(_) => super::cluster::are_in_one_slot(&keys.all()),
        }
    }

    /// Releases the connection. The last release closes it.
    pub(crate) fn release(&self) {
        if !self.released.swap(true, Ordering::AcqRel)
            && self.connection.shared.users.fetch_sub(1, Ordering::AcqRel) == 1
        {
            self.sockets().topology.stop();
        }
    }

    fn sockets(&self) -> Arc<Sockets> {
        self.connection.shared.sockets.get()
    }
}

impl Drop for StoreHandle {
    fn drop(&mut self) {
        self.release();
    }
}
