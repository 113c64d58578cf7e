//! The bodies of polls, in either protocol.

use std::collections::VecDeque;

use bytes::Bytes;
use http::{Response, StatusCode};
use vexil::async_trait;
use vexil::transport::{Body, Chunks, TransportError, TransportErrorKind};

use crate::service::Asked;
use crate::world::{Inner, World};

/// Answers a poll.
pub(crate) fn answer(world: &World, asked: &Asked) -> Response<Body> {
    let mut inner = world.lock();
    if inner.chance.rng.bool() {
        inner.advance();
    }
    let to = inner.current();
    let etag = format!("\"{to}\"");
    if asked.etag.as_ref() == Some(&etag) {
        inner.commit(to);
        let mut response = Response::new(Body::full(""));
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    let text = if asked.path.ends_with("/sdk/poll") {
        change_set(&mut inner, asked.basis, to)
    } else {
        classic_data(&mut inner, to)
    };
    let (text, commit) = match inner.fails(8) {
        false => (text, Some(to)),
        true => (corrupted(&mut inner, &text), None),
    };
    drop(inner);
    let mut response = Response::new(Body::new(Poll::new(world.clone(), &text, commit)));
    response.headers_mut().insert("etag", etag.parse().unwrap());
    response
}

/// The whole environment in the classic protocol.
pub(crate) fn classic_data(world: &mut Inner, state: usize) -> String {
    let flags = world.states[state].clone().into_iter();
    let flags =
        flags.map(|(flag, value)| format!(r#""flag-{flag}":{}"#, world.sent_flag(flag, value)));
    let flags: Vec<_> = flags.collect();
    format!(r#"{{"flags":{{{}}},"segments":{{}}}}"#, flags.join(","))
}

fn change_set(world: &mut Inner, basis: Option<usize>, to: usize) -> String {
    let is_full = basis.is_none() || world.chance.rng.u8(0..4) == 0;
    let code = match is_full {
        true => "xfer-full",
        false if basis == Some(to) => "none",
        false => "xfer-changes",
    };
    let mut events = vec![format!(
        r#"{{"event":"server-intent","data":{{"payloads":[{{"intentCode":"{code}"}}]}}}}"#
    )];
    for (flag, value) in world.difference(basis.filter(|_| !is_full), to) {
        events.push(match value {
            Some(value) => {
                let object = world.sent_flag(flag, value);
                format!(
                    r#"{{"data":{{"kind":"flag","key":"flag-{flag}","object":{object}}},"event":"put-object"}}"#
                )
            }
            None => format!(
                r#"{{"event":"delete-object","data":{{"kind":"flag","key":"flag-{flag}","version":{}}}}}"#,
                world.delete_version(to)
            ),
        });
    }
    events.push(format!(
        r#"{{"event":"payload-transferred","data":{{"state":"s{to}","version":1}}}}"#
    ));
    format!(r#"{{"events":[{}]}}"#, events.join(","))
}

/// A body that cannot be used: cut, without a commit, or something else altogether.
fn corrupted(world: &mut Inner, text: &str) -> String {
    // An answer that is complete after `none` may be cut.
    let is_cut = !text.contains(r#""none""#) && world.chance.rng.bool();
    match world.chance.rng.u8(0..3) {
        _ if is_cut => text[..world.chance.rng.usize(0..text.len() / 2)].to_owned(),
        0 => "<html></html>".to_owned(),
        1 => {
            r#"{"events":[{"event":"server-intent","data":{"payloads":[]}}],"flags":7}"#.to_owned()
        }
        _ => String::new(),
    }
}

/// The body of a poll, in pieces.
struct Poll {
    world: World,
    pieces: VecDeque<Bytes>,
    /// The state that the client has after the last piece.
    commit: Option<usize>,
    breaks: bool,
}

impl Poll {
    fn new(world: World, text: &str, commit: Option<usize>) -> Self {
        let (size, breaks) = {
            let mut inner = world.lock();
            // Few bodies arrive in tiny pieces, because each piece costs a wake-up.
            let size = match inner.chance.rng.u8(0..8) {
                0 => inner.chance.rng.usize(1..16),
                _ => inner.chance.rng.usize(16..400),
            };
            (size, commit.is_some() && inner.fails(12))
        };
        let pieces = text.as_bytes().chunks(size).map(Bytes::copy_from_slice);
        Self {
            world,
            pieces: pieces.collect(),
            commit,
            breaks,
        }
    }
}

#[async_trait]
impl Chunks for Poll {
    async fn next(&mut self) -> Result<Option<Bytes>, TransportError> {
        if self.breaks && self.pieces.len() <= 1 {
            return Err(TransportError::new(
                TransportErrorKind::Connection,
                "broken",
            ));
        }
        let piece = self.pieces.pop_front();
        if piece.is_none()
            && let Some(state) = self.commit.take()
        {
            self.world.lock().commit(state);
        }
        Ok(piece)
    }
}
