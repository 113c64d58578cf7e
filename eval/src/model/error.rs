//! [`ReadError`]: flag data that could not be read, with the item that is malformed.

use thiserror::Error;

use super::kind::DataKind;
use crate::text::Text;

/// Flag data could not be read. Names the item that was being read.
///
/// ```
/// use vexil_eval::model::{DataKind, DataSet};
///
/// let error = DataSet::from_json(br#"{"flags": {"banner": {"on": "yes"}}}"#).unwrap_err();
/// match &error.item {
///     Some((DataKind::Flag, key)) => assert_eq!(key, "banner"),
///     Some((DataKind::Segment, _)) | None => unreachable!(),
/// }
/// assert!(error.source.to_string().starts_with("invalid type: string, expected a boolean"));
/// ```
#[derive(Debug, Error)]
#[error("{}", self.message())]
#[non_exhaustive]
pub struct ReadError<E> {
    /// The malformed item; `None` if the error lies outside all items.
    pub item: Option<(DataKind, Text)>,
    /// The error of the parser, with the position in the text.
    #[source]
    pub source: E,
}

impl<E> ReadError<E> {
    fn message(&self) -> String {
        match &self.item {
            Some((kind, key)) => format!("{kind} \"{key}\" cannot be read"),
            None => "flag data cannot be read".to_owned(),
        }
    }
}
