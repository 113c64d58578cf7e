//! YAML, with limits on what a small file can grow to.
//!
//! The parser's own limits suit configuration files of some thousand lines. Flag data can be larger
//! by far, so what grows with the file is unlimited here, and what grows beyond it (aliases,
//! nesting) is not.

mod guarded;

use std::cell::Cell;

use guarded::Guarded;
use serde_saphyr::Error;

use super::sections::{Contents, Malformed};
use super::texts::Texts;

/// How much text may come from aliases, beside the text of the file itself.
const ALIASED_BYTES: usize = 64 << 20;
const ALIASED_NODES: usize = 1_000_000;
/// Fewer levels than in JSON: the YAML parser takes several kilobytes of stack for each, and
/// threads may have small stacks. Flag data needs about ten.
const DEPTH: usize = 32;

pub(super) fn read(text: &str) -> Result<Contents, Malformed<Error>> {
    let bytes_left = Cell::new(text.len().saturating_add(ALIASED_BYTES));
    let mut item = None;
    serde_saphyr::with_deserializer_from_str_with_options(text, options(text.len()), |parser| {
        Contents::read(Guarded {
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

/// Adds the JSON of the items.
pub(super) fn with_json(text: &str, contents: Contents) -> Contents {
    let bytes_left = Cell::new(text.len().saturating_add(ALIASED_BYTES));
    let texts = serde_saphyr::with_deserializer_from_str_with_options(
        text,
        options(text.len()),
        |parser| {
            Ok(Texts::<serde_json::Value>::read(Guarded {
                inner: parser,
                bytes_left: &bytes_left,
            }))
        },
    );
    match texts {
        Ok(Some(texts)) => texts.add_to(contents),
        // What can be read as items can be read as this.
        Ok(None) | Err(_) => contents,
    }
}

/// The line and column of an error; zeros if it has none.
pub(super) fn position(error: &Error) -> (usize, usize) {
    let place = |number: u64| usize::try_from(number).unwrap_or(0);
    error
        .location()
        .map_or((0, 0), |at| (place(at.line()), place(at.column())))
}

fn options(len: usize) -> serde_saphyr::Options {
    // No node takes less than a byte, so that the length bounds all that is not aliased; some
    // events have none.
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
            // Many uses of one anchor are what anchors are for.
            enforce_alias_anchor_ratio: false,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: ALIASED_NODES },
        emit_comments: false,
        strict_booleans: true,
        // The error is one line of a log.
        with_snippet: false,
    }
}
