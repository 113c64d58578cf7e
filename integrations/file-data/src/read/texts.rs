//! The JSON of items, for stores that keep text.
//!
//! Items that are deserialized directly from a parser do not keep their JSON. If a store needs it,
//! the file is parsed a second time: JSON is kept as text, YAML is converted to JSON.

use std::collections::HashMap;
use std::fmt::Display;

use serde::{Deserialize, Deserializer};
use vexil::Text;
use vexil::model::{Entry, Flag, Segment};

use super::sections::Contents;

/// A file's flags and segments, of which only the keys are parsed.
#[derive(Deserialize)]
pub(super) struct Texts<V> {
    flags: Option<HashMap<Text, V>>,
    segments: Option<HashMap<Text, V>>,
}

impl<'de, V: Deserialize<'de> + Display> Texts<V> {
    /// Returns `None` if parsing fails; parsing the items reports the error.
    pub(super) fn read<D: Deserializer<'de>>(deserializer: D) -> Option<Self> {
        Option::deserialize(deserializer).ok().flatten()
    }

    /// Adds the JSON to the items.
    pub(super) fn add_to(self, contents: Contents) -> Contents {
        let (flags, segments) = (
            self.flags.unwrap_or_default(),
            self.segments.unwrap_or_default(),
        );
        let flag = |entry: Entry<Flag>| match flags.get(entry.key()) {
            Some(json) => entry.with_json(json.to_string()),
            None => entry,
        };
        let segment = |entry: Entry<Segment>| match segments.get(entry.key()) {
            Some(json) => entry.with_json(json.to_string()),
            None => entry,
        };
        Contents {
            flags: contents.flags.into_iter().map(flag).collect(),
            values: contents.values,
            segments: contents.segments.into_iter().map(segment).collect(),
            may_be_cut_off: contents.may_be_cut_off,
        }
    }
}
