//! Tests of the tolerant JSON reader of flags and segments.

mod data_set;
mod flag;
mod numbers;
mod problems;
mod properties;
mod references;
mod segment;
mod tombstones;

use serde_json::{Map, Value as Json, json};

use super::*;
use crate::context::{Kind, Reference, ReferenceError};
use crate::model::bucket_hasher::BucketHasher;
use crate::model::clause::Operator;
use crate::model::flag::VariationOrRollout;
use crate::model::rollout::{BucketBy, Rollout};
use crate::text::Text;
use crate::value::Value;

type Result<T> = std::result::Result<T, ReadError<serde_json::Error>>;

/// Reads an item like one of an update.
fn item(kind: DataKind, json: &Json) -> Result<Item> {
    Item::from_json(kind, "k", json.to_string().as_bytes())
}

fn flag(json: Json) -> Flag {
    serde_json::from_value(json).unwrap()
}

fn segment(json: Json) -> Segment {
    serde_json::from_value(json).unwrap()
}

fn data(json: &Json) -> Result<DataSet> {
    DataSet::from_json(json.to_string().as_bytes())
}

/// A data set that contains only this item.
fn data_of(kind: DataKind, item: &Json) -> Json {
    json!({section(kind): {"k": item}})
}

fn section(kind: DataKind) -> &'static str {
    match kind {
        DataKind::Flag => "flags",
        DataKind::Segment => "segments",
    }
}

const KINDS: [DataKind; 2] = [DataKind::Flag, DataKind::Segment];

/// The observable state of an item, for comparisons.
fn shown(kind: DataKind, json: &Json) -> String {
    format!("{:?}", item(kind, json).unwrap().without_json())
}

fn rollout(result: &VariationOrRollout) -> &Rollout {
    match result {
        VariationOrRollout::Rollout(rollout) => rollout,
        other => panic!("{other:?} is no rollout"),
    }
}
