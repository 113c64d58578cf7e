//! [`Diagnostics`]: reports about the SDK itself, at the start and at intervals.
//!
//! Reports contain numbers, platform names and whether settings differ from their defaults; no
//! keys, URLs or attribute names. Unknown values are left out. The rules are those of EVT-4.

use std::collections::VecDeque;
use std::env::consts;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::payload::{millis, now};
use crate::{SDK_NAME, VERSION};

/// Maximum number of stream attempts in a report; the latest are kept.
const STREAM_INITS: usize = 100;

/// Builds the diagnostics of one client.
#[derive(Debug)]
pub(crate) struct Diagnostics {
    id: Value,
    configuration: DiagnosticConfiguration,
    statistics: Statistics,
    /// When the last report was made, in milliseconds since 1970.
    since: AtomicU64,
    /// Number of events dropped by then.
    dropped: AtomicU64,
}

/// The configuration of a client. `None` fields are not reported.
#[derive(Clone, Debug, Default)]
pub(crate) struct DiagnosticConfiguration {
    pub(crate) wrapper_name: Option<String>,
    pub(crate) wrapper_version: Option<String>,
    /// Whether polls, events and streams use addresses other than the service's own.
    pub(crate) custom_base_uri: Option<bool>,
    pub(crate) custom_events_uri: Option<bool>,
    pub(crate) custom_stream_uri: Option<bool>,
    pub(crate) events_capacity: Option<usize>,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) socket_timeout: Option<Duration>,
    pub(crate) events_flush_interval: Option<Duration>,
    pub(crate) using_proxy: Option<bool>,
    pub(crate) streaming_disabled: Option<bool>,
    pub(crate) using_relay_daemon: Option<bool>,
    pub(crate) all_attributes_private: Option<bool>,
    pub(crate) polling_interval: Option<Duration>,
    pub(crate) start_wait: Option<Duration>,
    pub(crate) reconnect_time: Option<Duration>,
    pub(crate) context_keys_capacity: Option<usize>,
    pub(crate) context_keys_flush_interval: Option<Duration>,
    pub(crate) diagnostic_recording_interval: Option<Duration>,
    /// `memory`, the name that a store reports, or `custom`.
    pub(crate) data_store_type: Option<String>,
}

/// Statistics since the last report.
#[derive(Debug, Default)]
struct Statistics {
    deduplicated_contexts: AtomicU64,
    events_in_last_batch: AtomicU64,
    /// Locked once per connection and once per report, so contention is negligible.
    stream_inits: Mutex<VecDeque<StreamInit>>,
}

#[derive(Debug)]
struct StreamInit {
    timestamp: u64,
    duration: Duration,
    failed: bool,
}

impl Diagnostics {
    pub(crate) fn new(sdk_key: &str, configuration: DiagnosticConfiguration) -> Self {
        let id =
            json!({ "diagnosticId": Uuid::new_v4().to_string(), "sdkKeySuffix": suffix(sdk_key) });
        let (statistics, since, dropped) = (
            Statistics::default(),
            AtomicU64::new(now()),
            AtomicU64::new(0),
        );
        Self {
            id,
            configuration,
            statistics,
            since,
            dropped,
        }
    }

    /// Records a finished connection attempt.
    pub(super) fn stream_init(&self, began: SystemTime, took: Duration, failed: bool) {
        let began = began.duration_since(UNIX_EPOCH).unwrap_or_default();
        self.statistics.stream_init(millis(began), took, failed);
    }

    /// Adds a number of events for contexts that the service knows already.
    pub(super) fn add_deduplicated(&self, events: u64) {
        self.statistics
            .deduplicated_contexts
            .fetch_add(events, Ordering::Relaxed);
    }

    /// Sets the number of events in the latest payload.
    pub(super) fn set_events_in_last_batch(&self, events: usize) {
        self.statistics
            .events_in_last_batch
            .store(integer(events), Ordering::Relaxed);
    }

    /// Returns the initial report.
    pub(super) fn init(&self) -> Vec<u8> {
        self.init_at(now())
    }

    /// Returns the report since the last one. `dropped` is the total number of events dropped so
    /// far.
    pub(super) fn statistics(&self, dropped: u64) -> Vec<u8> {
        self.statistics_at(now(), dropped)
    }

    fn init_at(&self, now: u64) -> Vec<u8> {
        self.since.store(now, Ordering::Relaxed);
        let report = json!({
            "kind": "diagnostic-init",
            "id": self.id,
            "creationDate": now,
            "sdk": self.configuration.sdk(),
            "platform": platform(),
            "configuration": self.configuration.settings(),
        });
        report.to_string().into_bytes()
    }

