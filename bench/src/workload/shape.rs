//! The JSON shapes of flags and segments, as written by the service.
//!
//! These types only serialize and belong to neither side: data built from one side's model would
//! never contain a property that this side does not know. Fields are in the order in which they are
//! written, because the digests cover the bytes.

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

/// The data set that the service sends when a client connects.
#[derive(Debug, Serialize)]
pub(crate) struct Data {
    #[serde(serialize_with = "keyed")]
    pub(super) flags: Vec<Flag>,
    #[serde(serialize_with = "keyed")]
    pub(super) segments: Vec<Segment>,
}

impl Data {
    /// Returns compact JSON text.
    pub(crate) fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }

    /// Returns the JSON text of each flag, by key.
    pub(crate) fn flag_texts(&self) -> Result<Vec<(String, String)>, serde_json::Error> {
        texts(&self.flags)
    }

    /// Returns the JSON text of each segment, by key.
    pub(crate) fn segment_texts(&self) -> Result<Vec<(String, String)>, serde_json::Error> {
        texts(&self.segments)
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Flag {
    pub(super) key: String,
    pub(super) version: u32,
    pub(super) on: bool,
    pub(super) salt: String,
    pub(super) sel: String,
    pub(super) prerequisites: Vec<Prerequisite>,
    pub(super) targets: Vec<Target>,
    pub(super) context_targets: Vec<Target>,
    pub(super) rules: Vec<Rule>,
    pub(super) fallthrough: Serve,
    pub(super) off_variation: usize,
    pub(super) variations: Vec<Variation>,
    pub(super) client_side_availability: ClientSideAvailability,
    pub(super) client_side: bool,
    pub(super) track_events: bool,
    pub(super) track_events_fallthrough: bool,
    pub(super) debug_events_until_date: Option<u64>,
    pub(super) deleted: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ClientSideAvailability {
    pub(super) using_mobile_key: bool,
    pub(super) using_environment_id: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct Prerequisite {
    pub(super) key: String,
    pub(super) variation: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Target {
    pub(super) context_kind: &'static str,
    pub(super) variation: usize,
    pub(super) values: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rule {
    pub(super) id: String,
    pub(super) clauses: Vec<Clause>,
    pub(super) track_events: bool,
    #[serde(flatten)]
    pub(super) serve: Serve,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Clause {
    pub(super) context_kind: &'static str,
    pub(super) attribute: &'static str,
    pub(super) op: &'static str,
    pub(super) values: Vec<Operand>,
    pub(super) negate: bool,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Operand {
    Text(String),
    Number(u32),
}

/// The outcome of a rule or of the fallthrough.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Serve {
    Variation(usize),
    Rollout(Rollout),
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rollout {
    pub(super) kind: &'static str,
    pub(super) context_kind: &'static str,
    pub(super) bucket_by: &'static str,
    pub(super) variations: Vec<Weighted>,
}

#[derive(Debug, Serialize)]
pub(super) struct Weighted {
    pub(super) variation: usize,
    pub(super) weight: u32,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Variation {
    Boolean(bool),
    Theme {
        theme: &'static str,
        limits: Limits,
        hosts: Vec<&'static str>,
    },
}

#[derive(Debug, Serialize)]
pub(super) struct Limits {
    pub(super) rps: u32,
    pub(super) burst: u32,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Segment {
    pub(super) key: String,
    pub(super) version: u32,
    pub(super) salt: String,
    pub(super) included: Vec<String>,
    pub(super) excluded: Vec<String>,
    pub(super) included_contexts: Vec<Target>,
    pub(super) excluded_contexts: Vec<Target>,
    pub(super) rules: Vec<SegmentRule>,
    pub(super) deleted: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SegmentRule {
    pub(super) id: String,
    pub(super) clauses: Vec<Clause>,
    #[serde(flatten)]
    pub(super) share: Option<Share>,
}

/// The percentage of matching contexts that a segment rule includes.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Share {
    pub(super) weight: u32,
    pub(super) rollout_context_kind: &'static str,
    pub(super) bucket_by: &'static str,
}

trait Keyed: Serialize {
    fn key(&self) -> &str;
}

impl Keyed for Flag {
    fn key(&self) -> &str {
        &self.key
    }
}

impl Keyed for Segment {
    fn key(&self) -> &str {
        &self.key
    }
}

fn texts<T: Keyed>(items: &[T]) -> Result<Vec<(String, String)>, serde_json::Error> {
    items
        .iter()
        .map(|item| Ok((item.key().to_owned(), serde_json::to_string(item)?)))
        .collect()
}

/// Serializes a list as an object by key, in the order of the list.
fn keyed<S: Serializer, T: Keyed>(items: &[T], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(items.len()))?;
    for item in items {
        map.serialize_entry(item.key(), item)?;
    }
    map.end()
}
