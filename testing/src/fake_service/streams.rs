//! [`Streams`]: the open streams.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::shared::Shared;

/// How many messages may be queued for a client. A stream that is further behind is closed.
const MAX_QUEUED: usize = 1024;

#[derive(Debug, Default)]
pub(super) struct Streams {
    open: Vec<(u64, mpsc::Sender<Part>)>,
    count: u64,
}

/// A command to a stream.
#[derive(Clone, Debug)]
pub(super) enum Part {
    Send(Bytes),
    End(StreamEnd),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StreamEnd {
    Orderly,
    Cut,
    Reset,
}

impl Streams {
    pub(super) fn tell(&mut self, part: &Part) {
        // Without its sender, a stream ends once its queue was sent.
        self.open
            .retain(|(_, stream)| stream.try_send(part.clone()).is_ok());
    }

    pub(super) fn count(&self) -> usize {
        self.open.len()
    }

    /// Opens a stream, which receives all later messages.
    pub(super) fn open(&mut self, shared: &Arc<Shared>) -> OpenStream {
        let (sender, parts) = mpsc::channel(MAX_QUEUED);
        let number = self.count;
        self.count += 1;
        self.open.push((number, sender));
        OpenStream {
            parts,
            number,
            shared: Arc::clone(shared),
        }
    }
}

/// The receiving end of a stream's queue. The stream counts as open until this is dropped.
pub(super) struct OpenStream {
    parts: mpsc::Receiver<Part>,
    number: u64,
    shared: Arc<Shared>,
}

impl OpenStream {
    pub(super) async fn next(&mut self) -> Part {
        self.parts.recv().await.unwrap_or(Part::End(StreamEnd::Cut))
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.shared.state.change(|state| {
            state
                .streams
                .open
                .retain(|(number, _)| *number != self.number)
        });
    }
}
