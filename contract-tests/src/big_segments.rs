//! [`CallbackStore`]: a big segment store backed by callbacks of the harness (STO-8.4).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;
use tokio::task::spawn_blocking;
use vexil::big_segments::{BigSegmentStore, StoreError};
use vexil::eval::Membership;

use crate::callback::Callback;

#[derive(Debug)]
pub(crate) struct CallbackStore {
    metadata: Callback,
    membership: Callback,
    end: Callback,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    last_up_to_date: Option<u64>,
}

#[derive(Deserialize)]
struct Memberships {
    values: Option<BTreeMap<String, bool>>,
}

impl CallbackStore {
    pub(crate) fn new(uri: &str) -> Self {
        let callback = |path| Callback::new(format!("{uri}/{path}"));
        Self {
            metadata: callback("getMetadata"),
            membership: callback("getMembership"),
            end: callback(""),
        }
    }
}

/// Posts to a callback on the blocking pool.
async fn ask<T: for<'de> Deserialize<'de>>(
    callback: &Callback,
    body: String,
) -> Result<T, StoreError> {
    let callback = callback.clone();
    let asked = spawn_blocking(move || callback.post(&body))
        .await
        .map_err(StoreError::unavailable)?;
    serde_json::from_str(&asked.map_err(StoreError::unavailable)?).map_err(StoreError::unavailable)
}

#[vexil::async_trait]
impl BigSegmentStore for CallbackStore {
    async fn membership(&self, context_hash: &str) -> Result<Option<Membership>, StoreError> {
        let body = json!({ "contextHash": context_hash }).to_string();
        let Memberships { values } = ask(&self.membership, body).await?;
        Ok(values.map(|values| {
            let those = |included: bool| {
                let values = values.iter().filter(move |(_, value)| **value == included);
                values.map(|(segment, _)| segment.as_str())
            };
            Membership::new(those(true), those(false))
        }))
    }

    async fn last_synchronized(&self) -> Result<Option<u64>, StoreError> {
        let Metadata { last_up_to_date } = ask(&self.metadata, String::new()).await?;
        Ok(last_up_to_date)
    }

    async fn close(&self) {
        let end = self.end.clone();
        match spawn_blocking(move || end.delete()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "cannot close the harness's store"),
            Err(error) => {
                tracing::warn!(%error, "closing the harness's store ended early")
            }
        }
    }
}
