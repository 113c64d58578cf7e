//! [`Answer`]: what the next request gets instead of the usual.

use bytes::{Bytes, BytesMut};

use super::pace::Pace;
use super::point::Point;
use super::sse;

/// An answer that a test has written, faults and all. Hand it to [`FakeService::answer`](super::FakeService::answer).
///
/// A constructor says what is answered, and methods change the way: they go together in every
/// combination.
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
    /// Names in lower case. Without a value, the header is left out.
    pub(super) headers: Vec<(String, Option<Bytes>)>,
    pub(super) pieces: Vec<Bytes>,
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
    Raw,
    Nothing,
    HangUp,
    Reset,
}

/// What happens at a [`Point`].
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
    /// What the service would answer anyway, to change the way of it.
    pub fn usual() -> Self {
        Self::new(Kind::Usual)
    }

    /// This status without a body. It need not be one that exists.
    pub fn status(status: u16) -> Self {
        Self::new(Kind::Fixed(status))
    }

    /// 200 with JSON, or with what claims to be that.
    pub fn json(text: impl Into<String>) -> Self {
        Self::status(200)
            .header("content-type", "application/json")
            .body(text.into())
    }

    /// A redirect: a status of 300 and more, and the place.
    pub fn redirect(status: u16, location: impl AsRef<[u8]>) -> Self {
        Self::status(status).header("location", location)
    }

    /// A stream that does not begin with a `put`: the events that are [added](Answer::event), and
    /// then changes of flags as they come. Without events it is a stream that opens and says
    /// nothing.
    pub fn stream() -> Self {
        Self::new(Kind::Stream)
    }

    /// These bytes in place of a status line and all that follows; then the connection is closed.
    pub fn garbage(bytes: impl Into<Vec<u8>>) -> Self {
        Self::new(Kind::Raw).body(bytes)
    }

    /// Nothing at all, not even headers. The connection stays open until the client gives up.
    pub fn nothing() -> Self {
        Self::new(Kind::Nothing)
    }

    /// No answer: the connection is closed in an orderly way.
    pub fn hang_up() -> Self {
        Self::new(Kind::HangUp)
    }

    /// No answer: the connection is reset.
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

    /// Adds a header, or replaces the one of this name. It is sent as it is, valid or not.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.set_header(name, Some(Bytes::copy_from_slice(value.as_ref())));
        self
    }

    /// Leaves a header out that would be sent, such as `date` or `etag`.
    pub fn without_header(mut self, name: &str) -> Self {
        self.set_header(name, None);
        self
    }

    /// Declares another type of content: short for the header `content-type`.
    pub fn content_type(self, value: &str) -> Self {
        self.header("content-type", value)
    }

    /// Declares an environment: short for the header `X-LD-EnvID`.
    pub fn environment_id(self, id: &str) -> Self {
        self.header("x-ld-envid", id)
    }

    /// Appends to the body.
    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.pieces.push(Bytes::from(bytes.into()));
        self
    }

    /// Appends an event to the body: its name, and data of any form.
    pub fn event(mut self, name: &str, data: &str) -> Self {
        self.pieces.push(sse::event(name, data));
        self
    }

    /// Waits before the headers: for a duration, or at a [`Gate`](super::Gate).
    pub fn after(mut self, pace: impl Into<Pace>) -> Self {
        self.after = Some(pace.into());
        self
    }

    /// Sends the body in pieces of `size` bytes and waits before each, for a duration or at a [`Gate`](super::Gate).
    pub fn trickle(mut self, size: usize, pace: impl Into<Pace>) -> Self {
        self.trickle = Some((size.max(1), pace.into()));
        self
    }

    /// Closes the connection at this point, as if the service had crashed.
    pub fn cut_at(self, point: Point) -> Self {
        self.fault(point, Fault::Cut)
    }

    /// Resets the connection at this point. What was sent just before may be lost with it.
    pub fn reset_at(self, point: Point) -> Self {
        self.fault(point, Fault::Reset)
    }

    /// Sends nothing from this point on, also no heartbeat, and keeps the connection open.
    pub fn silent_at(self, point: Point) -> Self {
        self.fault(point, Fault::Silence)
    }

    /// Sends a chunk of no readable length at this point, and closes the connection.
    pub fn break_chunking_at(self, point: Point) -> Self {
        self.chunked().fault(point, Fault::BreakChunking)
    }

    /// Sends the body in chunks, of no length known in advance. A stream always is.
    pub fn chunked(mut self) -> Self {
        self.chunked = true;
        self
    }

    /// Compresses the body, asked for or not.
    pub fn gzip(mut self) -> Self {
        self.coding = Some(Coding::Gzip);
        self
    }

    /// Says that the body is compressed, and sends what cannot be decompressed.
    pub fn corrupt_gzip(mut self) -> Self {
        self.coding = Some(Coding::CorruptGzip);
        self
    }

    /// Declares a length that need not be true. The connection is closed after the body.
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

    /// All of the body in one.
    pub(super) fn whole(&self) -> Bytes {
        let mut all = BytesMut::new();
        self.pieces
            .iter()
            .for_each(|piece| all.extend_from_slice(piece));
        all.freeze()
    }
}
