//! [`FileText`]: the items of a file as JSON texts.

use std::borrow::Cow;
use std::path::Path;

use serde_json::value::RawValue;
use vexil::Text;
use vexil::json::replace_lone_surrogates;
use vexil::model::DataKind;

use super::sections::Malformed;
use super::texts::Texts;
use super::{at, decode, is_json, yaml};
use crate::error::FileDataError;

/// The items of a file as JSON texts, for programs that show, check or copy them.
///
/// Only the structure of the file is checked, so that an item that is not a valid flag does not
/// hide the others. Read each of them with [`ItemReader`](vexil::model::ItemReader). The items are
/// in the order of the file. If a key is repeated in a section, the last item counts.
///
/// ```
/// use std::path::Path;
/// use vexil_file_data::{FileFormat, FileText};
///
/// let yaml = b"flags:\n  theme: { on: true, variations: [light, dark] }\nflagValues: { items: 12 }\n";
/// let text = FileText::parse(Path::new("flags.yaml"), yaml, None, None)?;
/// assert_eq!(text.format, FileFormat::Yaml);
/// assert_eq!(text.flags[0].0, "theme");
/// assert_eq!(text.flags[0].1, r#"{"on":true,"variations":["light","dark"]}"#);
/// assert_eq!(text.flag_values[0].1, "12");
///
/// let json = br#"{"flags": {"theme": { "on": "maybe" }}}"#;
/// let text = FileText::parse(Path::new("flags.json"), json, None, None)?;
/// assert_eq!(text.flags[0].1, r#"{ "on": "maybe" }"#);
/// # Ok::<(), vexil_file_data::FileDataError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileText<'t> {
    /// The format of the file.
    pub format: FileFormat,
    /// The flags: byte for byte from a JSON file, of whose bytes they are parts; converted from a YAML
    /// file.
    pub flags: Vec<(Text, Cow<'t, str>)>,
    /// The values of the short form.
    pub flag_values: Vec<(Text, Cow<'t, str>)>,
    /// The segments.
    pub segments: Vec<(Text, Cow<'t, str>)>,
    /// The section `bigSegments`, which the data source skips: members of big segments for tools,
    /// by the reference of the segment.
    pub big_segments: Vec<(Text, Cow<'t, str>)>,
}

/// The format of a flag file.
///
/// ```
/// use std::path::Path;
/// use vexil_file_data::{FileFormat, FileText};
///
/// // A YAML document that begins with a brace, which would be read as JSON.
/// let flow = b"{flagValues: {banner: hello}}";
/// assert!(FileText::parse(Path::new("flags"), flow, None, None).is_err());
/// assert!(FileText::parse(Path::new("flags"), flow, Some(FileFormat::Yaml), None).is_ok());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FileFormat {
    /// JSON.
    Json,
    /// YAML 1.2.
    Yaml,
}

impl<'t> FileText<'t> {
    /// Parses the bytes of a file, which errors name by its path.
    ///
    /// Without `format`, a file that begins with `{` is JSON, and any other file is YAML. With
    /// `section`, the file is the object of the flags or of the segments alone.
    ///
    /// ```
    /// use std::path::Path;
    /// use vexil::model::DataKind;
    /// use vexil_file_data::FileText;
    ///
    /// let flags = br#"{"theme": {"on": true}}"#;
    /// let text = FileText::parse(Path::new("flags.json"), flags, None, Some(DataKind::Flag))?;
    /// assert_eq!(text.flags.len(), 1);
    ///
    /// let error = FileText::parse(Path::new("cut.json"), b"{\"flags\": ", None, None).unwrap_err();
    /// assert_eq!((error.line(), error.column()), (Some(1), Some(10)));
    /// # Ok::<(), vexil_file_data::FileDataError>(())
    /// ```
    ///
    /// # Errors
    /// Returns an error if the file is not UTF-8, not of this format, or if a section is not an
    /// object.
    pub fn parse(
        path: &Path,
        bytes: &'t [u8],
        format: Option<FileFormat>,
        section: Option<DataKind>,
    ) -> Result<Self, FileDataError> {
        let text = decode(path, bytes)?;
        let by_content = || {
            if is_json(text) {
                FileFormat::Json
            } else {
                FileFormat::Yaml
            }
        };
        match format.unwrap_or_else(by_content) {
            FileFormat::Json => match json(text, section) {
                Ok(file) => Ok(file),
                Err(error) => Err(malformed(path, (error.line(), error.column()), error)),
            },
            FileFormat::Yaml => match yaml::texts(text, section) {
                Ok(texts) => Ok(Self::new(FileFormat::Yaml, texts, |json| {
                    json.to_string().into()
                })),
                Err(error) => Err(malformed(path, yaml::position(&error), *error)),
            },
        }
    }

    fn new<V>(format: FileFormat, texts: Texts<V>, text: impl Fn(V) -> Cow<'t, str>) -> Self {
        let section = |items: Vec<(Text, V)>| {
            let items = items.into_iter();
            items.map(|(key, json)| (key, text(json))).collect()
        };
        Self {
            format,
            flags: section(texts.flags),
            flag_values: section(texts.values),
            segments: section(texts.segments),
            big_segments: section(texts.big_segments),
        }
    }
}

/// Parses a text. Lone surrogates are replaced if it cannot be parsed otherwise.
fn json(text: &str, section: Option<DataKind>) -> serde_json::Result<FileText<'_>> {
    match texts(text, section) {
        Ok(texts) => Ok(FileText::new(FileFormat::Json, texts, |json| {
            json.get().into()
        })),
        Err(error) => {
            let repaired = replace_lone_surrogates(text).ok_or(error)?;
            let texts = texts(&repaired, section)?;
            Ok(FileText::new(FileFormat::Json, texts, |json| {
                json.get().to_owned().into()
            }))
        }
    }
}

fn texts(text: &str, section: Option<DataKind>) -> serde_json::Result<Texts<&RawValue>> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let texts = Texts::read(&mut deserializer, section)?;
    deserializer.end().map(|()| texts)
}

fn malformed<E>(path: &Path, (line, column): (usize, usize), source: E) -> FileDataError
where
    E: std::error::Error + Send + Sync + 'static,
{
    let malformed = Malformed {
        item: None,
        source: Box::new(source),
    };
    at(path, line, column, malformed)
}
