//! [`Utf8Buffer`]: a buffer for text that arrives in pieces and is dropped as soon as it is parsed.

use vexil_eval::json::Cursor;

use super::WireError;

/// Received text that is not parsed yet.
#[derive(Debug, Default)]
pub(super) struct Utf8Buffer {
    text: String,
    /// The first bytes of an incomplete character.
    cut: Vec<u8>,
    /// Length at which parsing is attempted again. Each attempt parses a value from its beginning,
    /// so the length doubles between attempts: a long value is parsed at most twice in total.
    enough: usize,
}

impl Utf8Buffer {
    /// Appends a piece of any size and lets `read` continue parsing.
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

    /// Lets `read` parse the rest. Called once the whole text has arrived.
    pub(super) fn finish(
        self,
        read: impl FnOnce(&mut Cursor<'_>) -> Result<(), WireError>,
    ) -> Result<(), WireError> {
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

    /// Appends complete characters and keeps the first bytes of an incomplete one.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Parses a sequence of JSON strings and counts the attempts.
    #[derive(Default)]
    struct Texts {
        read: Vec<String>,
        attempts: usize,
    }

    impl Texts {
        fn advance(&mut self, cursor: &mut Cursor<'_>) -> Result<(), WireError> {
            self.attempts += 1;
            while let Ok(Some(text)) = cursor.value() {
                self.read.push(text);
            }
            Ok(())
        }
    }

    #[test]
    fn a_long_value_is_not_parsed_again_at_every_piece() {
        let long = "x".repeat(1 << 20);
        let body = format!("\"a\"  \"{long}\" \"b\" ");
        let (mut incoming, mut texts) = (Utf8Buffer::default(), Texts::default());
        for piece in body.as_bytes().chunks(64) {
            incoming
                .push(piece, |cursor| texts.advance(cursor))
                .unwrap();
        }
        incoming.finish(|cursor| texts.advance(cursor)).unwrap();
        assert_eq!(texts.read, ["a", &long, "b"]);
        assert!(texts.attempts <= 24, "{}", texts.attempts);
    }

    #[test]
    fn parsed_text_is_dropped() {
        let (mut incoming, mut texts) = (Utf8Buffer::default(), Texts::default());
        for _ in 0..10_000 {
            incoming
                .push(br#""a" "b" "#, |cursor| texts.advance(cursor))
                .unwrap();
        }
        assert!(
            incoming.text.capacity() < 100,
            "{}",
            incoming.text.capacity()
        );
        assert!(texts.read.len() > 19_990);
    }

    #[test]
    fn characters_may_be_split_anywhere_but_must_be_complete_at_the_end() {
        let body = "\"añ€😀\" ".as_bytes();
        for size in 1..body.len() {
            let (mut incoming, mut texts) = (Utf8Buffer::default(), Texts::default());
            for piece in body.chunks(size) {
                incoming
                    .push(piece, |cursor| texts.advance(cursor))
                    .unwrap();
            }
            incoming.finish(|cursor| texts.advance(cursor)).unwrap();
            assert_eq!(texts.read, ["añ€😀"]);
        }
        let mut cut = Utf8Buffer::default();
        cut.push(b"\xe2\x82", |_| Ok(())).unwrap();
        assert!(matches!(cut.finish(|_| Ok(())), Err(WireError::NotUtf8)));
        let mut wrong = Utf8Buffer::default();
        wrong.push(b"\xe2\x82", |_| Ok(())).unwrap();
        assert!(matches!(
            wrong.push(b"\n", |_| Ok(())),
            Err(WireError::NotUtf8)
        ));
    }
}
