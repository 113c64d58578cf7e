//! The configuration of clients.

use std::time::Duration;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::{DataSystem, Hooks, or_default};

/// `POST /`.
#[derive(Debug, Deserialize)]
pub(crate) struct CreateClient {
    /// The name of the test, for the log.
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) tag: String,
    pub(crate) configuration: Config,
}

/// The configuration of a client.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Config {
    pub(crate) credential: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) start_wait_time_ms: Millis,
    /// Whether the test accepts a client that is not ready in time.
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) init_can_fail: bool,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) service_endpoints: Endpoints,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) tls: Tls,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) proxy: Proxy,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) tags: Tags,
    pub(crate) wrapper: Option<Wrapper>,
    pub(crate) streaming: Option<Streaming>,
    pub(crate) polling: Option<Polling>,
    /// If missing, events are disabled.
    pub(crate) events: Option<Events>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) hooks: Hooks,
    pub(crate) big_segments: Option<BigSegments>,
    pub(crate) persistent_data_store: Option<PersistentDataStore>,
    /// Version 3 of the harness always sets it, and none of `streaming`, `polling` and
    /// `persistentDataStore`.
    pub(crate) data_system: Option<DataSystem>,
    pub(crate) overrides: Option<Overrides>,
}

/// Base URIs. An empty one counts as missing.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Endpoints {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) streaming: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) polling: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) events: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Tls {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) skip_verify_peer: bool,
    /// A path. An empty one counts as missing.
    #[serde(rename = "customCAFile", default, deserialize_with = "or_default")]
    pub(crate) custom_ca_file: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Proxy {
    pub(crate) http_proxy: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Tags {
    pub(crate) application_id: Option<String>,
    pub(crate) application_version: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Wrapper {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) name: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) version: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Streaming {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) base_uri: String,
    pub(crate) initial_retry_delay_ms: Option<Millis>,
    pub(crate) filter: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Polling {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) base_uri: String,
    pub(crate) poll_interval_ms: Option<Millis>,
    pub(crate) filter: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Events {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) base_uri: String,
    pub(crate) capacity: Option<usize>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) enable_diagnostics: bool,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) all_attributes_private: bool,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) global_private_attributes: Vec<String>,
    pub(crate) flush_interval_ms: Option<Millis>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) omit_anonymous_contexts: bool,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) enable_gzip: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BigSegments {
    pub(crate) callback_uri: String,
    pub(crate) user_cache_size: Option<usize>,
    pub(crate) user_cache_time_ms: Option<Millis>,
    pub(crate) status_poll_interval_ms: Option<Millis>,
    pub(crate) stale_after_ms: Option<Millis>,
}

/// Files of flag overrides.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Overrides {
    pub(crate) file_paths: Vec<String>,
    /// `fail`, the default, or `ignore`.
    pub(crate) duplicate_keys_handling: Option<String>,
    /// If missing, the files are watched.
    pub(crate) watch: Option<bool>,
    /// Whether the files are polled instead.
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) poll: bool,
    pub(crate) poll_interval_ms: Option<Millis>,
}

/// A database and its cache.
#[derive(Debug, Deserialize)]
pub(crate) struct PersistentDataStore {
    pub(crate) store: Store,
    pub(crate) cache: Cache,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Store {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) dsn: String,
    pub(crate) prefix: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Cache {
    pub(crate) mode: String,
    /// In seconds.
    pub(crate) ttl: Option<u64>,
}

/// Parses a number of milliseconds. A number that is too large becomes the maximum duration.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Millis(pub(crate) Duration);

impl<'de> Deserialize<'de> for Millis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = serde_json::Number::deserialize(deserializer)?;
        if let Some(whole) = number.as_u64() {
            return Ok(Self(Duration::from_millis(whole)));
        }
        match number.as_f64() {
            Some(other) if other >= 0.0 => Ok(Self(
                Duration::try_from_secs_f64(other / 1000.0).unwrap_or(Duration::MAX),
            )),
            _ => Err(D::Error::custom("a time is not negative")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(json: &str) -> Option<Duration> {
        serde_json::from_str(json).ok().map(|Millis(time)| time)
    }

    // SRC-4.5
    #[test]
    fn times_saturate() {
        assert_eq!(millis("30000000000"), Some(Duration::from_secs(30_000_000)));
        assert_eq!(
            millis("18446744073709551615"),
            Some(Duration::from_millis(u64::MAX))
        );
        assert_eq!(millis("1.5"), Some(Duration::from_micros(1500)));
        assert_eq!(millis("1e300"), Some(Duration::MAX));
        assert_eq!(millis("-1"), None);
        assert_eq!(millis("\"1\""), None);
    }
}
