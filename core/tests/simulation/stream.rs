//! [`Stream`]: the body of a stream, in either protocol.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::sleep;
use vexil::async_trait;
use vexil::transport::{Chunks, TransportError, TransportErrorKind};

use crate::service::Asked;
use crate::world::{Inner, World};

/// The body of a stream. Events are made when the client reads them.
#[derive(Debug)]
pub(crate) struct Stream {
    world: World,
    is_classic: bool,
    /// The state that the client has.
    at: Option<usize>,
    /// The state that the request named; until it is used.
    basis: Option<usize>,
    has_begun: bool,
    /// Whether this connection has announced what follows.
    has_announced: bool,
    parts: VecDeque<Part>,
    read_timeout: Duration,
}

/// A part of the body.
#[derive(Debug)]
enum Part {
    Bytes(String),
    /// Bytes with which the client has a whole state.
    Commit(String, usize),
    Wait(Duration),
    /// The service ends the body.
    End,
    /// The connection breaks.
    Break,
    /// Nothing more arrives.
    Silence,
}

#[async_trait]
impl Chunks for Stream {
    async fn next(&mut self) -> Result<Option<Bytes>, TransportError> {
        loop {
            match self.parts.pop_front() {
                Some(Part::Bytes(text)) => return Ok(Some(text.into())),
                Some(Part::Commit(text, state)) => {
                    self.at = Some(state);
                    self.world.lock().commit(state);
                    return Ok(Some(text.into()));
                }
                Some(Part::Wait(time)) => sleep(time).await,
                Some(Part::End) => return Ok(None),
                Some(Part::Break) => {
                    let kind = TransportErrorKind::Connection;
                    return Err(TransportError::new(kind, "broken"));
                }
                Some(Part::Silence) => {
                    sleep(self.read_timeout).await;
                    return Err(TransportError::new(TransportErrorKind::Timeout, "silence"));
                }
                None => self.go_on(),
            }
        }
    }
}

impl Stream {
    pub(crate) fn new(world: World, asked: &Asked) -> Self {
        Self {
            world,
            is_classic: asked.path.ends_with("/all"),
            at: asked.basis,
            basis: asked.basis,
            has_begun: false,
            has_announced: false,
            parts: VecDeque::new(),
            read_timeout: asked.read_timeout,
        }
    }

    /// Makes the next events.
    fn go_on(&mut self) {
        let world = self.world.clone();
        let mut world = world.lock();
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        if !is_first {
            let pause = Duration::from_millis(world.chance.rng.u64(10..40_000));
            self.parts.push_back(Part::Wait(pause));
            if world.chance.rng.bool() {
                self.parts.push_back(Part::Bytes(":\n\n".to_owned()));
                return;
            }
            world.advance();
        }
        if self.is_classic {
            self.classic(&mut world, is_first);
        } else {
            self.change_set(&mut world, is_first);
        }
        if world.fails(6) {
            let end = match world.chance.rng.u8(0..3) {
                0 => Part::End,
                1 => Part::Break,
                _ => Part::Silence,
            };
            self.parts.push_back(end);
        }
    }

