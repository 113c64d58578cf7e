//! Flags in a JSON or YAML document: a file, standard input, or the body of a response.

mod big_segments;
mod header;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use vexil::Text;
use vexil_file_data::{FileDataError, FileFormat, FileText};
use vexil_service::by_chunks;

pub(super) use self::big_segments::Members;
pub(super) use self::header::Header;
use super::place::FileOptions;
use super::{Document, Format, bounded};
use crate::args::Duplicates;
use crate::exit::{Exit, Failure};
use crate::output::escaped;
use crate::snapshot::{Snapshot, StoredText};

/// What a document contains.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) snapshot: Snapshot,
    pub(super) document: Option<Document>,
    pub(super) members: Members,
}

/// Reads the bytes of a file, without blocking the runtime.
pub(super) async fn bytes(name: &str, path: &Path) -> Result<Vec<u8>, Failure> {
    tracing::info!(file = name, "reading");
    let file = path.to_owned();
    let bytes = blocking(move || bounded::read_file(&file, bounded::LARGEST)).await;
    bytes.map_err(|error| unreadable(name, path, &error))
}

/// Returns a document without parsing it.
pub(super) fn document(
    name: &str,
    bytes: Vec<u8>,
    options: FileOptions,
) -> Result<Document, Failure> {
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        Failure::new(Exit::Unreadable, format_args!("{name}: {error}"))
            .help("save the file in UTF-8")
    })?;
    let is_json = || {
        text.trim_start_matches('\u{feff}')
            .trim_start()
            .starts_with('{')
    };
    let format = match options.format {
        Some(FileFormat::Yaml) => Format::Yaml,
        Some(_) => Format::Json,
        None if is_json() => Format::Json,
        None => Format::Yaml,
    };
    Ok(Document {
        name: name.to_owned(),
        format,
        section: options.section,
        bytes: bytes.into(),
    })
}

/// Runs blocking work of a file or of standard input.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(std::io::Error::other(error)))
}

fn unreadable(name: &str, path: &Path, error: &std::io::Error) -> Failure {
    use std::io::ErrorKind;
    let reason = match error.kind() {
        ErrorKind::NotFound => "there is no such file".to_owned(),
        _ => error.to_string(),
    };
    let failure = Failure::new(
        Exit::Unreadable,
        format_args!("cannot read {name}: {reason}"),
    );
    match error.kind() {
        ErrorKind::NotFound if name.contains('?') => {
            failure.help("to add parameters to a path, write file:PATH?NAME=VALUE")
        }
        ErrorKind::NotFound if name.contains(':') => {
            failure.help("to use a URL, see \"vexil help sources\" for its schemes")
        }
        ErrorKind::NotFound => match path.parent().filter(|folder| !folder.is_dir()) {
            Some(folder) => failure.help(format_args!(
                "the folder {} does not exist",
                folder.display()
            )),
            None => failure.help("check the path; it starts from the current folder"),
        },
        ErrorKind::PermissionDenied => failure.help("check the permissions of the file"),
        ErrorKind::IsADirectory => failure.help("name a file in it; --also FILE adds more"),
        ErrorKind::FileTooLarge => failure.help("is it a file of flags?"),
        _ => failure.help("name a JSON or YAML file"),
    }
}

/// Parses a document.
pub(super) fn parse(
    name: &str,
    bytes: Vec<u8>,
    options: FileOptions,
    duplicates: Duplicates,
) -> Result<Read, Failure> {
    let bytes = Bytes::from(bytes);
    let text = FileText::parse(Path::new(name), &bytes, options.format, options.section)
        .map_err(|error| malformed(name, &error))?;
    let mut snapshot = Snapshot {
        flags: stored(text.flags, &bytes),
        segments: stored(text.segments, &bytes),
        initialized: None,
    };
    for (key, value) in text.flag_values {
        let flag = StoredText {
            json: constant(&key, &value).into(),
            version: 1,
            deleted: false,
        };
        let is_last = duplicates == Duplicates::Last;
        if snapshot.flags.contains_key(&key) && !is_last {
            return Err(Failure::new(
                Exit::Unreadable,
                format_args!(
                    "{name}: the flag \"{}\" is in flags and in flagValues",
                    escaped(&key)
                ),
            )
            .help("remove one of them; --duplicates last uses that of flagValues"));
        }
        snapshot.flags.insert(key, flag);
    }
    let members = Members::parse(name, &text.big_segments)?;
    let format = match text.format {
        FileFormat::Yaml => Format::Yaml,
        _ => Format::Json,
    };
    Ok(Read {
        snapshot,
        document: Some(Document {
            name: name.to_owned(),
            format,
            section: options.section,
            bytes,
        }),
        members,
    })
}

/// The items of a section of a file with these bytes. Of equal keys the last one is used.
fn stored(items: Vec<(Text, Cow<'_, str>)>, file: &Bytes) -> BTreeMap<Text, StoredText> {
    let headers = by_chunks(&items, |items| -> Vec<_> {
        items.iter().map(|(_, json)| Header::of(json)).collect()
    });
    let items = items.into_iter().zip(headers.into_iter().flatten());
    let stored = items.map(|((key, json), header)| {
        let text = StoredText {
            json: match json {
                Cow::Borrowed(json) => file.slice_ref(json.as_bytes()),
                Cow::Owned(json) => json.into(),
            },
            version: header.version.unwrap_or(1),
            deleted: header.deleted,
        };
        (key, text)
    });
    stored.collect()
}

/// A flag that serves one value to all contexts.
fn constant(key: &str, value: &str) -> String {
    format!(
        r#"{{"key":{},"version":1,"on":true,"variations":[{value}],"fallthrough":{{"variation":0}},"offVariation":0}}"#,
        serde_json::Value::from(key)
    )
}

fn malformed(name: &str, error: &FileDataError) -> Failure {
    let reason = std::error::Error::source(error).map(ToString::to_string);
    let reason = reason.unwrap_or_else(|| error.to_string());
    // The position is in front.
    let reason = match reason.rfind(" at line ") {
        Some(end) => reason.get(..end).unwrap_or(&reason),
        None => &reason,
    };
    // The parser advises programs that use it.
    let reason = reason.split(", set DuplicateKeyPolicy").next();
    let reason = reason.unwrap_or_default();
    let position = match (error.line(), error.column()) {
        (Some(line), Some(column)) => format!(":{line}:{column}"),
        (Some(line), None) => format!(":{line}"),
        _ => String::new(),
    };
    Failure::new(
        Exit::Unreadable,
        format_args!("{name}{position}: {}", escaped(reason)),
    )
    .help(
        "a document that begins with { is JSON, any other is YAML; file:PATH?format=json or \
         =yaml chooses",
    )
}
