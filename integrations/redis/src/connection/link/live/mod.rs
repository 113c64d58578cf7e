//! [`Live`]: an open connection and its health.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{Cmd, RedisError, Value};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::super::Limits;
use super::super::changes::Changes;
use crate::error::Fault;
use crate::request::{Limit, Request};

/// Interval of the `PING` health check.
const PING_EVERY: Duration = Duration::from_secs(10);

/// Number of consecutive late replies after which a connection is replaced.
const LATE_ANSWERS: u32 = 3;

#[derive(Clone, Debug)]
pub(super) struct Live {
    connection: MultiplexedConnection,
    health: Arc<Health>,
}

/// The health of a connection, shared by all its users.
#[derive(Debug)]
struct Health {
    probe_limit: Duration,
    condemned: AtomicBool,
    /// Notifies the task that owns the connection to close it.
    condemn: Notify,
    /// Whether the connection is closed. A request that is handed over in the same instant may stay
    /// in the closed queue of the connection for ever, without a reply and without an error.
    closed: watch::Sender<bool>,
    /// Number of consecutive late replies.
    late: AtomicU32,
    /// Number of bulk requests in flight. Other requests behind them may be late without a fault.
    bulk: AtomicUsize,
}

impl Live {
    pub(super) fn new(connection: MultiplexedConnection, limits: &Limits) -> Self {
        let health = Health {
            probe_limit: limits.probe,
            condemned: AtomicBool::new(false),
            condemn: Notify::new(),
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
    ) -> Result<Vec<Value>, Fault> {
        let _bulk = (request.limit == Limit::Bulk).then(|| Bulk::new(&self.health));
        let (pipeline, count) = request.packed(asking);
        let mut connection = self.connection.clone();
        let answers = self.unless_closed(connection.send_packed_commands(&pipeline, 0, count));
        match timeout_at(deadline, answers).await {
            Ok(answers) => {
                self.health.late.store(0, Ordering::Relaxed);
                request.answers(answers.map_err(Fault::Lost)?, asking)
            }
            Err(_) => {
                self.note_late(request.limit);
                Err(Fault::Timeout)
            }
        }
    }

    /// Whether the connection must not be used any more.
    pub(super) fn is_condemned(&self) -> bool {
        self.health.condemned.load(Ordering::Acquire)
    }

    /// Marks the connection for replacement.
    pub(super) fn condemn(&self) {
        self.health.condemned.store(true, Ordering::Release);
        self.health.condemn.notify_one();
    }

    /// Records that the connection is closed. Requests without a reply fail.
    pub(super) fn close(&self) {
        self.health.condemned.store(true, Ordering::Release);
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
    pub(super) async fn arm(&self, changes: &Changes, from: usize, pushes: bool) -> usize {
        let commands = if pushes {
            changes.arming(from)
        } else {
            Vec::new()
        };
        let armed = from + commands.len();
        for command in commands {
            if let Some(Value::ServerError(error)) = self.ask(&command).await {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "this Redis server sends no change notifications"
                );
            }
        }
        armed
    }

    /// Monitors the connection until it must be replaced.
    pub(super) async fn keep(
        &self,
        changes: &Changes,
        mut counts: Option<watch::Receiver<usize>>,
        mut armed: usize,
    ) {
        let mut pause = PING_EVERY;
        loop {
            let more = async {
                let registered = match &mut counts {
                    Some(counts) => counts.wait_for(|count| *count > armed).await.is_ok(),
                    None => false,
                };
                if !registered {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                biased;
                () = self.health.condemn.notified() => return,
                () = more => armed = self.arm(changes, armed, true).await,
                () = sleep(pause) => {
                    let alive = self.ask(&redis::cmd("PING")).await.is_some();
                    pause = if alive { PING_EVERY } else { Duration::ZERO };
                }
            }
        }
    }

    /// Sends one command. Returns `None` if there is no reply within the probe timeout.
    async fn ask(&self, command: &Cmd) -> Option<Value> {
        let mut connection = self.connection.clone();
        let answer = self.unless_closed(connection.send_packed_command(command));
        match timeout(self.health.probe_limit, answer).await {
            Ok(answer) => {
                self.health.late.store(0, Ordering::Relaxed);
                // An error here means that the connection is closed, which its owner notices.
                answer.ok()
            }
            Err(_) => {
                self.note_late(Limit::Probe);
                None
            }
        }
    }

    fn note_late(&self, limit: Limit) {
        if limit != Limit::Bulk && self.health.bulk.load(Ordering::Relaxed) > 0 {
            return;
        }
        if self.health.late.fetch_add(1, Ordering::Relaxed) + 1 >= LATE_ANSWERS {
            self.condemn();
        }
    }
}

/// Counts a bulk request while it is in flight.
struct Bulk<'a>(&'a Health);

impl<'a> Bulk<'a> {
    fn new(health: &'a Health) -> Self {
        health.bulk.fetch_add(1, Ordering::Relaxed);
        Self(health)
    }
}

impl Drop for Bulk<'_> {
    fn drop(&mut self) {
        self.0.bulk.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
