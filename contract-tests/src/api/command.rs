//! Commands to a client, and its responses.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use vexil::eval::Reason;
use vexil::{Context, ContextError, Value};

use super::or_default;

/// `POST` to a client: the name of a command, and its parameters in a member of the same name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Command {
    pub(crate) command: String,
    pub(crate) evaluate: Option<Evaluate>,
    pub(crate) evaluate_all: Option<EvaluateAll>,
    pub(crate) secure_mode_hash: Option<HashContext>,
    pub(crate) identify_event: Option<Identify>,
    pub(crate) custom_event: Option<Track>,
    pub(crate) context_build: Option<BuildContext>,
    pub(crate) context_convert: Option<ConvertContext>,
    pub(crate) context_comparison: Option<CompareContexts>,
    pub(crate) migration_variation: Option<MigrationVariation>,
    pub(crate) migration_operation: Option<MigrationOperation>,
    pub(crate) register_flag_change_listener: Option<FlagChangeListener>,
    pub(crate) register_flag_value_change_listener: Option<FlagValueChangeListener>,
    pub(crate) unregister_listener: Option<UnregisterListener>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FlagChangeListener {
    pub(crate) listener_id: String,
    pub(crate) callback_uri: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FlagValueChangeListener {
    pub(crate) listener_id: String,
    pub(crate) flag_key: String,
    #[serde(flatten)]
    pub(crate) subject: Subject,
    #[serde(default)]
    pub(crate) default_value: Value,
    pub(crate) callback_uri: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UnregisterListener {
    pub(crate) listener_id: String,
}

/// The subject of a command: a context, or a user in the old form, which the SDK converts.
#[derive(Debug, Deserialize)]
pub(crate) struct Subject {
    context: Option<Value>,
    user: Option<Value>,
}

impl Subject {
    /// Returns the context as the SDK parses it, or `None` if the command has neither.
    pub(crate) fn read(self) -> Option<Result<Context, ContextError>> {
        self.context.or(self.user).map(Context::try_from)
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Evaluate {
    pub(crate) flag_key: String,
    #[serde(flatten)]
    pub(crate) subject: Subject,
    pub(crate) value_type: ValueType,
    #[serde(default)]
    pub(crate) default_value: Value,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) detail: bool,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum ValueType {
    Bool,
    Int,
    Double,
    String,
    Any,
}

/// Without details, only the value is set.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Evaluated {
    pub(crate) value: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) variation_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<Reason>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EvaluateAll {
    #[serde(flatten)]
    pub(crate) subject: Subject,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) with_reasons: bool,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) client_side_only: bool,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) details_only_for_tracked_flags: bool,
}

#[derive(Debug, Serialize)]
pub(crate) struct EvaluatedAll {
    pub(crate) state: serde_json::Value,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Identify {
    #[serde(flatten)]
    pub(crate) subject: Subject,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Track {
    pub(crate) event_key: String,
    #[serde(flatten)]
    pub(crate) subject: Subject,
    #[serde(default)]
    pub(crate) data: Value,
    /// Whether `null` as data means to call the method without data.
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) omit_null_data: bool,
    pub(crate) metric_value: Option<f64>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct HashContext {
    #[serde(flatten)]
    pub(crate) subject: Subject,
}

#[derive(Debug, Serialize)]
pub(crate) struct Hashed {
    pub(crate) result: String,
}

/// Exactly one of the two is set.
#[derive(Debug, Deserialize)]
pub(crate) struct BuildContext {
    pub(crate) single: Option<ContextKind>,
    pub(crate) multi: Option<Vec<ContextKind>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ContextKind {
    pub(crate) kind: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) key: String,
    pub(crate) name: Option<String>,
    pub(crate) anonymous: Option<bool>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) private: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) custom: BTreeMap<String, Value>,
}

/// The context as JSON text, or an error message.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum BuiltContext {
    Output(String),
    Error(String),
}

#[derive(Debug, Deserialize)]
pub(crate) struct ConvertContext {
    /// JSON text, which may be invalid.
    pub(crate) input: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct CompareContexts {
    pub(crate) context1: ComparedContext,
    pub(crate) context2: ComparedContext,
}

/// Exactly one of the two is set.
#[derive(Debug, Deserialize)]
pub(crate) struct ComparedContext {
    pub(crate) single: Option<ComparedKind>,
    pub(crate) multi: Option<Vec<ComparedKind>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ComparedKind {
    pub(crate) kind: String,
    pub(crate) key: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) attributes: Vec<Attribute>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) private_attributes: Vec<PrivateAttribute>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Attribute {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) value: Value,
}

#[derive(Debug, Deserialize)]
pub(crate) struct PrivateAttribute {
    pub(crate) value: String,
    /// Whether the value is a literal name instead of a reference.
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) literal: bool,
}

#[derive(Debug, Serialize)]
pub(crate) struct Compared {
    pub(crate) equals: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MigrationVariation {
    pub(crate) key: String,
    #[serde(flatten)]
    pub(crate) subject: Subject,
    pub(crate) default_stage: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MigrationOperation {
    pub(crate) key: String,
    #[serde(flatten)]
    pub(crate) subject: Subject,
    pub(crate) default_stage: String,
    pub(crate) read_execution_order: Option<ReadOrder>,
    pub(crate) operation: Operation,
    pub(crate) old_endpoint: String,
    pub(crate) new_endpoint: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) payload: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) track_latency: bool,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) track_errors: bool,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) track_consistency: bool,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum ReadOrder {
    Serial,
    Random,
    Concurrent,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Operation {
    Read,
    Write,
}

/// The stage, or the result of the authoritative origin.
#[derive(Debug, Serialize)]
pub(crate) struct Migrated {
    pub(crate) result: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct BigSegmentsStatus {
    pub(crate) available: bool,
    pub(crate) stale: bool,
}
