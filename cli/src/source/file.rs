//! Flags in a JSON or YAML file.

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use vexil::Text;

use super::{Contents, Document, Format};
use crate::exit::{Exit, Failure};
use crate::snapshot::{Snapshot, StoredText};

#[derive(Deserialize)]
struct Sections<'j> {
    #[serde(borrow, default)]
    flags: BTreeMap<Text, &'j RawValue>,
    #[serde(borrow, default)]
    segments: BTreeMap<Text, &'j RawValue>,
}

#[derive(Deserialize)]
struct Header {
    #[serde(default)]
    version: Option<u64>,
    #[serde(default)]
    deleted: bool,
}

pub(super) fn read(name: &str, path: &Path) -> Result<Contents, Failure> {
    let unreadable = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Unreadable, format_args!("{name}: {error}"))
    };
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(&error))?;
    let sections: Sections<'_> = serde_json::from_str(&text).map_err(|error| unreadable(&error))?;
    let stored = |items: BTreeMap<Text, &RawValue>| {
        items
            .into_iter()
            .map(|(key, json)| {
                let header = serde_json::from_str(json.get()).unwrap_or(Header {
                    version: None,
                    deleted: false,
                });
                let text = StoredText {
                    json: Bytes::copy_from_slice(json.get().as_bytes()),
                    version: header.version.unwrap_or(1),
                    deleted: header.deleted,
                };
                (key, text)
            })
            .collect()
    };
    let snapshot = Snapshot {
        flags: stored(sections.flags),
        segments: stored(sections.segments),
        initialized: None,
    };
    Ok(Contents {
        source: name.to_owned(),
        snapshot,
        documents: vec![Document {
            name: name.to_owned(),
            text,
            format: Format::Json,
        }],
        big_segments: None,
    })
}

/// Reads the text of a file.
pub(super) fn read_unparsed(name: &str, path: &Path) -> Result<Contents, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::new(Exit::Unreadable, format_args!("{name}: {error}")))?;
    let format = if text
        .trim_start_matches('\u{feff}')
        .trim_start()
        .starts_with('{')
    {
        Format::Json
    } else {
        Format::Yaml
    };
    Ok(Contents {
        source: name.to_owned(),
        snapshot: Snapshot::default(),
        documents: vec![Document {
            name: name.to_owned(),
            text,
            format,
        }],
        big_segments: None,
    })
}
