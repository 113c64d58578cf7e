//! [`Sdks`]: the SDKs that have sent requests to an environment.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::{HeaderName, header, request::Parts};
use tokio::sync::watch;
use tokio::time::sleep;
use vexil::Context;
use vexil_service::{Route, SdkEntry, SdkList, SdkRequest};

use super::environment::Environment;
use super::handler::text;
use crate::output::milliseconds_since_1970 as now;

/// How many SDKs are listed.
const MAX_SDKS: usize = 1000;
/// How long an SDK is listed after its last request.
const KEEP: Duration = Duration::from_secs(600);
/// How often SDKs are forgotten.
const EXPIRE_INTERVAL: Duration = Duration::from_secs(10);
/// A browser opens at most this many connections to a host. Further tabs wait.
const BROWSER_CONNECTIONS: usize = 6;
const MAX_ORIGINS: usize = 100;

/// The SDKs that have sent requests, and their open streams.
#[derive(Debug)]
pub(super) struct Sdks(Mutex<Known>);

#[derive(Debug)]
pub(super) struct Known {
    pub(super) list: SdkList,
    /// Ends the streams of an SDK.
    cuts: HashMap<u64, watch::Sender<()>>,
    /// The number of open streams of each web page's origin.
    origins: HashMap<String, usize>,
}

impl Default for Sdks {
    fn default() -> Self {
        Self(Mutex::new(Known {
            list: SdkList::new(
                MAX_SDKS,
                u64::try_from(KEEP.as_millis()).unwrap_or(u64::MAX),
            ),
            cuts: HashMap::new(),
            origins: HashMap::new(),
        }))
    }
}

impl Sdks {
    pub(super) fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Ends the streams of an SDK. Returns how many there were, or `None` if the SDK is unknown.
    pub(super) fn cut(&self, id: u64) -> Option<usize> {
        self.list.get(id)?;
        let Some(cut) = self.cuts.get(&id) else {
            return Some(0);
        };
        cut.send_replace(());
        Some(cut.receiver_count())
    }
}

/// Returns the name and version of the SDK that has sent a request.
pub(super) fn agent(head: &Parts) -> &str {
    let named = text(
        &head.headers,
        &HeaderName::from_static("x-launchdarkly-user-agent"),
    );
    let agent = named.or_else(|| text(&head.headers, &header::USER_AGENT));
    agent.unwrap_or("unknown")
}

impl Environment {
    /// Notes a request of an SDK. Returns the id of the SDK.
    pub(super) fn request(&self, route: &Route, head: &Parts, context: Option<&Context>) -> u64 {
        let header = |name| text(&head.headers, &HeaderName::from_static(name));
        let request = SdkRequest {
            launchdarkly_agent: header("x-launchdarkly-user-agent"),
            user_agent: text(&head.headers, &header::USER_AGENT),
            instance: header("x-launchdarkly-instance-id"),
            context,
            ..SdkRequest::new(route)
        };
        let mut known = self.sdks.known();
        let id = known.list.request(now(), &request);
        // The stream of a browser does not name its SDK, which other requests have named.
        let agent = known
            .list
            .get(id)
            .map_or("unknown", SdkEntry::agent)
            .to_owned();
        drop(known);
        if let Some(context) = context {
            self.events.received().contexts.add(now(), &agent, context);
        }
        self.news.announce(&self.news.sdks);
        id
    }

    /// Counts bytes that were sent to an SDK.
    pub(super) fn sent(&self, id: u64, bytes: usize) {
        self.sdks.known().list.sent(id, bytes);
    }

    /// Returns the visit of an SDK that opens a stream.
    pub(super) fn visit(self: &Arc<Self>, id: u64, head: &Parts) -> Visit {
        let origin = text(&head.headers, &header::ORIGIN).map(str::to_owned);
        let mut known = self.sdks.known();
        known.list.open_stream(id);
        known.cuts.retain(|_, cut| cut.receiver_count() > 0);
        let cut = known.cuts.entry(id).or_default().subscribe();
        if let Some(origin) = &origin
            && (known.origins.contains_key(origin) || known.origins.len() < MAX_ORIGINS)
        {
            let streams = known.origins.entry(origin.clone()).or_default();
            *streams += 1;
            if *streams == BROWSER_CONNECTIONS {
                tracing::warn!(
                    origin,
                    "a browser opens only {BROWSER_CONNECTIONS} connections to a host: the next tab waits. \
                     Other names of this machine, such as a.localhost, count as other hosts"
                );
            }
        }
        drop(known);
        Visit {
            environment: Arc::clone(self),
            id,
            cut,
            origin,
        }
    }

    /// Forgets SDKs that do not send requests any more.
    pub(crate) async fn expire_sdks(self: Arc<Self>) {
        loop {
            sleep(EXPIRE_INTERVAL).await;
            if self.sdks.known().list.expire(now()) {
                self.news.announce(&self.news.sdks);
            }
        }
    }
}

/// An open stream of an SDK, which ends when this is dropped.
#[derive(Debug)]
pub(super) struct Visit {
    environment: Arc<Environment>,
    id: u64,
    cut: watch::Receiver<()>,
    origin: Option<String>,
}

impl Visit {
    /// Counts bytes that were sent.
    pub(super) fn sent(&self, bytes: usize) {
        self.environment.sent(self.id, bytes);
    }

    /// Completes when the stream is to be ended.
    pub(super) async fn cut(&mut self) {
        // The sender exists as long as its receivers.
        let _ = self.cut.changed().await;
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let mut known = self.environment.sdks.known();
        known.list.close_stream(self.id, now());
        if let Some(origin) = &self.origin
            && let Some(streams) = known.origins.get_mut(origin)
        {
            *streams -= 1;
            if *streams == 0 {
                known.origins.remove(origin);
            }
        }
        drop(known);
        self.environment.news.announce(&self.environment.news.sdks);
    }
}
