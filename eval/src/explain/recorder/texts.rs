//! [`Texts`]: the flags and segments as written, each read once.

use std::collections::HashMap;
use std::rc::Rc;

use crate::model::written::{RawFlag, RawSegment, written_flag, written_segment};
use crate::model::{Flag, Segment};
use crate::text::Text;

#[derive(Default)]
pub(super) struct Texts {
    flags: HashMap<Text, Option<Rc<RawFlag>>>,
    segments: HashMap<Text, Option<Rc<RawSegment>>>,
    /// How often an item without text was asked for.
    pub(super) missing: usize,
}

impl Texts {
    pub(super) fn flag(&mut self, flag: &Flag) -> Option<Rc<RawFlag>> {
        let read = || written_flag(flag).map(Rc::new);
        let raw = self.flags.entry(flag.key().clone()).or_insert_with(read);
        self.missing += usize::from(raw.is_none());
        raw.clone()
    }

    pub(super) fn segment(&mut self, segment: &Segment) -> Option<Rc<RawSegment>> {
        let read = || written_segment(segment).map(Rc::new);
        let raw = self
            .segments
            .entry(segment.key().clone())
            .or_insert_with(read);
        self.missing += usize::from(raw.is_none());
        raw.clone()
    }
}
