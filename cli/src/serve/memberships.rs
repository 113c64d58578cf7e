//! The memberships of contexts in big segments, for values that the server evaluates.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use vexil::Context;
use vexil::big_segments::BigSegmentStore;
use vexil_eval::{BigSegmentsStatus, MembershipAnswer};
use vexil_service::Memberships;

use super::environment::Environment;
use super::snapshot::Snapshot;
use crate::output::milliseconds_since_1970;

/// A store that was not synchronized for this time is stale, in milliseconds.
const STALE_AFTER: u64 = 120_000;

impl Environment {
    /// Sets the store of big segments. The first one stays.
    pub(crate) fn set_big_segments(&self, store: Arc<dyn BigSegmentStore>) {
        let _ = self.big_segments.set(store);
    }

    /// Returns the memberships that the flags of a snapshot need for a context, or `None` if there is
    /// no store.
    pub(super) async fn memberships(
        &self,
        snapshot: &Snapshot,
        context: &Context,
    ) -> Option<Memberships> {
        let store = self.big_segments.get()?;
        let mut memberships = Memberships::default();
        loop {
            let needed = memberships.needed(&snapshot.rules, context);
            if needed.is_empty() {
                return Some(memberships);
            }
            for key in needed {
                let answer = ask(&**store, &key).await;
                memberships.insert(key, answer);
            }
        }
    }
}

async fn ask(store: &dyn BigSegmentStore, context_key: &str) -> MembershipAnswer {
    let hash = STANDARD.encode(Sha256::digest(context_key));
    let asked = async {
        let membership = store.membership(&hash).await?;
        let synchronized = store.last_synchronized().await?;
        Ok::<_, vexil::store::StoreError>((membership, synchronized))
    };
    match asked.await {
        Ok((membership, synchronized)) => {
            let age = synchronized.map(|at| milliseconds_since_1970().saturating_sub(at));
            let status = match age.is_some_and(|age| age < STALE_AFTER) {
                true => BigSegmentsStatus::Healthy,
                false => BigSegmentsStatus::Stale,
            };
            MembershipAnswer::new(membership, status)
        }
        Err(error) => {
            tracing::warn!("the store of big segments cannot be read: {error}");
            MembershipAnswer::new(None, BigSegmentsStatus::StoreError)
        }
    }
}
