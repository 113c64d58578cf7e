//! The configuration of hooks, and their reports.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use vexil::eval::{Detail, Reason};
use vexil::{Context, Value};

use super::or_default;

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Hooks {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) hooks: Vec<HookConfig>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HookConfig {
    pub(crate) name: String,
    pub(crate) callback_uri: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) data: BTreeMap<Stage, BTreeMap<String, Value>>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) errors: BTreeMap<Stage, Option<String>>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Stage {
    BeforeEvaluation,
    AfterEvaluation,
    AfterTrack,
}

/// `POST` to a hook's callback.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StagePayload<'a> {
    pub(crate) stage: Stage,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) evaluation_series_context: Option<SeriesContext<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) evaluation_series_data: Option<BTreeMap<&'a str, &'a Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) evaluation_detail: Option<SeenDetail>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) track_series_context: Option<TrackContext<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SeriesContext<'a> {
    pub(crate) flag_key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) context: Option<&'a Context>,
    pub(crate) default_value: Value,
    pub(crate) method: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) environment_id: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SeenDetail {
    pub(crate) value: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) variation_index: Option<usize>,
    pub(crate) reason: Reason,
}

impl From<Detail<Value>> for SeenDetail {
    fn from(detail: Detail<Value>) -> Self {
        Self {
            value: detail.value,
            variation_index: detail.variation_index,
            reason: detail.reason,
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TrackContext<'a> {
    pub(crate) key: &'a str,
    pub(crate) context: &'a Context,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) metric_value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) environment_id: Option<&'a str>,
}