    /// Complete data, or the changes since the client's state one by one.
    fn classic(&mut self, world: &mut Inner, is_first: bool) {
        let to = world.current();
        if is_first {
            let data = crate::poll::classic_data(world, to);
            let put = event("put", &format!(r#"{{"path":"/","data":{data}}}"#));
            if self.cut(world, &put) {
                return;
            }
            self.parts.push_back(Part::Commit(put, to));
            return;
        }
        // The client may be further behind than one state only before it has received one.
        let Some(at) = self.at else { return };
        for state in at + 1..=to {
            if self.malformed(world, &[event("patch", "{"), event("put", "[]")]) {
                return;
            }
            let mut text = String::new();
            for (flag, value) in world.difference(Some(state - 1), state) {
                text += &match value {
                    Some(value) => {
                        let data = world.sent_flag(flag, value);
                        event(
                            "patch",
                            &format!(r#"{{"path":"/flags/flag-{flag}","data":{data}}}"#),
                        )
                    }
                    None => event(
                        "delete",
                        &format!(r#"{{"path":"/flags/flag-{flag}","version":{state}}}"#),
                    ),
                };
            }
            if self.cut(world, &text) {
                return;
            }
            self.parts.push_back(Part::Commit(text, state));
        }
    }

    /// A payload of the second protocol.
    fn change_set(&mut self, world: &mut Inner, is_first: bool) {
        let to = world.current();
        let at = if is_first { self.basis } else { self.at };
        if !self.has_announced && at.is_none() && world.fails(10) {
            // A difference to a state that the client does not have, or changes without an
            // announcement. The client must not use them.
            let announcement = match world.chance.rng.bool() {
                true => intent("xfer-changes"),
                false => String::new(),
            };
            let commit = event("payload-transferred", r#"{"state":"s0"}"#);
            let text = [announcement, put_object(world, 0, to), commit].concat();
            self.parts.push_back(Part::Bytes(text));
            self.parts.push_back(Part::Silence);
            return;
        }
        if is_first && at == Some(to) && world.chance.rng.bool() {
            self.parts.push_back(Part::Commit(intent("none"), to));
            return;
        }
        let is_full = at.is_none() || world.chance.rng.u8(0..5) == 0;
        // Later differences need no announcement.
        if is_full || is_first || world.chance.rng.bool() {
            let code = if is_full { "xfer-full" } else { "xfer-changes" };
            self.has_announced = true;
            self.parts.push_back(Part::Bytes(intent(code)));
        }
        let from = if is_full { None } else { at };
        for (flag, value) in world.difference(from, to) {
            if self.interrupted(world) {
                return;
            }
            let change = match value {
                Some(value) => put_object(world, flag, value),
                None => event(
                    "delete-object",
                    &format!(
                        r#"{{"kind":"flag","key":"flag-{flag}","version":{}}}"#,
                        world.delete_version(to)
                    ),
                ),
            };
            if self.cut(world, &change) {
                return;
            }
            self.parts.push_back(Part::Bytes(change));
        }
        if self.interrupted(world) {
            return;
        }
        let commit = event(
            "payload-transferred",
            &format!(r#"{{"state":"s{to}","version":1}}"#),
        );
        if self.cut(world, &commit) {
            return;
        }
        self.parts.push_back(Part::Commit(commit, to));
    }

    /// Something that is harmless, or that makes the payload void. Returns whether it is void.
    fn interrupted(&mut self, world: &mut Inner) -> bool {
        if world.chance.rng.u8(0..6) == 0 {
            let harmless = [
                event("heart-beat", "{}"),
                event("new-event", "?"),
                event("put-object", r#"{"kind":"experiment","object":7}"#),
                ":\n".to_owned(),
            ];
            let harmless = harmless[world.chance.rng.usize(0..harmless.len())].clone();
            self.parts.push_back(Part::Bytes(harmless));
        }
        if world.fails(25) {
            // The client drops the changes, and the service begins again.
            self.parts
                .push_back(Part::Bytes(event("error", r#"{"reason":"lost"}"#)));
            self.has_begun = false;
            self.basis = self.at;
            return true;
        }
        if world.fails(40) {
            let ttl = if world.chance.rng.u8(0..4) == 0 {
                r#"{"reason":"bye","protocolFallbackTTL":30}"#
            } else {
                r#"{"reason":"bye"}"#
            };
            self.parts.push_back(Part::Bytes(event("goodbye", ttl)));
            self.parts.push_back(Part::Silence);
            return true;
        }
        self.malformed(
            world,
            &[
                event(
                    "put-object",
                    r#"{"kind":"flag","key":"flag-0","object":[]}"#,
                ),
                event("put-object", r#"{"kind":"flag","key":"flag-0"}"#),
                event("delete-object", r#"{"kind":"flag"}"#),
                event("server-intent", "{sorry"),
                event(
                    "server-intent",
                    r#"{"payloads":[{"intentCode":"xfer-some"}]}"#,
                ),
                event("payload-transferred", "{}"),
            ],
        )
    }

    /// An event that the client cannot read, after which it closes the connection.
    fn malformed(&mut self, world: &mut Inner, events: &[String]) -> bool {
        if !world.fails(25) {
            return false;
        }
        let event = events[world.chance.rng.usize(0..events.len())].clone();
        self.parts.push_back(Part::Bytes(event));
        self.parts.push_back(Part::Silence);
        true
    }

    /// Cuts an event at any byte.
    fn cut(&mut self, world: &mut Inner, event: &str) -> bool {
        if event.len() < 2 || !world.fails(15) {
            return false;
        }
        let part = event[..world.chance.rng.usize(0..event.len() - 1)].to_owned();
        self.parts.push_back(Part::Bytes(part));
        let end = if world.chance.rng.bool() {
            Part::End
        } else {
            Part::Break
        };
        self.parts.push_back(end);
        true
    }
}

fn event(name: &str, data: &str) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

fn intent(code: &str) -> String {
    let data = format!(r#"{{"payloads":[{{"id":"p","target":1,"intentCode":"{code}"}}]}}"#);
    event("server-intent", &data)
}

fn put_object(world: &mut Inner, flag: u32, value: usize) -> String {
    let object = world.sent_flag(flag, value);
    let data = format!(r#"{{"version":1,"kind":"flag","key":"flag-{flag}","object":{object}}}"#);
    event("put-object", &data)
}
