//! [`Point`]: the position of a fault in an answer.

/// A position in an answer at which a fault happens.
///
/// A position beyond the end of the body is never reached, and the answer stays complete.
///
/// ```
/// use std::time::Duration;
/// use vexil::Client;
/// use vexil::config::{ServiceEndpoints, StreamingConfig};
/// use vexil_testing::FakeService;
/// use vexil_testing::fake_service::{Answer, Endpoint, Point};
///
/// // The connection breaks in the middle of the first event.
/// let service = FakeService::start()?;
/// service.answer(Endpoint::Stream, Answer::usual().cut_at(Point::mid_event()));
/// let client = Client::builder("sdk-key")
///     .service_endpoints(ServiceEndpoints::relay(service.url()))
///     .data_source(StreamingConfig::new().initial_reconnect_delay(Duration::from_millis(10)))
///     .without_events()
///     .start()?;
/// // The client ignores the half of an event, and connects again.
/// client.blocking_wait_until_ready(Duration::from_secs(30))?;
/// assert_eq!(service.requests_to(Endpoint::Stream).len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Byte(usize),
    Events(usize),
    MidEvent,
}

impl Point {
    /// After the headers, before the body.
    #[must_use]
    pub fn headers() -> Self {
        Self::bytes(0)
    }

    /// After this many bytes of the body, counted before chunking. Heartbeats do not count.
    #[must_use]
    pub fn bytes(count: usize) -> Self {
        Self(Kind::Byte(count))
    }

    /// After this many events of a stream. The first is the `put` or the `server-intent`; heartbeats
    /// do not count. A body that is not a stream counts as one event.
    #[must_use]
    pub fn events(count: usize) -> Self {
        Self(Kind::Events(count))
    }

    /// In the middle of the first event, or of the body.
    #[must_use]
    pub fn mid_event() -> Self {
        Self(Kind::MidEvent)
    }

    /// Returns how much of the next piece, which is `next` bytes long, may be sent. `None` means
    /// all of it, and more.
    pub(super) fn within(
        self,
        next: usize,
        sent_bytes: usize,
        sent_events: usize,
    ) -> Option<usize> {
        match self.0 {
            Kind::Byte(count) => count.checked_sub(sent_bytes).filter(|left| *left <= next),
            Kind::Events(count) => (sent_events >= count).then_some(0),
            Kind::MidEvent => (next > 0).then_some(next / 2),
        }
    }
}