    fn statistics_at(&self, now: u64, dropped: u64) -> Vec<u8> {
        let report = json!({
            "kind": "diagnostic",
            "id": self.id,
            "creationDate": now,
            "dataSinceDate": self.since.swap(now, Ordering::Relaxed),
            "droppedEvents": dropped.saturating_sub(self.dropped.swap(dropped, Ordering::Relaxed)),
            "deduplicatedUsers": self.statistics.deduplicated_contexts.swap(0, Ordering::Relaxed),
            "eventsInLastBatch": self.statistics.events_in_last_batch.swap(0, Ordering::Relaxed),
            "streamInits": self.statistics.take_stream_inits(),
        });
        report.to_string().into_bytes()
    }
}

fn platform() -> Map<String, Value> {
    known([
        ("name", Some("Rust".into())),
        ("osArch", Some(consts::ARCH.into())),
        ("osName", Some(os_name(consts::OS).into())),
        ("osVersion", os_version().map(Value::from)),
    ])
}

impl DiagnosticConfiguration {
    fn sdk(&self) -> Map<String, Value> {
        known([
            ("name", Some(SDK_NAME.into())),
            ("version", Some(VERSION.into())),
            ("wrapperName", self.wrapper_name.clone().map(Value::from)),
            (
                "wrapperVersion",
                self.wrapper_version.clone().map(Value::from),
            ),
        ])
    }

    fn settings(&self) -> Map<String, Value> {
        let flag = |on: Option<bool>| on.map(Value::from);
        let number = |number: Option<usize>| number.map(Value::from);
        let time = |time: Option<Duration>| time.map(|time| millis(time).into());
        known([
            ("customBaseURI", flag(self.custom_base_uri)),
            ("customEventsURI", flag(self.custom_events_uri)),
            ("customStreamURI", flag(self.custom_stream_uri)),
            ("eventsCapacity", number(self.events_capacity)),
            ("connectTimeoutMillis", time(self.connect_timeout)),
            ("socketTimeoutMillis", time(self.socket_timeout)),
            (
                "eventsFlushIntervalMillis",
                time(self.events_flush_interval),
            ),
            ("usingProxy", flag(self.using_proxy)),
            ("streamingDisabled", flag(self.streaming_disabled)),
            ("usingRelayDaemon", flag(self.using_relay_daemon)),
            ("allAttributesPrivate", flag(self.all_attributes_private)),
            ("pollingIntervalMillis", time(self.polling_interval)),
            ("startWaitMillis", time(self.start_wait)),
            ("reconnectTimeMillis", time(self.reconnect_time)),
            ("userKeysCapacity", number(self.context_keys_capacity)),
            (
                "userKeysFlushIntervalMillis",
                time(self.context_keys_flush_interval),
            ),
            (
                "diagnosticRecordingIntervalMillis",
                time(self.diagnostic_recording_interval),
            ),
            (
                "dataStoreType",
                self.data_store_type.clone().map(Value::from),
            ),
        ])
    }
}

impl Statistics {
    /// Records a finished stream attempt: it received its first data or failed. `timestamp` is its
    /// start, in milliseconds since 1970.
    fn stream_init(&self, timestamp: u64, duration: Duration, failed: bool) {
        let mut inits = self
            .stream_inits
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if inits.len() == STREAM_INITS {
            inits.pop_front();
        }
        inits.push_back(StreamInit {
            timestamp,
            duration,
            failed,
        });
    }

    fn take_stream_inits(&self) -> Vec<Value> {
        let inits = std::mem::take(
            &mut *self
                .stream_inits
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        let inits = inits.into_iter().map(|StreamInit { timestamp, duration, failed }| {
            json!({ "timestamp": timestamp, "durationMillis": millis(duration), "failed": failed })
        });
        inits.collect()
    }
}

fn known<const N: usize>(fields: [(&str, Option<Value>); N]) -> Map<String, Value> {
    fields
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}

/// Returns the last six characters.
fn suffix(sdk_key: &str) -> &str {
    let start = sdk_key
        .char_indices()
        .rev()
        .nth(5)
        .map_or(0, |(start, _)| start);
    sdk_key.get(start..).unwrap_or_default()
}

/// Returns the service's name for an operating system.
fn os_name(os: &str) -> &str {
    match os {
        "linux" => "Linux",
        "macos" => "MacOS",
        "windows" => "Windows",
        other => other,
    }
}

/// Returns the release of the operating system.
#[cfg(unix)]
fn os_version() -> Option<String> {
    rustix::system::uname()
        .release()
        .to_str()
        .ok()
        .map(str::to_owned)
}

/// There is no safe API for it.
#[cfg(not(unix))]
fn os_version() -> Option<String> {
    None
}

fn integer(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
