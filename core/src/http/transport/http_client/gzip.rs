//! [`Gunzip`]: decompresses a body as it arrives.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::write::MultiGzDecoder;

/// How many bytes are decoded at once. The output is at most about a thousand times as large.
const SLICE: usize = 4096;

/// A streaming gzip decoder.
pub(super) struct Gunzip {
    decoder: MultiGzDecoder<Vec<u8>>,
    /// Input that is not decoded yet.
    pending: Bytes,
    /// Whether any input has arrived. An empty body is not a truncated one.
    started: bool,
}

impl Gunzip {
    pub(super) fn new() -> Self {
        Self {
            decoder: MultiGzDecoder::new(Vec::new()),
            pending: Bytes::new(),
            started: false,
        }
    }

    /// Adds input. All earlier input must have been taken.
    pub(super) fn push(&mut self, piece: Bytes) {
        self.started |= !piece.is_empty();
        self.pending = piece;
    }

    /// Takes the next decoded bytes. Returns `None` if more input is needed.
    pub(super) fn take(&mut self) -> io::Result<Option<Bytes>> {
        while !self.pending.is_empty() {
            let slice = self.pending.split_to(self.pending.len().min(SLICE));
            self.decoder.write_all(&slice)?;
            // Without a flush the decoder withholds output, and the next event of a stream may take
            // long to arrive.
            self.decoder.flush()?;
            if let Some(decoded) = self.decoded() {
                return Ok(Some(decoded));
            }
        }
        Ok(None)
    }

    /// Takes the remaining decoded bytes once all input was added.
    ///
    /// # Errors
    /// Returns an error if the body is truncated.
    pub(super) fn finish(&mut self) -> io::Result<Option<Bytes>> {
        if self.started {
            self.decoder.try_finish()?;
        }
        Ok(self.decoded())
    }

    fn decoded(&mut self) -> Option<Bytes> {
        let decoded = std::mem::take(self.decoder.get_mut());
        (!decoded.is_empty()).then(|| Bytes::from(decoded))
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn decode(pieces: impl IntoIterator<Item = Vec<u8>>) -> io::Result<Vec<u8>> {
        let (mut gunzip, mut all) = (Gunzip::new(), Vec::new());
        for piece in pieces {
            gunzip.push(piece.into());
            while let Some(decoded) = gunzip.take()? {
                all.extend_from_slice(&decoded);
            }
        }
        while let Some(decoded) = gunzip.finish()? {
            all.extend_from_slice(&decoded);
        }
        Ok(all)
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn pieces_of_any_size_decode_to_the_same_text() {
        let text = (0..20_000_u32)
            .flat_map(|n| (n * n).to_string().into_bytes())
            .collect::<Vec<_>>();
        let mut members = gzip(&text);
        members.extend(gzip(b"a second member"));
        let expected = [&text[..], b"a second member"].concat();
        for size in [1, 7, SLICE - 1, SLICE, SLICE + 1, members.len()] {
            assert_eq!(
                decode(members.chunks(size).map(<[u8]>::to_vec)).unwrap(),
                expected,
                "{size}"
            );
        }
    }

    #[test]
    fn a_flushed_event_is_decoded_before_the_next_one_arrives() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        let mut gunzip = Gunzip::new();
        for event in ["data: 1\n\n", "data: 2\n\n"] {
            encoder.write_all(event.as_bytes()).unwrap();
            encoder.flush().unwrap();
            gunzip.push(std::mem::take(encoder.get_mut()).into());
            assert_eq!(gunzip.take().unwrap().unwrap(), event);
            assert_eq!(gunzip.take().unwrap(), None);
        }
    }

    #[test]
    fn a_truncated_or_corrupt_body_is_an_error_and_an_empty_one_is_not() {
        let good = gzip(b"hello");
        for length in 1..good.len() {
            decode([good[..length].to_vec()]).unwrap_err();
        }
        decode([b"plain text, despite the header".to_vec()]).unwrap_err();
        assert_eq!(decode([]).unwrap(), b"");
        assert_eq!(decode([vec![]]).unwrap(), b"");
    }

    #[test]
    fn a_body_of_zeros_is_decoded_in_bounded_pieces() {
        let mut gunzip = Gunzip::new();
        gunzip.push(gzip(&vec![0; 64 << 20]).into());
        while let Some(decoded) = gunzip.take().unwrap() {
            assert!(decoded.len() <= SLICE * 1100, "{}", decoded.len());
        }
    }
}
