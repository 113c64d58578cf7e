//! [`Answer`]: a scripted response to a request.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use vexil_service::Event;

use super::pace::Pace;
use super::point::Point;

/// A response defined by a test, including faults. Pass it to
/// [`FakeService::answer`](super::FakeService::answer).
///
/// A constructor chooses the content, and methods change the delivery. All combinations are valid.
///
/// ```
/// use std::time::Duration;
/// use vexil_testing::fake_service::{Answer, Gate, Point};
///
/// let overloaded = Answer::status(503).header("retry-after", "1").body("try again");
/// let cut = Answer::usual().cut_at(Point::mid_event());
/// let slow = Answer::usual().trickle(16, Duration::from_millis(10));
/// let gate = Gate::new();
/// let malformed = Answer::stream().event("put", "{sorry").after(&gate);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Answer {
    pub(super) kind: Kind,
    /// Header names in lower case. A header without a value is left out.
    pub(super) headers: Vec<(String, Option<Bytes>)>,
    pub(super) pieces: Vec<Piece>,
    pub(super) after: Option<Pace>,
    pub(super) trickle: Option<(usize, Pace)>,
    pub(super) fault: Option<(Point, Fault)>,
    pub(super) coding: Option<Coding>,
    pub(super) length: Option<u64>,
    pub(super) chunked: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Usual,
    Fixed(u16),
    Stream,
    Payload,
    Raw,
    Nothing,
    HangUp,
    Reset,
}

/// A part of the body.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    Bytes(Bytes),
    /// Encoded as the endpoint requires.
    Event(Event),
}

/// A fault at a [`Point`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Cut,
    Reset,
    Silence,
    BreakChunking,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Gzip,
    CorruptGzip,
}

impl Answer {
    /// The usual response of the service, as a base for changes.
    pub fn usual() -> Self {
        Self::new(Kind::Usual)
    }

    /// A response with this status and no body. The status need not exist.
    pub fn status(status: u16) -> Self {
        Self::new(Kind::Fixed(status))
    }

    /// A 200 response that claims to be JSON; the text need not be valid.
    pub fn json(text: impl Into<String>) -> Self {
        Self::status(200)
            .header("content-type", "application/json")
            .body(text.into())
    }

    /// A redirect: a status from 300 on, and the location.
    pub fn redirect(status: u16, location: impl AsRef<[u8]>) -> Self {
        Self::status(status).header("location", location)
    }

    /// A stream without the initial `put`: it has the [added events](Answer::event), followed by
    /// later flag changes. Without events, it is a stream that opens and stays silent.
    pub fn stream() -> Self {
        Self::new(Kind::Stream)
    }

    /// A response of the second protocol that has the [added events](Answer::event) and no others: a
    /// stream on [`Endpoint::PayloadStream`], and otherwise the body of a poll.
    ///
    /// ```
    /// use vexil_testing::FakeService;
    /// use vexil_testing::fake_service::{Answer, Endpoint};
    ///
    /// let service = FakeService::start()?;
    /// let empty = Answer::payload()
    ///     .event("server-intent", r#"{"payloads": [{"intentCode": "xfer-full"}]}"#)
    ///     .event("payload-transferred", r#"{"state": "(p:mine:1)", "version": 1}"#);
    /// service.answer(Endpoint::PayloadPoll, empty);
    ///
    /// let url = format!("{}/sdk/poll", service.url());
    /// let body = ureq::get(&url).call()?.body_mut().read_to_string()?;
    /// assert!(body.starts_with(r#"{"events":[{"event":"server-intent","data":{"payloads""#));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// [`Endpoint::PayloadStream`]: super::Endpoint::PayloadStream
    pub fn payload() -> Self {
        Self::new(Kind::Payload)
    }

    /// These bytes instead of a status line and the rest of a response; then the connection is
    /// closed.
    pub fn garbage(bytes: impl Into<Vec<u8>>) -> Self {
        Self::new(Kind::Raw).body(bytes)
    }

    /// No response, not even headers. The connection stays open until the client gives up.
    pub fn nothing() -> Self {
        Self::new(Kind::Nothing)
    }

    /// No response: the connection is closed gracefully.
    pub fn hang_up() -> Self {
        Self::new(Kind::HangUp)
    }

    /// No response: the connection is reset.
    pub fn reset() -> Self {
        Self::new(Kind::Reset)
    }

