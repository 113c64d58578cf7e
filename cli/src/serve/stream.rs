//! [`open`]: the body of a stream.
//!
//! A stream remembers the revision that it has sent, and waits for the next snapshot. A client that
//! reads slowly receives several changes at once; there is no queue.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream::unfold;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use vexil_service::{HEARTBEAT, ItemStream, Memberships, ValueStream};

use super::environment::Environment;
use super::groups::Group;
use super::sdks::Visit;
use super::snapshot::{Snapshot, encode};

/// How often a comment is sent.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(30);

/// What a stream sends.
#[derive(Debug)]
pub(super) enum Feed {
    Items(ItemStream),
    Values(ValueStream, Arc<Group>, Option<Memberships>),
}

struct Open {
    feed: Feed,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    resend: watch::Receiver<u64>,
    stop: watch::Receiver<bool>,
    /// The last revision that was sent.
    sent: u64,
    heartbeat: Interval,
    /// The SDK, which sees its stream end when this is dropped.
    visit: Visit,
    _permit: OwnedSemaphorePermit,
}

/// Opens a stream of an environment. Its first event is there at once.
pub(super) fn open(
    feed: Feed,
    environment: &Environment,
    stop: watch::Receiver<bool>,
    visit: Visit,
    permit: OwnedSemaphorePermit,
) -> Body {
    let mut snapshots = environment.snapshots();
    let snapshot = Arc::clone(&snapshots.borrow_and_update());
    let (opening, sent) = feed.opening(&snapshot);
    visit.sent(opening.len());
    let open = Open {
        feed,
        snapshots,
        resend: environment.resend.subscribe(),
        stop,
        sent,
        heartbeat: heartbeat(),
        visit,
        _permit: permit,
    };
    let opening = futures_util::stream::iter([Ok::<_, std::convert::Infallible>(opening)]);
    let following = unfold(open, |mut open| async move {
        let bytes = open.next().await?;
        open.visit.sent(bytes.len());
        Some((Ok(bytes), open))
    });
    Body::from_stream(futures_util::StreamExt::chain(opening, following))
}

fn heartbeat() -> Interval {
    let mut heartbeat = interval_at(Instant::now() + HEARTBEAT_INTERVAL, HEARTBEAT_INTERVAL);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    heartbeat
}

impl Open {
    /// Returns what is sent next, or `None` if the stream ends.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            tokio::select! {
                biased;
                _ = self.stop.wait_for(|stop| *stop) => return None,
                () = self.visit.cut() => return None,
                resend = self.resend.changed() => {
                    resend.ok()?;
                    let snapshot = Arc::clone(&self.snapshots.borrow_and_update());
                    let (bytes, sent) = self.feed.everything(&snapshot);
                    self.sent = sent;
                    return Some(bytes);
                }
                changed = self.snapshots.changed() => {
                    changed.ok()?;
                    let snapshot = Arc::clone(&self.snapshots.borrow_and_update());
                    let (bytes, sent) = self.feed.changes(&snapshot, self.sent);
                    self.sent = sent;
                    if !bytes.is_empty() {
                        return Some(bytes);
                    }
                }
                _ = self.heartbeat.tick() => return Some(HEARTBEAT),
            }
        }
    }
}

/// Each function returns the revision that has been sent with its bytes.
impl Feed {
    fn opening(&self, snapshot: &Snapshot) -> (Bytes, u64) {
        match self {
            Self::Items(stream) => (snapshot.opening(stream), snapshot.revision()),
            Self::Values(stream, group, memberships) => {
                group.read(stream, memberships.as_ref(), snapshot, |flags| {
                    (encode(&stream.opening(flags)), flags.revision())
                })
            }
        }
    }

    fn changes(&self, snapshot: &Snapshot, since: u64) -> (Bytes, u64) {
        match self {
            Self::Items(stream) => (snapshot.changes(stream, since), snapshot.revision()),
            Self::Values(stream, group, memberships) => {
                group.read(stream, memberships.as_ref(), snapshot, |flags| {
                    (encode(&stream.changes(flags, since)), flags.revision())
                })
            }
        }
    }

    fn everything(&self, snapshot: &Snapshot) -> (Bytes, u64) {
        match self {
            Self::Items(stream) => (snapshot.everything(stream), snapshot.revision()),
            Self::Values(stream, group, memberships) => {
                group.read(stream, memberships.as_ref(), snapshot, |flags| {
                    (encode(&stream.everything(flags)), flags.revision())
                })
            }
        }
    }
}
