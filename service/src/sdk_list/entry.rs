//! [`SdkEntry`]: one SDK of the list.

use std::fmt;

use serde::{Serialize, Serializer};
use vexil_eval::Context;

use super::SdkRequest;
use crate::{Endpoint, SdkFamily};

/// The longest name of an SDK that is kept, in characters.
const MAX_AGENT: usize = 200;

/// An SDK that has sent requests. The JSON has the names `id`, `agent`, `class` (the family), `protocol`
/// (`fdv1`, `fdv2` or null), `streams`, `since`, `last`, `requests`, `bytes` and `context` (`kinds` and
/// `key`, or null).
#[derive(Clone, Serialize)]
pub struct SdkEntry {
    #[serde(serialize_with = "as_text")]
    id: u64,
    agent: String,
    /// Whether the agent is the name of the SDK, and not of the browser that it runs in.
    #[serde(skip)]
    is_named: bool,
    #[serde(rename = "class")]
    family: SdkFamily,
    protocol: Option<&'static str>,
    #[serde(skip)]
    instance: Option<String>,
    streams: usize,
    since: u64,
    last: u64,
    requests: u64,
    bytes: u64,
    context: Option<ShownContext>,
}

/// The context of an SDK in short.
#[derive(Clone, PartialEq, Serialize)]
struct ShownContext {
    kinds: Vec<String>,
    key: String,
}

/// What a request says about its SDK.
pub(super) struct Sender {
    agent: String,
    is_named: bool,
    family: SdkFamily,
    protocol: Option<&'static str>,
    instance: Option<String>,
    context: Option<ShownContext>,
}

impl Sender {
    pub(super) fn of(request: &SdkRequest<'_>) -> Self {
        let family = request.route.family();
        let agent = request.launchdarkly_agent.or(request.user_agent);
        let is_client_side = family != SdkFamily::Server;
        let context = request.context.filter(|_| is_client_side);
        Self {
            // The names of all browsers begin like this. The SDK of another runtime may only have this
            // header.
            is_named: request.launchdarkly_agent.is_some()
                || agent.is_some_and(|agent| !agent.starts_with("Mozilla/")),
            agent: agent.unwrap_or("unknown").chars().take(MAX_AGENT).collect(),
            family,
            protocol: protocol(request.route.endpoint()),
            instance: request.instance.map(str::to_owned),
            context: context.map(ShownContext::of),
        }
    }
}

impl ShownContext {
    fn of(context: &Context) -> Self {
        let kinds = context.individual_contexts().map(Context::kind);
        let key = match context.multiple() {
            true => context.fully_qualified_key(),
            false => context.key(),
        };
        Self {
            kinds: kinds.map(str::to_owned).collect(),
            key: key.to_owned(),
        }
    }
}

impl SdkEntry {
    pub(super) fn new(id: u64, at: u64, sender: Sender) -> Self {
        Self {
            id,
            agent: sender.agent,
            is_named: sender.is_named,
            family: sender.family,
            protocol: sender.protocol,
            instance: sender.instance,
            streams: 0,
            since: at,
            last: at,
            requests: 1,
            bytes: 0,
            context: sender.context,
        }
    }

    /// Whether this SDK may be the sender of a request: nothing that both have differs.
    pub(super) fn may_be(&self, sender: &Sender) -> bool {
        let is_browser = self.family == SdkFamily::JavaScript;
        let is_same_instance = match (&self.instance, &sender.instance) {
            (Some(known), Some(instance)) => known == instance,
            (None, None) => true,
            // The stream of a browser has no header of its own.
            (Some(_), None) | (None, Some(_)) => is_browser,
        };
        let is_any_agent = is_browser && !(self.is_named && sender.is_named);
        let is_same_context = match (&self.context, &sender.context) {
            (Some(known), Some(context)) => known == context,
            _ => true,
        };
        self.family == sender.family
            && is_same_instance
            && (is_any_agent || self.agent == sender.agent)
            && is_same_context
    }

    pub(super) fn add(&mut self, at: u64, sender: Sender) {
        if !self.is_named {
            self.is_named = sender.is_named;
            self.agent = sender.agent;
        }
        self.instance = sender.instance.or(self.instance.take());
        self.protocol = sender.protocol.or(self.protocol);
        self.context = sender.context.or(self.context.take());
        self.requests += 1;
        self.last = self.last.max(at);
    }

    pub(super) fn open_stream(&mut self) {
        self.streams += 1;
    }

    pub(super) fn close_stream(&mut self, at: u64) {
        self.streams = self.streams.saturating_sub(1);
        self.last = self.last.max(at);
    }

    pub(super) fn sent(&mut self, bytes: usize) {
        self.bytes = self
            .bytes
            .saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    /// Returns the id.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Returns the name and version of the SDK. If the SDK does not send them, it is the browser's.
    #[must_use]
    pub fn agent(&self) -> &str {
        &self.agent
    }

    /// Returns the family.
    #[must_use]
    pub fn family(&self) -> SdkFamily {
        self.family
    }

    /// Returns the number of open streams.
    #[must_use]
    pub fn streams(&self) -> usize {
        self.streams
    }

    /// Returns the time of the last request or of the end of a stream.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.last
    }
}

/// Omits the context, which is personal data.
impl fmt::Debug for SdkEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SdkEntry")
            .field("id", &self.id)
            .field("agent", &self.agent)
            .field("family", &self.family)
            .field("protocol", &self.protocol)
            .field("streams", &self.streams)
            .finish_non_exhaustive()
    }
}

fn protocol(endpoint: Endpoint) -> Option<&'static str> {
    match endpoint {
        Endpoint::Stream
        | Endpoint::FlagStream
        | Endpoint::Poll
        | Endpoint::Flags
        | Endpoint::Flag
        | Endpoint::Segment
        | Endpoint::ClientPoll
        | Endpoint::ClientStream
        | Endpoint::ClientPing => Some("fdv1"),
        Endpoint::PayloadStream
        | Endpoint::PayloadPoll
        | Endpoint::ClientPayloadPoll
        | Endpoint::ClientPayloadStream => Some("fdv2"),
        Endpoint::Events
        | Endpoint::Diagnostics
        | Endpoint::Pixel
        | Endpoint::Goals
        | Endpoint::Status
        | Endpoint::Other => None,
    }
}

/// Ids are texts for readers that have no integers of 64 bits.
fn as_text<S: Serializer>(id: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}
