//! The body of a poll of the second protocol.

use vexil::fuzzing::poll;

use crate::evaluations;
use crate::inputs::{cut, items, shown};

pub(super) fn target(body: &[u8]) {
    for had_basis in [false, true] {
        let received = poll([body], had_basis);
        // The end of a body is not read if what precedes it suffices.
        if str::from_utf8(body).is_ok() {
            let pieces = poll(cut(body), had_basis);
            assert_eq!(shown(&pieces), shown(&received), "in pieces");
        }
        assert!(received.changes.len() + received.others.len() <= 1);
        items(&received).iter().for_each(evaluations::holds);
    }
}
