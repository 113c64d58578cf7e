//! Helpers that several test files share.

#![allow(
    dead_code,
    unused_imports,
    reason = "each test file is a separate crate and uses only a part"
)]

mod reads;
mod sources;
mod stores;
mod variations;

use std::time::Duration;

pub(crate) use reads::Reads;
use serde_json::{Value as Json, json};
pub(crate) use sources::{
    Controls, End, Ending, Fixed, Guarded, Silent, controlled, controlled_source, controlled_with,
};
pub(crate) use stores::{Failing, Fetch, Lazy, Panicking, PanicsIn};
pub(crate) use variations::every_method_returns_its_default;
use vexil::model::DataSet;
use vexil::{Client, Context};

/// How long a test waits for an expected event. Only a failing test waits that long.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// A client with the flags and segments of `{"flags": {…}, "segments": {…}}`.
pub(crate) fn client(data: &Json) -> Client {
    Client::builder("sdk-key")
        .data_source(Fixed::new(data))
        .start()
        .unwrap()
}

/// A client with one flag, called `flag`.
pub(crate) fn client_with(flag: &Json) -> Client {
    client(&json!({"flags": {"flag": flag}}))
}

pub(crate) fn data_set(data: &Json) -> DataSet {
    DataSet::from_json(data.to_string().as_bytes()).unwrap()
}

pub(crate) fn ada() -> Context {
    Context::new("ada").unwrap()
}

/// A flag of a version that always has this value.
pub(crate) fn serving(version: u64, value: impl Into<Json>) -> Json {
    json!({"on": true, "version": version, "variations": [value.into()], "fallthrough": {"variation": 0}})
}

/// `base` with the members of `more`.
pub(crate) fn with(mut base: Json, more: &Json) -> Json {
    base.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    base
}

/// Rules, one of which matches the contexts of a segment.
pub(crate) fn rule_for_segment(segment: &str, negate: bool) -> Json {
    json!([{"variation": 0, "clauses": [{"op": "segmentMatch", "values": [segment], "negate": negate}]}])
}

/// The JSON of an error reason.
pub(crate) fn error(kind: &str) -> Json {
    json!({"kind": "ERROR", "errorKind": kind})
}

/// A single-threaded Tokio runtime with timers.
pub(crate) fn current_thread() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap()
}