    fn new(kind: Kind) -> Self {
        Self {
            kind,
            headers: Vec::new(),
            pieces: Vec::new(),
            after: None,
            trickle: None,
            fault: None,
            coding: None,
            length: None,
            chunked: false,
        }
    }

    /// Adds or replaces a header. It is sent unchanged, valid or not.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.set_header(name, Some(Bytes::copy_from_slice(value.as_ref())));
        self
    }

    /// Leaves out a header that would be sent by default, such as `date` or `etag`.
    pub fn without_header(mut self, name: &str) -> Self {
        self.set_header(name, None);
        self
    }

    /// Sets the header `content-type`.
    pub fn content_type(self, value: &str) -> Self {
        self.header("content-type", value)
    }

    /// Sets the header `X-LD-EnvID`.
    pub fn environment_id(self, id: &str) -> Self {
        self.header("x-ld-envid", id)
    }

    /// Orders the client to use the classic protocol (FDV2-6): for this time, in whole seconds, or
    /// for as long as the client lives.
    pub fn fallback_directive(self, ttl: Option<Duration>) -> Self {
        let answer = self.header("x-ld-fd-fallback", "true");
        match ttl {
            Some(ttl) => answer.header("x-ld-fd-fallback-ttl", ttl.as_secs().to_string()),
            None => answer,
        }
    }

    /// Appends to the body.
    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.pieces.push(Piece::Bytes(bytes.into().into()));
        self
    }

    /// Appends an event to the body: its name, and any data. In the body of a poll of the second
    /// protocol it becomes the last entry.
    pub fn event(mut self, name: &str, data: &str) -> Self {
        self.pieces.push(Piece::Event(Event::new(name, data)));
        self
    }

    /// Delays the headers: by a duration, or until a [`Gate`](super::Gate) lets it through.
    pub fn after(mut self, pace: impl Into<Pace>) -> Self {
        self.after = Some(pace.into());
        self
    }

    /// Sends the body in pieces of `size` bytes. Delays each piece by a duration or until a
    /// [`Gate`](super::Gate) lets it through.
    pub fn trickle(mut self, size: usize, pace: impl Into<Pace>) -> Self {
        self.trickle = Some((size.max(1), pace.into()));
        self
    }

    /// Closes the connection at this point, as if the service had crashed.
    pub fn cut_at(self, point: Point) -> Self {
        self.fault(point, Fault::Cut)
    }

    /// Resets the connection at this point. Data sent just before may be lost.
    pub fn reset_at(self, point: Point) -> Self {
        self.fault(point, Fault::Reset)
    }

    /// Sends nothing from this point on, not even heartbeats, and keeps the connection open.
    pub fn silent_at(self, point: Point) -> Self {
        self.fault(point, Fault::Silence)
    }

    /// Sends a chunk with an invalid length at this point, and closes the connection.
    pub fn break_chunking_at(self, point: Point) -> Self {
        self.chunked().fault(point, Fault::BreakChunking)
    }

    /// Sends the body in chunks, without a declared length. Streams are always chunked.
    pub fn chunked(mut self) -> Self {
        self.chunked = true;
        self
    }

    /// Compresses the body, even if the client did not request it.
    pub fn gzip(mut self) -> Self {
        self.coding = Some(Coding::Gzip);
        self
    }

    /// Declares the body as compressed but sends data that cannot be decompressed.
    pub fn corrupt_gzip(mut self) -> Self {
        self.coding = Some(Coding::CorruptGzip);
        self
    }

    /// Declares a length, which need not be correct. The connection is closed after the body.
    pub fn content_length(mut self, length: u64) -> Self {
        self.length = Some(length);
        self
    }

    fn fault(mut self, point: Point, fault: Fault) -> Self {
        self.fault = Some((point, fault));
        self
    }

    fn set_header(&mut self, name: &str, value: Option<Bytes>) {
        let name = name.to_ascii_lowercase();
        self.headers.retain(|(other, _)| *other != name);
        self.headers.push((name, value));
    }

    /// Returns the whole body in one piece.
    pub(super) fn whole(&self) -> Bytes {
        let mut all = BytesMut::new();
        for piece in &self.pieces {
            all.extend_from_slice(&piece.to_bytes());
        }
        all.freeze()
    }
}

impl Piece {
    /// Encodes the piece for a stream.
    pub(super) fn to_bytes(&self) -> Bytes {
        match self {
            Self::Bytes(bytes) => bytes.clone(),
            Self::Event(event) => event.to_sse(),
        }
    }
}
