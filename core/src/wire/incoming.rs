//! [`Incoming`]: text that arrives in pieces and is dropped as soon as it was read.

use super::WireError;
use crate::model::Cursor;

/// What has arrived and was not read yet.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    text: String,
    /// The beginning of a character of which the end has not arrived.
    cut: Vec<u8>,
    /// At how many bytes it is worth to read on. A value is read from its beginning each time, so it is tried again
    /// when twice as much of it is there: then a long one is not read more than twice in all.
    enough: usize,
}

impl Incoming {
    /// Takes a piece, of whatever size, and lets `read` read on.
    pub(super) fn push(
        &mut self,
        piece: &[u8],
        read: impl FnOnce(&mut Cursor<'_>) -> Result<(), WireError>,
    ) -> Result<(), WireError> {
        self.append(piece)?;
        if self.text.len() < self.enough {
            return Ok(());
        }
        let mut cursor = Cursor::arriving(&self.text);
        read(&mut cursor)?;
        let position = cursor.position();
        self.text.drain(..position);
        self.enough = self.text.len() * 2;
        Ok(())
    }

    /// Lets `read` read the rest: nothing follows.
    pub(super) fn finish(self, read: impl FnOnce(&mut Cursor<'_>) -> Result<(), WireError>) -> Result<(), WireError> {
        if !self.cut.is_empty() {
            return Err(WireError::NotUtf8);
        }
        read(&mut Cursor::whole(&self.text))
    }

    fn append(&mut self, mut piece: &[u8]) -> Result<(), WireError> {
        while !self.cut.is_empty()
            && let Some((next, rest)) = piece.split_first()
        {
            let mut character = std::mem::take(&mut self.cut);
            character.push(*next);
            self.append_characters(&character)?;
            piece = rest;
        }
        self.append_characters(piece)
    }

    /// Appends the characters that are whole and keeps the beginning of one that is not.
    fn append_characters(&mut self, bytes: &[u8]) -> Result<(), WireError> {
        let (whole, cut) = match str::from_utf8(bytes) {
            Ok(text) => (text, [].as_slice()),
            Err(error) if error.error_len().is_some() => return Err(WireError::NotUtf8),
            Err(error) => {
                let (whole, cut) = bytes.split_at(error.valid_up_to());
                (str::from_utf8(whole).unwrap_or_default(), cut)
            }
        };
        self.text.push_str(whole);
        self.cut.extend_from_slice(cut);
        Ok(())
    }
}
