//! Copies the memberships of contexts in big segments.

use std::collections::HashSet;
use std::sync::Arc;

use vexil::big_segments::{StoreError, StoredMembership};

use crate::output::Progress;
use crate::source::Memberships;

/// Two databases with big segments.
#[derive(Clone, Debug)]
pub(crate) struct BigSegments {
    pub(crate) from: Arc<dyn Memberships>,
    pub(crate) to: Arc<dyn Memberships>,
}

/// How many contexts were copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Copied {
    pub(crate) contexts: usize,
    pub(crate) removed: usize,
    /// When the source was last synchronized, in milliseconds since 1970.
    pub(crate) synchronized_on: Option<u64>,
}

/// A request that has failed, and whose it was.
#[derive(Debug)]
pub(crate) enum CopyError {
    From(StoreError),
    To(StoreError),
}

impl BigSegments {
    /// Makes the target contain the memberships of the source. The time of the last synchronization
    /// is written last.
    pub(crate) async fn copy(
        &self,
        keep_missing: bool,
        progress: &mut Progress,
    ) -> Result<Copied, CopyError> {
        // Read first: what is copied is at least as new.
        let time = self.from.last_synchronized().await;
        let synchronized_on = time.map_err(CopyError::From)?;
        let mut seen: HashSet<String> = HashSet::new();
        let mut cursor = None;
        loop {
            let page = self.from.page(cursor.as_deref()).await;
            let page = page.map_err(CopyError::From)?;
            self.to
                .write(&page.memberships)
                .await
                .map_err(CopyError::To)?;
            progress.add(page.memberships.len() as u64);
            let hashes = page.memberships.into_iter();
            seen.extend(hashes.map(|membership| membership.context_hash));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        let removed = if keep_missing {
            0
        } else {
            self.remove(&seen).await?
        };
        if let Some(time) = synchronized_on {
            self.to.write_time(time).await.map_err(CopyError::To)?;
        }
        Ok(Copied {
            contexts: seen.len(),
            removed,
            synchronized_on,
        })
    }

    /// Removes the contexts that the source does not have.
    async fn remove(&self, seen: &HashSet<String>) -> Result<usize, CopyError> {
        let mut removed = HashSet::new();
        let mut cursor = None;
        loop {
            let page = self.to.page(cursor.as_deref()).await;
            let page = page.map_err(CopyError::To)?;
            let hashes = page.memberships.into_iter();
            let gone: Vec<StoredMembership> = hashes
                .map(|membership| membership.context_hash)
                .filter(|hash| !seen.contains(hash))
                .map(StoredMembership::new)
                .collect();
            self.to.write(&gone).await.map_err(CopyError::To)?;
            removed.extend(gone.into_iter().map(|gone| gone.context_hash));
            cursor = page.next;
            if cursor.is_none() {
                return Ok(removed.len());
            }
        }
    }
}
