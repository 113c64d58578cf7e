//! The configuration of a data system, which version 3 of the harness uses.

use serde::Deserialize;

use super::config::{Millis, PersistentDataStore};
use super::or_default;

/// Without initializers and synchronizers, the client reads its database.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DataSystem {
    /// Whether to ignore the sources and use the SDK's usual ones.
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) use_default_data_system: bool,
    pub(crate) store: Option<DataSystemStore>,
    /// 0: the database is only read. 1: it is kept up to date.
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) store_mode: u8,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) initializers: Vec<Source>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) synchronizers: Vec<Source>,
    pub(crate) fdv1_fallback: Option<PayloadPolling>,
}

impl DataSystem {
    /// The base URIs of all sources.
    pub(crate) fn base_uris(&self) -> impl Iterator<Item = &String> {
        let sources = self.initializers.iter().chain(&self.synchronizers);
        let sources = sources.flat_map(|source| {
            let streaming = source.streaming.iter().map(|streaming| &streaming.base_uri);
            streaming.chain(source.polling.iter().map(|polling| &polling.base_uri))
        });
        sources.chain(self.fdv1_fallback.iter().map(|polling| &polling.base_uri))
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DataSystemStore {
    pub(crate) persistent_data_store: Option<PersistentDataStore>,
}

/// A source has one of the two.
#[derive(Debug, Deserialize)]
pub(crate) struct Source {
    pub(crate) streaming: Option<PayloadStreaming>,
    pub(crate) polling: Option<PayloadPolling>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PayloadStreaming {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) base_uri: String,
    pub(crate) initial_retry_delay_ms: Option<Millis>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PayloadPolling {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) base_uri: String,
    pub(crate) poll_interval_ms: Option<Millis>,
}
