//! [`Lock`]: keeps two programs from copying into the same database at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use vexil::store::StoreError;

use crate::source::Lease;

/// The name of the key or row.
const NAME: &str = "vexil_mirror_lock";
/// How long a program that has ended without releasing the lock blocks others.
const LIFETIME: Duration = Duration::from_secs(15);
const RENEWAL: Duration = Duration::from_secs(5);
/// How often a lock that another program has is asked for.
const RETRY: Duration = Duration::from_secs(1);

/// A lock that is renewed until it is released.
#[derive(Debug)]
pub(crate) struct Lock {
    lease: Arc<dyn Lease>,
    owner: String,
    /// Whether this program has the lock.
    held: watch::Receiver<bool>,
    renewal: JoinHandle<()>,
}

impl Lock {
    /// Waits until this program has the lock. Calls `waiting` once if another one has it. A
    /// `patient` program also waits for a database that cannot be reached.
    pub(crate) async fn take(
        lease: Arc<dyn Lease>,
        patient: bool,
        mut waiting: impl FnMut(),
    ) -> Result<Self, StoreError> {
        let owner = format!("{:016x}", fastrand::u64(..));
        let mut has_waited = false;
        loop {
            match lease.hold(NAME, &owner, LIFETIME).await {
                Ok(true) => break,
                Err(error) if !patient || !error.is_temporary() => return Err(error),
                Ok(false) if !has_waited => {
                    has_waited = true;
                    waiting();
                }
                Ok(false) | Err(_) => {}
            }
            sleep(RETRY).await;
        }
        let (sender, held) = watch::channel(true);
        let renewal = tokio::spawn(renew(Arc::clone(&lease), owner.clone(), sender));
        Ok(Self {
            lease,
            owner,
            held,
            renewal,
        })
    }

    /// Completes when another program has the lock.
    pub(crate) async fn lost(&mut self) {
        self.becomes(false).await;
    }

    /// Completes when this program has the lock again.
    pub(crate) async fn regained(&mut self) {
        self.becomes(true).await;
    }

    async fn becomes(&mut self, held: bool) {
        if self.held.wait_for(|is| *is == held).await.is_err() {
            // The renewal ends with the lock only.
            std::future::pending().await
        }
    }

    /// Lets other programs take the lock.
    pub(crate) async fn release(self) {
        self.renewal.abort();
        // If it cannot be released, it ends by itself.
        if let Err(error) = self.lease.release(NAME, &self.owner).await {
            tracing::info!(%error, "the lock was not released, and ends by itself");
        }
    }
}

async fn renew(lease: Arc<dyn Lease>, owner: String, held: watch::Sender<bool>) {
    loop {
        let wait = if *held.borrow() { RENEWAL } else { RETRY };
        sleep(wait).await;
        // In an outage no other program can take the lock either.
        if let Ok(is_held) = lease.hold(NAME, &owner, LIFETIME).await {
            held.send_if_modified(|held| std::mem::replace(held, is_held) != is_held);
        }
    }
}
