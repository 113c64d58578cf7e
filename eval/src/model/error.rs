//! [`ReadError`]: flag data that could not be read, with the item that is malformed.

use thiserror::Error;

use super::kind::DataKind;
use crate::text::Text;

/// Flag data could not be read. Names the item that was being read.
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
