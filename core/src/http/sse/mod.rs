//! Server-sent events: reads the body of one response as a stream of events.
//!
//! [`EventStream`] ends when the body does; it neither reconnects nor interprets events.
//! `docs/decisions/007-sse-decoder.md` explains why the SDK has its own decoder.
//!
//! Bytes are passed on as they arrive. So each byte is examined once, however the body is cut into
//! pieces, and the data of an event is not kept here. The size of an event is bounded nevertheless.

mod decoder;

use std::borrow::Cow;

use bytes::Bytes;
pub(crate) use decoder::{Advice, DecodeError, Decoder, Part};
use thiserror::Error;
use tokio::task::yield_now;

use crate::http::transport::{Body, TransportError};

/// The task yields after this many pieces in a row, so that a flood does not starve the thread's
/// other tasks.
const PIECES_IN_A_ROW: u32 = 64;

/// The events of one body, part by part.
#[derive(Debug)]
pub(crate) struct EventStream {
    body: Body,
    decoder: Decoder,
    /// The piece that is being decoded.
    piece: Bytes,
    /// How many pieces were taken since the task last yielded.
    taken: u32,
}

/// An error that ended an event stream.
#[derive(Debug, Error)]
pub(crate) enum StreamError {
    /// The body could not be read to its end.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The bytes cannot be decoded.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

impl EventStream {
    /// Creates a stream of a body's events. An event of more than `max_event_size` bytes is an
    /// error.
    pub(crate) fn new(body: Body, max_event_size: usize) -> Self {
        Self {
            body,
            decoder: Decoder::new(max_event_size),
            piece: Bytes::new(),
            taken: 0,
        }
    }

    /// Returns the next part of an event, or `None` when the body has ended, even in the middle of
    /// an event. The method is cancel safe.
    pub(crate) async fn next(&mut self) -> Result<Option<Part>, StreamError> {
        loop {
            if let Some(part) = self.decoder.next(&mut self.piece)? {
                return Ok(Some(part));
            }
            if self.taken == PIECES_IN_A_ROW {
                self.taken = 0;
                yield_now().await;
            }
            // Even an empty slice keeps the buffer of the connection that it was cut from.
            self.piece = Bytes::new();
            let Some(piece) = self.body.next().await? else {
                return Ok(None);
            };
            self.piece = piece;
            self.taken += 1;
        }
    }

    /// The name of the current event, as far as it is known.
    pub(crate) fn name(&self) -> Cow<'_, str> {
        self.decoder.name()
    }

    /// Takes the advice about reconnecting that has arrived since the last call.
    pub(crate) fn take_advice(&mut self) -> Advice {
        self.decoder.take_advice()
    }
}

#[cfg(test)]
mod tests {
    use pollster::block_on;

    use super::*;

    #[test]
    fn the_buffer_of_a_piece_is_free_before_the_next_piece_is_awaited() {
        let piece = Bytes::from(b"data: 1\n\n".to_vec());
        let mut events = EventStream::new(Body::full(piece.clone()), 100);
        assert!(matches!(
            block_on(events.next()),
            Ok(Some(Part::Data(data))) if data == "1"
        ));
        assert!(matches!(block_on(events.next()), Ok(Some(Part::End(_)))));
        assert!(!piece.is_unique());
        assert!(matches!(block_on(events.next()), Ok(None)));
        assert!(piece.is_unique());
    }
}
