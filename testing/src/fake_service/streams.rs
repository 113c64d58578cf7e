//! [`Streams`]: the open streams.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;
use vexil_service::{Event, Items, fdv1, fdv2};

use super::data::Change;
use super::protocol::Protocol;
use super::shared::Shared;

/// How many messages may be queued for a client. A stream that is further behind is closed.
const MAX_QUEUED: usize = 1024;

#[derive(Debug, Default)]
pub(super) struct Streams {
    open: Vec<Opened>,
    count: u64,
}

/// The sending end of a stream's queue.
#[derive(Debug)]
struct Opened {
    number: u64,
    protocol: Protocol,
    queue: mpsc::Sender<Part>,
}

/// A command to a stream.
#[derive(Clone, Debug)]
pub(super) enum Part {
    /// Sends these pieces, each of which counts as one event.
    Send(Arc<[Bytes]>),
    End(StreamEnd),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StreamEnd {
    Orderly,
    Cut,
    Reset,
}

impl Streams {
    /// Queues a command for all streams.
    pub(super) fn send(&mut self, part: &Part) {
        self.send_each(|_| part.clone());
    }

    /// Announces the last change of the items.
    pub(super) fn publish(&mut self, items: &Items, change: Change) {
        let before = items.revision().saturating_sub(1);
        let encode = |events: Vec<Event>| Part::Send(events.iter().map(Event::to_sse).collect());
        let (mut classic, mut payloads) = (None, None);
        self.send_each(|protocol| {
            let part = match protocol {
                Protocol::Classic => classic.get_or_insert_with(|| match change {
                    Change::Item => encode(fdv1::changes(items, before)),
                    Change::All => encode(vec![fdv1::put(items)]),
                }),
                Protocol::Payloads => {
                    payloads.get_or_insert_with(|| encode(fdv2::changes(items, before)))
                }
            };
            part.clone()
        });
    }

    fn send_each(&mut self, mut part: impl FnMut(Protocol) -> Part) {
        // Without its sender, a stream ends once its queue was sent.
        self.open
            .retain(|stream| stream.queue.try_send(part(stream.protocol)).is_ok());
    }

    pub(super) fn count(&self) -> usize {
        self.open.len()
    }

    /// Opens a stream, which receives all later messages.
    pub(super) fn open(&mut self, shared: &Arc<Shared>, protocol: Protocol) -> OpenStream {
        let (queue, parts) = mpsc::channel(MAX_QUEUED);
        let number = self.count;
        self.count += 1;
        self.open.push(Opened {
            number,
            protocol,
            queue,
        });
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
                .retain(|stream| stream.number != self.number)
        });
    }
}
