//! [`OpenConnection`]: an open connection and its health.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{Cmd, RedisError, Value};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::super::Timeouts;
use super::super::changes::Changes;
use crate::error::CommandError;
use crate::request::{Request, RequestClass};

/// Interval of the `PING` health check.
const PING_INTERVAL: Duration = Duration::from_secs(10);

/// Number of consecutive late replies after which a connection is replaced.
const MAX_LATE_REPLIES: u32 = 3;

#[derive(Clone, Debug)]
pub(super) struct OpenConnection {
    connection: MultiplexedConnection,
    health: Arc<Health>,
}

/// The health of a connection, shared by all its users.
#[derive(Debug)]
struct Health {
    probe_limit: Duration,
    dead: AtomicBool,
    /// Notifies the task that owns the connection to close it.
    died: Notify,
    /// Whether the connection is closed. A request that is handed over in the same instant may stay
    /// in the closed queue of the connection for ever, without a reply and without an error.
    closed: watch::Sender<bool>,
    /// Number of consecutive late replies.
    late: AtomicU32,
    /// Number of bulk requests in flight. Other requests behind them may be late although the
    /// connection works.
    bulk: AtomicUsize,
}

impl OpenConnection {
    pub(super) fn new(connection: MultiplexedConnection, timeouts: &Timeouts) -> Self {
        let health = Health {
            probe_limit: timeouts.probe,
            dead: AtomicBool::new(false),
            died: Notify::new(),
            closed: watch::Sender::new(false),
            late: AtomicU32::new(0),
            bulk: AtomicUsize::new(0),
        };
        Self {
            connection,
            health: Arc::new(health),
        }
    }

    /// Sends a request over this connection and waits for the replies until the deadline.
    pub(super) async fn send(
        &self,
        request: &Request,
        asking: bool,
        deadline: Instant,
    ) -> Result<Vec<Value>, CommandError> {
        let _bulk = (request.class == RequestClass::Bulk).then(|| BulkGuard::new(&self.health));
        let (pipeline, count) = request.packed(asking);
        let mut connection = self.connection.clone();
        let replies = self.unless_closed(connection.send_packed_commands(&pipeline, 0, count));
        match timeout_at(deadline, replies).await {
            Ok(replies) => {
                self.health.late.store(0, Ordering::Relaxed);
                request.replies(replies.map_err(CommandError::Lost)?, asking)
            }
            Err(_) => {
                self.note_late(request.class);
                Err(CommandError::Timeout)
            }
        }
    }

    /// Whether the connection must not be used any more.
    pub(super) fn is_dead(&self) -> bool {
        self.health.dead.load(Ordering::Acquire)
    }

    /// Marks the connection for replacement.
    pub(super) fn mark_dead(&self) {
        self.health.dead.store(true, Ordering::Release);
        self.health.died.notify_one();
    }

    /// Records that the connection is closed. Requests without a reply fail.
    pub(super) fn close(&self) {
        self.health.dead.store(true, Ordering::Release);
        self.health.closed.send_replace(true);
    }

    /// Awaits a reply, or fails when the connection is closed.
    async fn unless_closed<T>(
        &self,
        reply: impl Future<Output = Result<T, RedisError>>,
    ) -> Result<T, RedisError> {
        let mut closed = self.health.closed.subscribe();
        tokio::select! {
            biased;
            reply = reply => reply,
            _ = closed.wait_for(|closed| *closed) => {
                Err(io::Error::from(io::ErrorKind::BrokenPipe).into())
            }
        }
    }

    /// Subscribes the stores from index `from` on to changes, and returns the number of stores now
    /// subscribed. If the server cannot send notifications, or the user may not subscribe, only the
    /// periodic refresh finds changes.
    pub(super) async fn subscribe(&self, changes: &Changes, from: usize, pushes: bool) -> usize {
        let commands = if pushes {
            changes.subscriptions(from)
        } else {
            Vec::new()
        };
        let subscribed = from + commands.len();
        for command in commands {
            if let Some(Value::ServerError(error)) = self.query(&command).await {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "this Redis server sends no change notifications"
                );
            }
        }
        subscribed
    }

    /// Monitors the connection until it must be replaced.
    pub(super) async fn keep(
        &self,
        changes: &Changes,
        mut counts: Option<watch::Receiver<usize>>,
        mut subscribed: usize,
    ) {
        let mut delay = PING_INTERVAL;
        loop {
            let more = async {
                let registered = match &mut counts {
                    Some(counts) => counts.wait_for(|count| *count > subscribed).await.is_ok(),
                    None => false,
                };
                if !registered {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                biased;
                () = self.health.died.notified() => return,
                () = more => subscribed = self.subscribe(changes, subscribed, true).await,
                () = sleep(delay) => {
                    let alive = self.query(&redis::cmd("PING")).await.is_some();
                    delay = if alive { PING_INTERVAL } else { Duration::ZERO };
                }
            }
        }
    }

    /// Sends one command. Returns `None` if there is no reply within the probe timeout.
    async fn query(&self, command: &Cmd) -> Option<Value> {
        let mut connection = self.connection.clone();
        let reply = self.unless_closed(connection.send_packed_command(command));
        match timeout(self.health.probe_limit, reply).await {
            Ok(reply) => {
                self.health.late.store(0, Ordering::Relaxed);
                // An error here means that the connection is closed, which its owner notices.
                reply.ok()
            }
            Err(_) => {
                self.note_late(RequestClass::Probe);
                None
            }
        }
    }

    fn note_late(&self, class: RequestClass) {
        if class != RequestClass::Bulk && self.health.bulk.load(Ordering::Relaxed) > 0 {
            return;
        }
        if self.health.late.fetch_add(1, Ordering::Relaxed) + 1 >= MAX_LATE_REPLIES {
            self.mark_dead();
        }
    }
}

/// Counts a bulk request while it is in flight.
struct BulkGuard<'a>(&'a Health);

impl<'a> BulkGuard<'a> {
    fn new(health: &'a Health) -> Self {
        health.bulk.fetch_add(1, Ordering::Relaxed);
        Self(health)
    }
}

impl Drop for BulkGuard<'_> {
    fn drop(&mut self) {
        self.0.bulk.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
