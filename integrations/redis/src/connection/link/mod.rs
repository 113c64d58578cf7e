//! [`Link`]: one multiplexed connection that reconnects by itself.
//!
//! A background task connects, drives the connection's I/O, pings the server every ten seconds, and
//! reconnects: at once after a loss, then with a backoff of 100 ms to 5 s. Requests never connect.
//! They wait for the first attempt after a loss; once it has failed, they fail at once with its
//! error, unless their limit allows them to wait for another attempt. A waiting request ends the
//! backoff, but attempts stay at least 100 ms apart.

mod live;
mod outage;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::PushInfo;
use redis::aio::{AsyncPushSender, SendError};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use self::live::Live;
use self::outage::Outage;
use super::changes::Changes;
use super::dial::{Dialed, Endpoint, dial};
use super::target::Locate;
use super::{Dedicated, Settings};
use crate::error::Fault;
use crate::request::{Limit, Request};

/// Minimum time between the starts of two attempts, and the initial backoff.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);

/// A connection that is lost sooner than this counts as a failed attempt, so that a server that
/// hangs up is not contacted in a loop.
const LASTING: Duration = Duration::from_secs(1);

/// One connection to one server.
#[derive(Debug)]
pub(crate) struct Link {
    shared: Arc<Shared>,
    /// The task that connects; dropping the link aborts it. The lock is held briefly and never
    /// across an await.
    task: Mutex<Option<Mender>>,
}

#[derive(Debug)]
struct Shared {
    place: Locate,
    settings: Arc<Settings>,
    changes: Arc<Changes>,
    state: watch::Sender<State>,
    /// Notified by requests that wait for a connection; ends the backoff.
    hurry: Notify,
}

#[derive(Clone, Debug)]
enum State {
    /// The first attempt since the start or since a loss, or the backoff before it.
    Connecting,
    Up(Live),
    /// The last attempt failed; `attempt` is its number.
    Down {
        attempt: u64,
        fault: Fault,
    },
}

/// A task that is aborted on drop.
#[derive(Debug)]
struct Mender(JoinHandle<()>);

