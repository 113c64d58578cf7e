//! Server-sent events: the body of one answer becomes one stream of events.
//!
//! There is no reconnection here, and no meaning: [`EventStream`] ends when the body does. Why the decoder is our own
//! stands in `docs/decisions/007-sse-decoder.md`.
//!
//! Bytes go where they belong as they arrive, so each is looked at once however the body is cut into pieces: the data
//! of an event into its buffer, comments and unknown fields nowhere. What is kept is bounded by the size of one event.

mod decoder;

use bytes::Bytes;
use decoder::Decoder;
pub(crate) use decoder::{Advice, DecodeError, Event};
use thiserror::Error;
use tokio::task::yield_now;

use super::{Body, TransportError};

/// After so many pieces in a row the task gives way. A flood must not starve the thread's other tasks.
const PIECES_IN_A_ROW: u32 = 64;

/// The events of one body.
#[derive(Debug)]
pub(crate) struct EventStream {
    body: Body,
    decoder: Decoder,
    /// The piece that is being decoded.
    piece: Bytes,
    /// How many pieces were taken since the task last gave way.
    taken: u32,
}

/// Why a stream of events broke off.
#[derive(Debug, Error)]
pub(crate) enum StreamError {
    /// The body broke off.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// What arrived cannot be decoded.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

impl EventStream {
    /// The events of a body. More than `max_event_size` bytes for one event are an error.
    pub(crate) fn new(body: Body, max_event_size: usize) -> Self {
        Self { body, decoder: Decoder::new(max_event_size), piece: Bytes::new(), taken: 0 }
    }

    /// The next event; none when the body has ended. An event that the body's end cuts off is discarded. Nothing is
    /// lost if the future is dropped and made again.
    pub(crate) async fn next(&mut self) -> Result<Option<Event>, StreamError> {
        loop {
            if let Some(event) = self.decoder.next(&mut self.piece)? {
                return Ok(Some(event));
            }
            if self.taken == PIECES_IN_A_ROW {
                self.taken = 0;
                yield_now().await;
            }
            let Some(piece) = self.body.next().await? else { return Ok(None) };
            self.piece = piece;
            self.taken += 1;
        }
    }

    /// What the stream has said about reconnecting since this was last asked.
    pub(crate) fn take_advice(&mut self) -> Advice {
        self.decoder.take_advice()
    }
}
