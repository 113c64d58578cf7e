//! Server-sent events: the body of one answer becomes one stream of events.
//!
//! There is no reconnection here, and no meaning: [`EventStream`] ends when the body does. Why the
//! decoder is our own stands in `docs/decisions/007-sse-decoder.md`.
//!
//! Bytes are passed on as they arrive, so each is looked at once however the body is cut into
//! pieces, and the data of an event is not kept here. What an event may hold is bounded all the
//! same.

mod decoder;

use std::borrow::Cow;

use bytes::Bytes;
use decoder::Decoder;
pub(crate) use decoder::{Advice, DecodeError, Part};
use thiserror::Error;
use tokio::task::yield_now;

use super::{Body, TransportError};

/// After so many pieces in a row the task gives way. A flood must not starve the thread's other
/// tasks.
const PIECES_IN_A_ROW: u32 = 64;

/// The events of one body, part by part.
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
        Self {
            body,
            decoder: Decoder::new(max_event_size),
            piece: Bytes::new(),
            taken: 0,
        }
    }

    /// The next part of an event; none when the body has ended, be it in the middle of an event.
    /// Nothing is lost if the future is dropped and made again.
    pub(crate) async fn next(&mut self) -> Result<Option<Part>, StreamError> {
        loop {
            if let Some(part) = self.decoder.next(&mut self.piece)? {
                return Ok(Some(part));
            }
            if self.taken == PIECES_IN_A_ROW {
                self.taken = 0;
                yield_now().await;
            }
            let Some(piece) = self.body.next().await? else {
                return Ok(None);
            };
            self.piece = piece;
            self.taken += 1;
        }
    }

    /// The name of the event that is arriving, as far as it has said.
    pub(crate) fn name(&self) -> Cow<'_, str> {
        self.decoder.name()
    }

    /// What the stream has said about reconnecting since this was last asked.
    pub(crate) fn take_advice(&mut self) -> Advice {
        self.decoder.take_advice()
    }
}
