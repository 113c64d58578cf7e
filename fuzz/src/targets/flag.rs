//! The JSON of a flag.

use vexil::model::{DataKind, Flag, Item};

use crate::evaluations;
use crate::inputs::is_json;

pub(super) fn target(json: &[u8]) {
    reads(DataKind::Flag, json);
    if let Ok(flag) = serde_json::from_slice::<Flag>(json) {
        evaluations::holds(&Item::from(flag));
    }
}

/// Checks an item that is read by itself.
pub(super) fn reads(kind: DataKind, json: &[u8]) {
    match Item::from_json(kind, "f", json) {
        Ok(item) => {
            assert!(is_json(json), "accepted, but not JSON");
            if let Some(kept) = item.json() {
                assert_eq!(kept, json.trim_ascii(), "kept byte for byte");
            }
            evaluations::holds(&item);
        }
        Err(error) => assert_eq!(error.item, Some((kind, "f".into()))),
    }
}
