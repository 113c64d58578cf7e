//! The JSON of a segment.

use vexil::model::{DataKind, Item, Segment};

use super::flag::reads;
use crate::evaluations;

pub(super) fn target(json: &[u8]) {
    reads(DataKind::Segment, json);
    if let Ok(segment) = serde_json::from_slice::<Segment>(json) {
        evaluations::holds(&Item::from(segment));
    }
}
