//! Databases, which are read again at intervals, and after notifications.

use std::time::Duration;

use tokio::time::sleep;
use vexil::store::Changes;

use super::reporter::Reporter;
use crate::source::database::Database;

/// The longest time between two attempts in an outage.
const RETRY: Duration = Duration::from_secs(5);

/// The time that a writer has to complete related changes, and the least one between two reads.
const QUIET_TIME: Duration = Duration::from_millis(100);

pub(super) async fn follow(
    database: Database,
    shown: String,
    interval: Duration,
    mut reporter: Reporter,
) {
    let mut changes = database.store.changes();
    loop {
        if let Some(changes) = &mut changes {
            changes.mark_unchanged();
        }
        let read = database.snapshot(&shown).await;
        if reporter.read(read).await.is_break() {
            break;
        }
        let wait = if reporter.has_outage() {
            interval.min(RETRY)
        } else {
            interval
        };
        tokio::select! {
            () = sleep(wait) => {}
            () = changed(changes.as_mut()), if !reporter.has_outage() => sleep(QUIET_TIME).await,
            () = reporter.closed() => break,
        }
    }
    database.store.close().await;
}

async fn changed(changes: Option<&mut Changes>) {
    match changes {
        Some(changes) => changes.changed().await,
        None => std::future::pending().await,
    }
}
