//! The private readers of outside input, for the crate `vexil-fuzz`. Compiled with the feature
//! `fuzzing` only; not part of the API.

use std::time::Duration;

use bytes::Bytes;
use vexil_eval::Text;
use vexil_eval::model::{ChangeSet, DataKind, Item};

use crate::http::sse::{Decoder, Part};
use crate::http::transport::http_client::{ProxyEnvironment, parse_proxy};
use crate::http::wire::{BodyReader, Protocol, ReaderOptions, StreamReader, Update, WireError};
use crate::store::persistent::codec;
use crate::store::{StoreError, StoredItem};

/// The events of a body up to its end or the first error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Events {
    /// The name and data of each event.
    pub events: Vec<(String, Vec<u8>)>,
    /// The id of the last event.
    pub last_event_id: Option<Vec<u8>>,
    /// The reconnect delay.
    pub retry: Option<Duration>,
    /// The error that ended the body.
    pub error: Option<String>,
}

/// Decodes a body of server-sent events.
pub fn events<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, max_event_size: usize) -> Events {
    let mut found = Events::default();
    let mut data = Vec::new();
    let advice = decode(pieces, max_event_size, |part, _| {
        match part {
            Ok(Part::Data(part)) => data.extend_from_slice(&part),
            Ok(Part::End(name)) => found.events.push((name, std::mem::take(&mut data))),
            Err(error) => found.error = Some(error),
        }
        true
    });
    (found.last_event_id, found.retry) = advice;
    found
}

/// The meaning of a payload up to its end or the first error.
#[derive(Clone, Debug, Default)]
pub struct Received {
    /// The changes. An item of the classic protocol is a change set of its own.
    pub changes: Vec<ChangeSet>,
    /// The meaning of all other events, in the format of `Debug`.
    pub others: Vec<String>,
    /// The error that ended the payload.
    pub error: Option<String>,
}

/// Reads the data of one event of the classic protocol.
pub fn classic_event<'a>(name: &str, pieces: impl IntoIterator<Item = &'a [u8]>) -> Received {
    let mut reader = StreamReader::new(options(Protocol::Classic, false));
    let mut received = Received::default();
    for piece in pieces {
        if let Err(error) = reader.push(name, piece) {
            received.add(Err(error));
            return received;
        }
    }
    received.add(reader.finish(name));
    received
}

/// Reads a stream of the second protocol. `had_basis` is whether the request named a state.
pub fn stream<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, had_basis: bool) -> Received {
    let options = options(Protocol::ChangeSets, had_basis);
    let mut reader = StreamReader::new(options);
    let mut received = Received::default();
    decode(pieces, options.max_size, |part, name| {
        match part {
            Ok(Part::Data(data)) => {
                if let Err(error) = reader.push(name, &data) {
                    received.add(Err(error));
                }
            }
            Ok(Part::End(name)) => received.add(reader.finish(&name)),
            Err(error) => received.error = Some(error),
        }
        received.error.is_none()
    });
    received
}

/// Reads the body of a poll of the classic protocol.
pub fn classic_poll<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Received {
    body(pieces, options(Protocol::Classic, false))
}

/// Reads the body of a poll of the second protocol. `had_basis` is whether the request named a
/// state.
pub fn poll<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, had_basis: bool) -> Received {
    body(pieces, options(Protocol::ChangeSets, had_basis))
}

/// Encodes an item for a persistent store.
pub fn encode(item: &Item) -> Result<StoredItem, StoreError> {
    codec::encode(item)
}

/// Decodes the item that a persistent store holds under a key.
pub fn decode_stored(kind: DataKind, key: &Text, stored: &StoredItem) -> Result<Item, StoreError> {
    codec::decode(kind, key, stored)
}

/// Parses the URI of a proxy. The result contains its credentials.
pub fn proxy(uri: &str) -> Result<String, String> {
    let url = parse_proxy(uri).map_err(|error| format!("{error} {error:?}"))?;
    Ok(url.into())
}

/// Returns the proxy that environment variables name for requests to a URL.
pub fn proxy_for(variables: &[(&str, &str)], target: &str) -> Option<String> {
    let value = |wanted: &str| {
        let variable = variables.iter().find(|(name, _)| *name == wanted)?;
        Some(variable.1.to_owned())
    };
    let url = ProxyEnvironment::read(value)?.proxy_for(&target.parse().ok()?)?;
    Some(url.into())
}

impl Received {
    fn add(&mut self, update: Result<Update, WireError>) {
        match update {
            Ok(Update::Changes(changes)) => self.changes.push(changes),
            Ok(Update::Item(item)) => self.changes.push(ChangeSet::delta(vec![item])),
            Ok(other) => self.others.push(format!("{other:?}")),
            Err(error) => self.error = Some(error.to_string()),
        }
    }
}

fn options(protocol: Protocol, had_basis: bool) -> ReaderOptions {
    ReaderOptions {
        protocol,
        keep_json: true,
        had_basis,
        max_size: 1 << 20,
    }
}

fn body<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, options: ReaderOptions) -> Received {
    let mut reader = BodyReader::new(options);
    let mut received = Received::default();
    let pushed = pieces.into_iter().try_for_each(|piece| reader.push(piece));
    received.add(pushed.and_then(|()| reader.finish()));
    received
}

/// Passes each part, with the name of its event as known so far, until `take` returns `false` or
/// after an error. Returns the last id and the reconnect delay.
fn decode<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    max_event_size: usize,
    mut take: impl FnMut(Result<Part, String>, &str) -> bool,
) -> (Option<Vec<u8>>, Option<Duration>) {
    let mut decoder = Decoder::new(max_event_size);
    let mut read = |piece: &[u8]| {
        let mut piece = Bytes::copy_from_slice(piece);
        loop {
            match decoder.next(&mut piece) {
                Ok(None) => return true,
                Ok(Some(part)) => {
                    if !take(Ok(part), &decoder.name()) {
                        return false;
                    }
                }
                Err(error) => {
                    take(Err(error.to_string()), &decoder.name());
                    return false;
                }
            }
        }
    };
    let _ = pieces.into_iter().all(&mut read);
    let advice = decoder.take_advice();
    (advice.last_event_id, advice.retry)
}
