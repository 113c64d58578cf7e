//! The harness's JSON.
//!
//! The harness sends `null` for members that are not set, so `null` counts as missing everywhere.
//! Unknown members are ignored. Names and meanings are those of the protocol, EVT-10.

mod command;
mod config;
mod data_system;
mod hook;

pub(crate) use command::{
    Attribute, BigSegmentsStatus, BuildContext, BuiltContext, Command, CompareContexts, Compared,
    ComparedContext, ComparedKind, ContextKind, ConvertContext, Evaluate, EvaluateAll, Evaluated,
    EvaluatedAll, FlagChangeListener, FlagValueChangeListener, HashContext, Hashed, Identify,
    Migrated, MigrationOperation, MigrationVariation, Operation, ReadOrder, Subject, Track,
    ValueType,
};
pub(crate) use config::{
    BigSegments, Config, CreateClient, Endpoints, Events, Overrides, PersistentDataStore, Polling,
    Proxy, Store, Streaming, Tags, Tls, Wrapper,
};
pub(crate) use data_system::{DataSystem, PayloadPolling, PayloadStreaming};
pub(crate) use hook::{HookConfig, Hooks, SeriesContext, Stage, StagePayload, TrackContext};
use serde::{Deserialize, Deserializer, Serialize};

/// The status of the service.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Status {
    pub(crate) name: &'static str,
    pub(crate) client_version: &'static str,
    pub(crate) capabilities: Vec<&'static str>,
}

/// For fields that default to their type's default: `null` also selects the default.
fn or_default<'de, T: Deserialize<'de> + Default, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
