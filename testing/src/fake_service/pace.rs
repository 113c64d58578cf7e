//! [`Gate`] and [`Pace`]: hold back or delay answers.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

/// Holds answers back until the test opens it. Clones share the same gate.
///
/// Unlike a delay, it does not depend on timing: the test does its work in the meantime and then
/// opens the gate.
///
/// ```
/// use vexil_testing::FakeService;
/// use vexil_testing::fake_service::{Answer, Endpoint, Gate};
///
/// let service = FakeService::start()?;
/// let gate = Gate::new();
/// service.answer(Endpoint::Poll, Answer::usual().after(&gate));
/// // Start a client here, and look at it while it waits.
/// gate.open();
/// # Ok::<(), vexil_testing::fake_service::StartError>(())
/// ```
#[derive(Clone)]
pub struct Gate {
    /// One permit lets one waiter through. Closing the semaphore lets all through permanently.
    permits: Arc<Semaphore>,
}

impl Gate {
    /// Creates a closed gate.
    #[must_use]
    pub fn new() -> Self {
        Self {
            permits: Arc::new(Semaphore::new(0)),
        }
    }

    /// Lets all current and later waiters through.
    pub fn open(&self) {
        self.permits.close();
    }

    /// Lets the next `count` waiters through: answers, or pieces of an answer that [trickles].
    ///
    /// [trickles]: super::Answer::trickle
    pub fn let_through(&self, count: u32) {
        // An open gate needs no permits. The number is limited because the semaphore panics above
        // its maximum.
        let room = Semaphore::MAX_PERMITS.saturating_sub(self.permits.available_permits());
        self.permits
            .add_permits(room.min(usize::try_from(count).unwrap_or(room)));
    }

    async fn pass(&self) {
        // The only possible error means that the gate is open.
        if let Ok(permit) = self.permits.acquire().await {
            permit.forget();
        }
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("open", &self.permits.is_closed())
            .finish_non_exhaustive()
    }
}

/// When to continue: after a [`Duration`], or when a [`Gate`] lets the waiter through.
///
/// ```
/// use std::time::Duration;
/// use vexil::Client;
/// use vexil::config::ServiceEndpoints;
/// use vexil_testing::FakeService;
/// use vexil_testing::fake_service::{Answer, Endpoint, Gate};
///
/// let (service, gate) = (FakeService::start()?, Gate::new());
/// service.answer(Endpoint::Stream, Answer::usual().after(&gate));
/// let client = Client::builder("sdk-key")
///     .service_endpoints(ServiceEndpoints::relay(service.url()))
///     .without_events()
///     .start()?;
/// service.next_request(Endpoint::Stream).wait()?;
/// // The service has the request and does not answer yet.
/// assert!(!client.is_initialized());
/// gate.open();
/// client.blocking_wait_until_ready(Duration::from_secs(30))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Pace(Kind);

#[derive(Clone, Debug)]
enum Kind {
    After(Duration),
    At(Gate),
}

impl Pace {
    pub(super) async fn wait(&self) {
        match &self.0 {
            Kind::After(delay) => tokio::time::sleep(*delay).await,
            Kind::At(gate) => gate.pass().await,
        }
    }
}

impl From<Duration> for Pace {
    fn from(delay: Duration) -> Self {
        Self(Kind::After(delay))
    }
}

impl From<&Gate> for Pace {
    fn from(gate: &Gate) -> Self {
        Self(Kind::At(gate.clone()))
    }
}
