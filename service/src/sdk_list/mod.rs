//! [`SdkList`]: the SDKs that have sent requests.

mod entry;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use vexil_eval::Context;

pub use self::entry::SdkEntry;
use self::entry::Sender;
use crate::Route;

/// The SDKs that have sent requests. An SDK is forgotten some time after its last request, unless it has
/// an open stream. Times are in milliseconds since the epoch.
///
/// An SDK is recognized by its family, its `X-LaunchDarkly-Instance-Id`, its name and version, and the
/// context that it evaluates flags for. A request that lacks one of them, as the stream of a browser
/// does, belongs to the SDK that fits and has sent the last request.
///
/// ```
/// use vexil_eval::Context;
/// use vexil_service::{Route, SdkList, SdkRequest};
///
/// let mut sdks = SdkList::new(1_000, 600_000);
/// let poll = Route::find("GET", "/sdk/evalx/shop/contexts/eyJrZXkiOiJhZGEifQ", None)?;
/// let context = poll.context(b"")?;
/// let request = SdkRequest {
///     launchdarkly_agent: Some("JSClient/4.10.3"),
///     user_agent: Some("Mozilla/5.0"),
///     context: Some(&context),
///     ..SdkRequest::new(&poll)
/// };
/// let id = sdks.request(1_795_999_999_000, &request);
/// sdks.sent(id, 512);
///
/// let stream = Route::find("GET", "/eval/shop/eyJrZXkiOiJhZGEifQ", None)?;
/// let request = SdkRequest {
///     user_agent: Some("Mozilla/5.0"),
///     context: Some(&context),
///     ..SdkRequest::new(&stream)
/// };
/// assert_eq!(sdks.request(1_795_999_999_100, &request), id);
/// sdks.open_stream(id);
///
/// let row = serde_json::to_value(sdks.get(id))?;
/// assert_eq!(row["agent"], "JSClient/4.10.3");
/// assert_eq!((&row["streams"], &row["requests"]), (&1.into(), &2.into()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct SdkList {
    max: usize,
    keep: u64,
    entries: BTreeMap<u64, SdkEntry>,
    /// The id of the last SDK that was added.
    last: u64,
}

/// A request of an SDK. Header values are as received.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "built with `new` and the syntax of struct updates"
)]
pub struct SdkRequest<'r> {
    /// What the request asks for.
    pub route: &'r Route,
    /// The header `X-LaunchDarkly-User-Agent`.
    pub launchdarkly_agent: Option<&'r str>,
    /// The header `User-Agent`.
    pub user_agent: Option<&'r str>,
    /// The header `X-LaunchDarkly-Instance-Id`.
    pub instance: Option<&'r str>,
    /// The context that flags are evaluated for.
    pub context: Option<&'r Context>,
}

impl<'r> SdkRequest<'r> {
    /// Creates a request without headers.
    #[must_use]
    pub fn new(route: &'r Route) -> Self {
        Self {
            route,
            launchdarkly_agent: None,
            user_agent: None,
            instance: None,
            context: None,
        }
    }
}

impl SdkList {
    /// Creates an empty list of at most `max` SDKs, each of which is kept for `keep` milliseconds after
    /// its last request.
    #[must_use]
    pub fn new(max: usize, keep: u64) -> Self {
        Self {
            max,
            keep,
            entries: BTreeMap::new(),
            last: 0,
        }
    }

    /// Adds a request. Returns the id of its SDK. If there are too many SDKs, one without a stream is
    /// forgotten.
    pub fn request(&mut self, at: u64, request: &SdkRequest<'_>) -> u64 {
        let sender = Sender::of(request);
        let entries = self.entries.iter_mut();
        let known = entries
            .filter(|(_, entry)| entry.may_be(&sender))
            .max_by_key(|(_, entry)| entry.last());
        if let Some((id, entry)) = known {
            entry.add(at, sender);
            return *id;
        }
        self.expire(at);
        if self.entries.len() >= self.max {
            let entries = self.entries.iter();
            let oldest = entries.min_by_key(|(_, entry)| (entry.streams() > 0, entry.last()));
            if let Some(id) = oldest.map(|(id, _)| *id) {
                self.entries.remove(&id);
            }
        }
        self.last += 1;
        let entry = SdkEntry::new(self.last, at, sender);
        self.entries.insert(self.last, entry);
        self.last
    }

    /// Counts an open stream of an SDK.
    pub fn open_stream(&mut self, id: u64) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.open_stream();
        }
    }

    /// Counts the end of a stream.
    pub fn close_stream(&mut self, id: u64, at: u64) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.close_stream(at);
        }
    }

    /// Counts bytes that were sent to an SDK.
    pub fn sent(&mut self, id: u64, bytes: usize) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.sent(bytes);
        }
    }

    /// Forgets the SDKs that have not sent a request for too long. Returns whether there were any.
    pub fn expire(&mut self, now: u64) -> bool {
        let count = self.entries.len();
        let keep = self.keep;
        self.entries
            .retain(|_, entry| entry.streams() > 0 || now.saturating_sub(entry.last()) < keep);
        self.entries.len() < count
    }

    /// Returns an SDK.
    #[must_use]
    pub fn get(&self, id: u64) -> Option<&SdkEntry> {
        self.entries.get(&id)
    }

    /// Returns the SDKs in the order in which they appeared.
    pub fn iter(&self) -> impl Iterator<Item = &SdkEntry> {
        self.entries.values()
    }

    /// Returns the number of open streams.
    #[must_use]
    pub fn open_streams(&self) -> usize {
        self.iter().map(SdkEntry::streams).sum()
    }
}
