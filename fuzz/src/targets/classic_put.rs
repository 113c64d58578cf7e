//! Complete data in the classic protocol: a put, and the body of a poll.

use serde::Deserialize;
use serde_json::value::RawValue;
use vexil::fuzzing::{classic_event, classic_poll};
use vexil::model::{ChangeSet, DataSet};

use crate::evaluations;
use crate::inputs::{cut, is_json, items, shown, shown_changes};

/// A put as any JSON parser reads it.
#[derive(Deserialize)]
struct Put<'a> {
    path: Option<String>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

pub(super) fn target(data: &[u8]) {
    let put = classic_event("put", [data]);
    assert_eq!(
        shown(&classic_event("put", cut(data))),
        shown(&put),
        "a put in pieces"
    );
    let poll = classic_poll([data]);
    assert_eq!(
        shown(&classic_poll(cut(data))),
        shown(&poll),
        "a poll in pieces"
    );
    for received in [&put, &poll] {
        assert!(
            received.error.is_some() || is_json(data),
            "accepted, but not JSON"
        );
        items(received).iter().for_each(evaluations::holds);
    }

    // The text as a whole is read as the same data.
    same_as_whole(&poll.changes, data);
    if let Ok(text) = str::from_utf8(data)
        && let Ok(Put {
            path,
            data: Some(data),
        }) = serde_json::from_str::<Put<'_>>(text)
        && path.is_none_or(|path| path.is_empty() || path == "/")
    {
        same_as_whole(&put.changes, data.get().as_bytes());
    }
}

fn same_as_whole(changes: &[ChangeSet], text: &[u8]) {
    let whole = DataSet::from_json(text).ok().map(ChangeSet::full);
    assert_eq!(
        shown_changes(changes),
        shown_changes(whole.as_slice()),
        "read as a whole"
    );
}
