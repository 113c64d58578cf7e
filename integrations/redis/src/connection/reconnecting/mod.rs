//! [`Reconnecting`]: one multiplexed connection that reconnects by itself.
//!
//! A background task connects, drives the connection's I/O, pings the server every ten seconds, and
//! reconnects: at once after a loss, then with a backoff of 100 ms to 5 s. Requests never connect.
//! They wait for the first attempt after a loss; once it has failed, they fail at once with its
//! error, unless their class allows them to wait for another attempt. A waiting request ends the
//! backoff, but attempts stay at least 100 ms apart.

mod open_connection;
mod outage;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::PushInfo;
use redis::aio::{AsyncPushSender, SendError};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use self::open_connection::OpenConnection;
use self::outage::Outage;
use super::changes::Changes;
use super::handshake::{Endpoint, Handshake, connect};
use super::resolver::Resolver;
use super::{ConnectionSettings, Dedicated};
use crate::error::CommandError;
use crate::request::{Request, RequestClass};

/// Minimum time between the starts of two attempts, and the initial backoff.
const MIN_BACKOFF: Duration = Duration::from_millis(100);

/// A connection that is lost sooner than this counts as a failed attempt, so that a server that
/// hangs up is not contacted in a loop.
const MIN_LIFETIME: Duration = Duration::from_secs(1);

/// One connection to one server.
#[derive(Debug)]
pub(crate) struct Reconnecting {
    shared: Arc<Shared>,
    /// The task that connects; dropping this value aborts it. The lock is held briefly and never
    /// across an await.
    task: Mutex<Option<ReconnectTask>>,
}

#[derive(Debug)]
struct Shared {
    resolver: Resolver,
    settings: Arc<ConnectionSettings>,
    changes: Arc<Changes>,
    state: watch::Sender<State>,
    /// Notified by requests that wait for a connection; ends the backoff.
    retry_now: Notify,
}

#[derive(Clone, Debug)]
enum State {
    /// The first attempt since the start or since a loss, or the backoff before it.
    Connecting,
    Up(OpenConnection),
    /// The last attempt failed; `attempt` is its number.
    Down {
        attempt: u64,
        error: CommandError,
    },
}

/// A task that is aborted on drop.
#[derive(Debug)]
struct ReconnectTask(JoinHandle<()>);

impl Drop for ReconnectTask {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Reconnecting {
    pub(crate) fn new(
        resolver: Resolver,
        settings: Arc<ConnectionSettings>,
        changes: Arc<Changes>,
    ) -> Self {
        let state = watch::Sender::new(State::Connecting);
        let shared = Shared {
            resolver,
            settings,
            changes,
            state,
            retry_now: Notify::new(),
        };
        Self {
            shared: Arc::new(shared),
            task: Mutex::default(),
        }
    }

    /// Sends a request and waits for the replies until the deadline. If the connection turns out to
    /// be lost, or to lead to the wrong server, the request is sent once more over the next
    /// connection.
    pub(crate) async fn send(
        &self,
        request: &Request,
        asking: bool,
        deadline: Instant,
    ) -> Result<Vec<redis::Value>, CommandError> {
        let may_wait = request.class != RequestClass::Read;
        let mut last = None;
        loop {
            let open = match timeout_at(deadline, self.open_connection(may_wait)).await {
                Ok(open) => open?,
                Err(_) => return Err(last.unwrap_or(CommandError::Timeout)),
            };
            match open.send(request, asking, deadline).await {
                Err(error) if error.breaks_connection() => {
                    open.mark_dead();
                    if last.is_some() {
                        return Err(error);
                    }
                    last = Some(error);
                }
                outcome => return outcome,
            }
        }
    }

    /// Opens a dedicated connection, for commands that change its state.
    pub(crate) async fn dedicated(&self) -> Result<Dedicated, CommandError> {
        let Handshake {
            connection, driver, ..
        } = self.shared.connect(None).await?;
        Ok(Dedicated::new(connection, driver))
    }

    /// Closes the connection. The next request opens another.
    pub(crate) fn stop(&self) {
        self.task().take();
        self.shared.state.send_replace(State::Connecting);
    }

