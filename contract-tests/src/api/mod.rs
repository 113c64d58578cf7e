//! The JSON of the harness.
//!
//! It says `null` for what it does not set, so `null` is the same as nothing everywhere; what is
//! not known is ignored. Names and meanings are those of the protocol, EVT-10.

mod command;
mod config;
mod hook;

pub(crate) use command::{
    Attribute, BigSegmentsStatus, BuildContext, BuiltContext, Command, CompareContexts, Compared,
    ComparedContext, ComparedKind, ContextKind, ConvertContext, Evaluate, EvaluateAll, Evaluated,
    EvaluatedAll, HashContext, Hashed, Identify, Migrated, MigrationOperation, MigrationVariation,
    Operation, ReadOrder, Subject, Track, ValueType,
};
pub(crate) use config::{
    BigSegments, Config, CreateClient, Endpoints, Events, PersistentDataStore, Polling, Proxy,
    Store, Streaming, Tags, Tls, Wrapper,
};
pub(crate) use hook::{HookConfig, Hooks, SeriesContext, Stage, StagePayload, TrackContext};
use serde::{Deserialize, Deserializer, Serialize};

/// What the service says of itself.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Status {
    pub(crate) name: &'static str,
    pub(crate) client_version: &'static str,
    pub(crate) capabilities: Vec<&'static str>,
}

/// For fields whose absence means their type's default: `null` means it too.
fn or_default<'de, T: Deserialize<'de> + Default, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
