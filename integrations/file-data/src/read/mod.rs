//! Parses the bytes of one file.
//!
//! JSON and YAML differ only in the parser. The sections are found by the same code, [`sections`],
//! and flags and segments are deserialized by the SDK directly from the parser, so that an error
//! has a line.

mod file_text;
mod sections;
mod texts;
mod yaml;

use std::borrow::Cow;
use std::error::Error;
use std::io;
use std::path::Path;

pub use file_text::{FileFormat, FileText};
use sections::Malformed;
pub(crate) use sections::{Contents, turned_off};
use serde_json::value::RawValue;
use texts::Texts;
use vexil::json::{replace_lone_surrogates, without_values};

use crate::error::FileDataError;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads a file. Only regular files are accepted: opening a pipe could block forever, and a device
/// may never end.
pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>, FileDataError> {
    let read = || {
        if !std::fs::metadata(path)?.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "not a regular file",
            ));
        }
        std::fs::read(path)
    };
    read().map_err(|source| FileDataError::Unreadable {
        path: path.to_owned(),
        source,
    })
}

/// Parses the bytes of a file. `keep_json` decides whether items keep their JSON.
pub(crate) fn contents(
    path: &Path,
    bytes: &[u8],
    keep_json: bool,
) -> Result<Contents, FileDataError> {
    let text = decode(path, bytes)?;
    if is_json(text) {
        let (text, contents) = json(text).map_err(|malformed| {
            let (line, column) = (malformed.source.line(), malformed.source.column());
            at(path, line, column, malformed)
        })?;
        Ok(if keep_json {
            with_json(&text, contents)
        } else {
            contents
        })
    } else {
        let mut contents = yaml::read(text).map_err(|malformed| {
            let (line, column) = yaml::position(&malformed.source);
            at(path, line, column, malformed)
        })?;
        contents.may_be_cut_off = contents.is_empty();
        Ok(if keep_json {
            yaml::with_json(text, contents)
        } else {
            contents
        })
    }
}

/// Returns the text of a file.
fn decode<'b>(path: &Path, bytes: &'b [u8]) -> Result<&'b str, FileDataError> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let (line, column) = position(bytes.get(..error.valid_up_to()).unwrap_or_default());
        FileDataError::Malformed {
            path: path.to_owned(),
            line,
            column,
            item: None,
            source: error.into(),
        }
    })
}

fn is_json(text: &str) -> bool {
    text.trim_ascii_start().starts_with('{')
}

/// Adds the JSON of the items, byte for byte.
fn with_json(text: &str, contents: Contents) -> Contents {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    match Texts::<Box<RawValue>>::read(&mut deserializer, None) {
        Ok(texts) => texts.add_to(contents),
        // Input that can be parsed as items can also be parsed as this.
        Err(_) => contents,
    }
}

/// Parses a text and returns the text that was parsed: lone surrogates are replaced if it cannot be
/// parsed otherwise.
fn json(text: &str) -> Result<(Cow<'_, str>, Contents), Malformed<serde_json::Error>> {
    let read = |text: &str| strict_json(text).or_else(|error| loose_json(text).ok_or(error));
    match read(text) {
        Ok(contents) => Ok((text.into(), contents)),
        Err(error) => match replace_lone_surrogates(text) {
            Some(repaired) => read(&repaired).map(|contents| (repaired.into(), contents)),
            None => Err(error),
        },
    }
}

fn strict_json(text: &str) -> Result<Contents, Malformed<serde_json::Error>> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let contents = Contents::read(&mut deserializer)?;
    deserializer.end().map_err(|source| Malformed {
        item: None,
        source: source.into(),
    })?;
    Ok(contents)
}

/// Parses objects with repeated properties; the last one wins.
fn loose_json(text: &str) -> Option<Contents> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    Contents::read(value).ok()
}

fn at<E>(path: &Path, line: usize, column: usize, malformed: Malformed<E>) -> FileDataError
where
    E: Error + Send + Sync + 'static,
{
    let Malformed { item, source } = malformed;
    let message = source.to_string();
    // Flag data may be confidential, so an error that quotes it is replaced.
    let source: Box<dyn Error + Send + Sync> = match without_values(&message) {
        Cow::Borrowed(_) => source,
        Cow::Owned(message) => message.into(),
    };
    FileDataError::Malformed {
        path: path.to_owned(),
        line,
        column,
        item,
        source,
    }
}

/// The line and column at the end of this text.
fn position(before: &[u8]) -> (usize, usize) {
    let lines = before.split(|byte| *byte == b'\n');
    let column = lines
        .clone()
        .next_back()
        .map_or(0, |line| String::from_utf8_lossy(line).chars().count());
    (lines.count(), column + 1)
}
