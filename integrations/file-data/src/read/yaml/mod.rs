//! YAML, with limits on expansion.
//!
//! The parser's default limits suit configuration files of some thousand lines. Flag data can be
//! far larger, so costs proportional to the file size are not limited here, while others (aliases,
//! nesting) are.

mod bounded;
mod json_text;

use std::cell::Cell;

use bounded::Bounded;
pub(super) use json_text::JsonText;
use serde_saphyr::Error;
use vexil::model::DataKind;

use super::sections::{Contents, Malformed};
use super::texts::Texts;

/// Maximum text from aliases, in addition to the text of the file itself.
const ALIASED_BYTES: usize = 64 << 20;
const ALIASED_NODES: usize = 1_000_000;
/// Maximum depth of nesting. Lower than in JSON, because the YAML parser needs several kilobytes of
/// stack per level and threads may have small stacks. Flag data needs about ten levels.
const DEPTH: usize = 32;

pub(super) fn read(text: &str) -> Result<Contents, Malformed<Error>> {
    let bytes_left = Cell::new(text.len().saturating_add(ALIASED_BYTES));
    let mut item = None;
    serde_saphyr::with_deserializer_from_str_with_options(text, options(text.len()), |parser| {
        Contents::read(Bounded {
            inner: parser,
            bytes_left: &bytes_left,
        })
        .map_err(|malformed| {
            item = malformed.item;
            *malformed.source
        })
    })
    .map_err(|source| Malformed {
        item,
        source: Box::new(source),
    })
}

/// Parses the items as JSON texts.
pub(super) fn texts(text: &str, section: Option<DataKind>) -> Result<Texts<JsonText>, Box<Error>> {
    let bytes_left = Cell::new(text.len().saturating_add(ALIASED_BYTES));
    serde_saphyr::with_deserializer_from_str_with_options(text, options(text.len()), |parser| {
        let parser = Bounded {
            inner: parser,
            bytes_left: &bytes_left,
        };
        Texts::read(parser, section)
    })
    .map_err(Box::new)
}

/// Adds the JSON of the items.
pub(super) fn with_json(text: &str, contents: Contents) -> Contents {
    match texts(text, None) {
        Ok(texts) => texts.add_to(contents),
        // Input that can be parsed as items can also be parsed as this.
        Err(_) => contents,
    }
}

/// The line and column of an error; zeros if unknown.
pub(super) fn position(error: &Error) -> (usize, usize) {
    let to_usize = |number: u64| usize::try_from(number).unwrap_or(0);
    error
        .location()
        .map_or((0, 0), |at| (to_usize(at.line()), to_usize(at.column())))
}

fn options(len: usize) -> serde_saphyr::Options {
    // A node takes at least one byte, so the length bounds everything but aliases. Twice the
    // length, because some events take no byte.
    let nodes = len.saturating_mul(2).saturating_add(1_000);
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: nodes,
            max_nodes: nodes,
            max_aliases: nodes,
            max_anchors: nodes,
            max_merge_keys: nodes,
            max_total_scalar_bytes: nodes,
            max_depth: DEPTH,
            // Using one anchor many times is legitimate.
            enforce_alias_anchor_ratio: false,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: ALIASED_NODES },
        emit_comments: false,
        strict_booleans: true,
        // The error must fit on one line of the log.
        with_snippet: false,
    }
}
