//! [`FakeService`]: the service's endpoints in process, for tests of clients of the real ones.
//!
//! [`TestData`](crate::TestData) replaces a connection; this is the server side of one. A client
//! streams or polls flags from it over HTTP, in the classic or the second protocol, and posts events
//! to it. The test changes flags, reads the events and injects faults. It serves every SDK of the protocol, not only [`vexil`].
//!
//! ```
//! use vexil_testing::FakeService;
//! use vexil_testing::fake_service::{Answer, Endpoint};
//!
//! let service = FakeService::start()?;
//! service.set("banner", "hello");
//!
//! let url = format!("{}/sdk/latest-all", service.url());
//! let flags = ureq::get(&url).call()?.body_mut().read_to_string()?;
//! assert!(flags.contains("hello"));
//!
//! service.answer(Endpoint::Poll, Answer::status(503));
//! assert!(ureq::get(&url).call().is_err());
//! assert!(ureq::get(&url).header("authorization", "sdk-key").call().is_ok());
//!
//! assert_eq!(service.next_request(Endpoint::Poll).wait()?.status(), Some(200));
//! assert_eq!(service.next_request(Endpoint::Poll).wait()?.status(), Some(503));
//! assert_eq!(service.next_request(Endpoint::Poll).wait()?.header("authorization"), Some("sdk-key"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Answers
//! | request | usual answer |
//! | --- | --- |
//! | `GET …/all` | a stream: a `put`, then each change as it is made, and heartbeats |
//! | `GET …/sdk/latest-all` | all flags, with an `ETag`; 304 if unchanged; gzip if accepted |
//! | `GET …/sdk/stream` | a stream: a payload, then each change with a commit, and heartbeats |
//! | `GET …/sdk/poll` | a payload, with an `ETag`; 304 if unchanged; gzip if accepted |
//! | `POST …/bulk` | 202, and the events are recorded; 400 if the body is not a JSON list |
//! | `POST …/diagnostic` | 202; 400 if the body is not a JSON object |
//! | `POST …/mobile`, `…/events/bulk/{environment}` and similar | as `…/bulk` |
//! | any other path | 404 |
//!
//! Any prefix may come before a path, as with the base URIs of a proxy. An [`Answer`] replaces the
//! usual one for the next request ([`FakeService::answer`]) or for all requests
//! ([`FakeService::always`]). It sets other statuses, delays, and faults at any [`Point`] of the
//! answer.
//!
//! # The second protocol
//! Both protocols present the same flags and segments. A payload is `xfer-full` without a `basis`,
//! `none` if the basis is the [current selector](FakeService::selector), `xfer-changes` for any
//! earlier one of this service, and `xfer-full` for a foreign one.
//!
//! | to script | use |
//! | --- | --- |
//! | any events | [`Answer::payload`], [`Answer::event`] |
//! | `goodbye`, `error` | [`FakeService::send_event`], [`Answer::event`] |
//! | the order to use the classic protocol | [`Answer::fallback_directive`] |
//! | an unknown basis | [`FakeService::forget_selectors`] |
//!
//! ```
//! use vexil_testing::FakeService;
//!
//! let service = FakeService::start()?;
//! service.set("banner", "hello");
//! let poll = |basis: &str| {
//!     let url = format!("{}/sdk/poll", service.url());
//!     ureq::get(&url).query("basis", basis).call()?.body_mut().read_to_string()
//! };
//! assert!(poll("(p:elsewhere:7)")?.contains("xfer-full"));
//! let known = service.selector();
//! assert!(poll(&known)?.contains(r#""intentCode":"none""#));
//!
//! service.delete("banner");
//! let difference = poll(&known)?;
//! assert!(difference.contains("xfer-changes") && difference.contains("delete-object"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Waiting
//! No test has to sleep. A [`Waiting`](crate::Waiting) completes as soon as its condition holds: with `wait()` in
//! sync code and with `.await` on any executor. To hold back an answer, use a [`Gate`] rather than
//! a delay.
//!
//! # Bounds
//! HTTP/1.1 over loopback, 1024 connections, bodies of 64 MiB. The last 10,000 requests are kept
//! ([`FakeServiceBuilder::max_requests`]), or fewer if their bodies are large. A stream whose client is 1024 changes behind is closed.
//! Dropping the service ends its thread and all connections.

mod answer;
mod body;
mod builder;
mod connection;
mod control;
mod data;
mod log;
mod observe;
mod pace;
mod payload;
mod point;
mod protocol;
mod read;
mod request;
mod respond;
mod scripts;
mod server;
mod shared;
mod socket;
mod start_error;
mod streams;
mod tls;
mod usual;

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

pub use self::answer::Answer;
pub use self::builder::FakeServiceBuilder;
pub use self::pace::{Gate, Pace};
pub use self::payload::Payload;
pub use self::point::Point;
pub use self::request::{ClosedBy, Request};
pub use self::start_error::StartError;
pub use self::tls::Certificate;
pub use vexil_service::{Endpoint, ItemsError, SummaryCount, SummaryCounts};

use self::server::Server;
use self::shared::Shared;
use self::tls::Authority;

/// A fake flag service on a local port, with stream, poll and events endpoints. See the [module
/// documentation](self).
///
/// It runs on its own thread, so it serves clients of both sync and async tests. It stops when it
/// is dropped.
pub struct FakeService {
    shared: Arc<Shared>,
    authority: Option<Authority>,
    server: Server,
}

impl FakeService {
    /// Starts a service without flags and without TLS. It is listening when this returns.
    ///
    /// # Errors
    /// Returns an error if no port or thread is available.
    pub fn start() -> Result<Self, StartError> {
        Self::builder().start()
    }

    /// Returns a builder, to configure the service before it starts.
    ///
    /// ```
    /// use vexil_testing::FakeService;
    ///
    /// let service = FakeService::builder().environment_id("env-1").tls().start()?;
    /// assert!(service.url().starts_with("https://"));
    /// assert!(service.ca_pem().is_some_and(|pem| pem.contains("BEGIN CERTIFICATE")));
    /// # Ok::<(), vexil_testing::fake_service::StartError>(())
    /// ```
    pub fn builder() -> FakeServiceBuilder {
        FakeServiceBuilder::new()
    }

    /// Returns the base URI of all endpoints, without a trailing slash. A path prefix may be
    /// appended to it.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.authority.is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{}", self.server.address)
    }

    /// Returns the address that the service listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// With TLS, returns the certificate that clients have to trust, as PEM.
    #[must_use]
    pub fn ca_pem(&self) -> Option<&str> {
        self.authority.as_ref().map(Authority::pem)
    }

    /// With TLS, returns the path of a file with the certificate that clients have to trust. The
    /// file exists as long as the service.
    #[must_use]
    pub fn ca_pem_path(&self) -> Option<&Path> {
        self.authority.as_ref().map(Authority::path)
    }
}

impl fmt::Debug for FakeService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeService")
            .field("url", &self.url())
            .finish_non_exhaustive()
    }
}