    /// Returns the connection once there is one. `may_wait`: after a failed attempt, waits for one
    /// more.
    async fn open_connection(&self, may_wait: bool) -> Result<OpenConnection, CommandError> {
        self.start();
        let mut states = self.shared.state.subscribe();
        let mut failed_before = None;
        loop {
            match &*states.borrow_and_update() {
                State::Up(open) if !open.is_dead() => return Ok(open.clone()),
                State::Down { error, .. } if !may_wait || error.is_refusal() => {
                    return Err(error.clone());
                }
                State::Down { attempt, error } => match failed_before {
                    Some(before) if before < *attempt => return Err(error.clone()),
                    Some(_) => {}
                    None => {
                        failed_before = Some(*attempt);
                        self.shared.retry_now.notify_one();
                    }
                },
                // The task may be in the backoff after a short-lived connection.
                State::Connecting => self.shared.retry_now.notify_one(),
                State::Up(_) => {}
            }
            states.changed().await.map_err(|_| CommandError::Closed)?;
        }
    }

    /// Starts the task unless it runs. The task ends with its runtime.
    fn start(&self) {
        let mut task = self.task();
        if task.as_ref().is_none_or(|task| task.0.is_finished()) {
            self.shared.state.send_replace(State::Connecting);
            *task = Some(ReconnectTask(tokio::spawn(keep_connected(Arc::clone(
                &self.shared,
            )))));
        }
    }

    fn task(&self) -> std::sync::MutexGuard<'_, Option<ReconnectTask>> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    async fn connect(
        &self,
        pushes: Option<Arc<dyn AsyncPushSender>>,
    ) -> Result<Handshake, CommandError> {
        let ConnectionSettings {
            encrypted,
            ref credentials,
            database,
            ..
        } = *self.settings;
        let host = self.resolver.resolve(&self.settings).await?;
        let handshake = connect(
            &Endpoint {
                host,
                encrypted,
                credentials,
                database,
            },
            &self.settings,
            pushes,
        )
        .await?;
        Ok(handshake)
    }

    /// Waits before the next attempt, until the delay ends or a request needs the connection.
    async fn back_off(&self, started: Instant, delay: Duration) {
        tokio::select! {
            () = sleep(delay) => {}
            () = self.retry_now.notified() => sleep_until(started + MIN_BACKOFF).await,
        }
    }

    async fn connect_for_all(&self) -> Result<(OpenConnection, Handshake), CommandError> {
        let changes = Arc::clone(&self.changes);
        let handle_push = move |push: PushInfo| -> Result<(), SendError> {
            changes.handle(&push);
            Ok(())
        };
        let handshake = self.connect(Some(Arc::new(handle_push))).await?;
        Ok((
            OpenConnection::new(handshake.connection.clone(), &self.settings.timeouts),
            handshake,
        ))
    }
}

/// Keeps a connection open indefinitely.
async fn keep_connected(shared: Arc<Shared>) {
    let mut outage = Outage::default();
    // Whether a store may have missed a change. `false` at first: no store has read anything yet.
    let mut missed = false;
    // Whether a connection was lost and the stores have not been notified yet.
    let mut lost = false;
    for attempt in 1.. {
        let started = Instant::now();
        match shared.connect_for_all().await {
            Ok((open, handshake)) => {
                drive(&shared, &open, handshake, missed).await;
                shared.state.send_replace(State::Connecting);
                lost = true;
                if started.elapsed() >= MIN_LIFETIME {
                    outage = Outage::default();
                } else {
                    shared.back_off(started, outage.next_delay()).await;
                }
            }
            Err(error) => {
                outage.report(&error, &shared.settings.url);
                let refused = error.is_refusal();
                shared.state.send_replace(State::Down { attempt, error });
                if std::mem::take(&mut lost) {
                    // A store that refreshes now finds the outage, without waiting for its
                    // interval.
                    shared.changes.mark_all();
                }
                if refused {
                    // Requests fail at once during this delay.
                    sleep(outage::REFUSED_BACKOFF).await;
                } else {
                    shared.back_off(started, outage.next_delay()).await;
                }
            }
        }
        missed = true;
    }
}

/// Records that a connection is closed, also if its task is aborted.
struct CloseOnDrop<'a>(&'a OpenConnection);

impl Drop for CloseOnDrop<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Drives a connection until it is lost.
async fn drive(shared: &Shared, open: &OpenConnection, handshake: Handshake, missed: bool) {
    let Handshake { driver, pushes, .. } = handshake;
    let counts = pushes.then(|| shared.changes.count());
    let using = async {
        // Subscribes first, so that no change is missed between the first read and the
        // subscription.
        let subscribed = open.subscribe(&shared.changes, 0, pushes).await;
        tracing::debug!(url = shared.settings.url, pushes, "connected to Redis");
        shared.state.send_replace(State::Up(open.clone()));
        if missed {
            shared.changes.mark_all();
        }
        open.keep(&shared.changes, counts, subscribed).await;
    };
    let _closed = CloseOnDrop(open);
    tokio::select! {
        () = driver => {}
        () = using => {}
    }
}