impl Drop for Mender {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Link {
    pub(crate) fn new(place: Locate, settings: Arc<Settings>, changes: Arc<Changes>) -> Self {
        let state = watch::Sender::new(State::Connecting);
        let shared = Shared {
            place,
            settings,
            changes,
            state,
            hurry: Notify::new(),
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
    ) -> Result<Vec<redis::Value>, Fault> {
        let patient = request.limit != Limit::Read;
        let mut last = None;
        loop {
            let live = match timeout_at(deadline, self.live(patient)).await {
                Ok(live) => live?,
                Err(_) => return Err(last.unwrap_or(Fault::Timeout)),
            };
            match live.send(request, asking, deadline).await {
                Err(fault) if fault.is_of_connection() => {
                    live.condemn();
                    if last.is_some() {
                        return Err(fault);
                    }
                    last = Some(fault);
                }
                outcome => return outcome,
            }
        }
    }

    /// Opens a dedicated connection, for commands that change its state.
    pub(crate) async fn dedicated(&self) -> Result<Dedicated, Fault> {
        let Dialed {
            connection, driver, ..
        } = self.shared.connect(None).await?;
        Ok(Dedicated::new(connection, driver))
    }

    /// Closes the connection. The next request opens another.
    pub(crate) fn stop(&self) {
        self.task().take();
        self.shared.state.send_replace(State::Connecting);
    }

    /// Returns the connection once there is one. `patient`: after a failed attempt, waits for one
    /// more.
    async fn live(&self, patient: bool) -> Result<Live, Fault> {
        self.start();
        let mut states = self.shared.state.subscribe();
        let mut hurried = None;
        loop {
            match &*states.borrow_and_update() {
                State::Up(live) if !live.is_condemned() => return Ok(live.clone()),
                State::Down { fault, .. } if !patient || fault.is_refusal() => {
                    return Err(fault.clone());
                }
                State::Down { attempt, fault } => match hurried {
                    Some(before) if before < *attempt => return Err(fault.clone()),
                    Some(_) => {}
                    None => {
                        hurried = Some(*attempt);
                        self.shared.hurry.notify_one();
                    }
                },
                // The task may be in the backoff after a short-lived connection.
                State::Connecting => self.shared.hurry.notify_one(),
                State::Up(_) => {}
            }
            states.changed().await.map_err(|_| Fault::Closed)?;
        }
    }

    /// Starts the task unless it runs. The task ends with its runtime.
    fn start(&self) {
        let mut task = self.task();
        if task.as_ref().is_none_or(|task| task.0.is_finished()) {
            self.shared.state.send_replace(State::Connecting);
            *task = Some(Mender(tokio::spawn(mend(Arc::clone(&self.shared)))));
        }
    }

    fn task(&self) -> std::sync::MutexGuard<'_, Option<Mender>> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    async fn connect(&self, pushes: Option<Arc<dyn AsyncPushSender>>) -> Result<Dialed, Fault> {
        let Settings {
            encrypted,
            ref credentials,
            database,
            ..
        } = *self.settings;
        let host = self.place.find(&self.settings).await?;
        let dialed = dial(
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
        Ok(dialed)
    }

    /// Waits before the next attempt, until the pause ends or a request needs the connection.
    async fn back_off(&self, started: Instant, pause: Duration) {
        tokio::select! {
            () = sleep(pause) => {}
            () = self.hurry.notified() => sleep_until(started + SHORTEST_PAUSE).await,
        }
    }

    async fn connect_for_all(&self) -> Result<(Live, Dialed), Fault> {
        let changes = Arc::clone(&self.changes);
        let take = move |news: PushInfo| -> Result<(), SendError> {
            changes.take(&news);
            Ok(())
        };
        let dialed = self.connect(Some(Arc::new(take))).await?;
        Ok((
            Live::new(dialed.connection.clone(), &self.settings.limits),
            dialed,
        ))
    }
}

/// Keeps a connection open indefinitely.
async fn mend(shared: Arc<Shared>) {
    let mut outage = Outage::default();
    // Whether a store may have missed a change. `false` at first: no store has read anything yet.
    let mut missed = false;
    // Whether a connection was lost and the stores have not been notified yet.
    let mut lost = false;
    for attempt in 1.. {
        let started = Instant::now();
        match shared.connect_for_all().await {
            Ok((live, dialed)) => {
                carry(&shared, &live, dialed, missed).await;
                shared.state.send_replace(State::Connecting);
                lost = true;
                if started.elapsed() >= LASTING {
                    outage = Outage::default();
                } else {
                    shared.back_off(started, outage.pause()).await;
                }
            }
            Err(fault) => {
                outage.report(&fault, &shared.settings.url);
                let refused = fault.is_refusal();
                shared.state.send_replace(State::Down { attempt, fault });
                if std::mem::take(&mut lost) {
                    // A store that refreshes now finds the outage, without waiting for its
                    // interval.
                    shared.changes.mark_all();
                }
                if refused {
                    // Requests fail at once during this pause.
                    sleep(outage::REFUSED_PAUSE).await;
                } else {
                    shared.back_off(started, outage.pause()).await;
                }
            }
        }
        missed = true;
    }
}

/// Records that a connection is closed, also if its task is aborted.
struct CloseOnDrop<'a>(&'a Live);

impl Drop for CloseOnDrop<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Drives a connection until it is lost.
async fn carry(shared: &Shared, live: &Live, dialed: Dialed, missed: bool) {
    let Dialed { driver, pushes, .. } = dialed;
    let counts = pushes.then(|| shared.changes.count());
    let using = async {
        // Subscribes first, so that no change is missed between the first read and the
        // subscription.
        let armed = live.arm(&shared.changes, 0, pushes).await;
        tracing::debug!(url = shared.settings.url, pushes, "connected to Redis");
        shared.state.send_replace(State::Up(live.clone()));
        if missed {
            shared.changes.mark_all();
        }
        live.keep(&shared.changes, counts, armed).await;
    };
    let _closed = CloseOnDrop(live);
    tokio::select! {
        () = driver => {}
        () = using => {}
    }
}
