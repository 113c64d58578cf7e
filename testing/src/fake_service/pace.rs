//! [`Gate`] and [`Pace`]: what an answer waits for.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

/// Holds answers back until the test says so. Clones are the same gate.
///
/// Unlike a delay it needs no guess at how long something takes: the test does what it has to do
/// meanwhile, and opens.
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
    /// A permit lets one waiter through; closing it lets everybody through, for good.
    permits: Arc<Semaphore>,
}

impl Gate {
    /// A gate that is closed.
    #[must_use]
    pub fn new() -> Self {
        Self {
            permits: Arc::new(Semaphore::new(0)),
        }
    }

    /// Lets through whatever waits, and whatever comes.
    pub fn open(&self) {
        self.permits.close();
    }

    /// Lets the next `count` through: answers that wait here, or pieces of an answer that
    /// [trickles].
    ///
    /// [trickles]: super::Answer::trickle
    pub fn let_through(&self, count: u32) {
        // An open gate has no need of permits. More of them than there can be would be a
        // programming error in the semaphore's eyes.
        let room = Semaphore::MAX_PERMITS.saturating_sub(self.permits.available_permits());
        self.permits
            .add_permits(room.min(usize::try_from(count).unwrap_or(room)));
    }

    async fn pass(&self) {
        // The only error is that the gate is open.
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

/// When to go on: after a [`Duration`], or when a [`Gate`] lets through.
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
