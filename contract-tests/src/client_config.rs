//! Converts the harness's configuration of a client to the SDK's.

use std::time::Duration;

use vexil::config::{
    ApplicationInfo, BigSegmentsConfig, EventsConfig, HttpConfig, PersistentStoreConfig,
    PollingConfig, ServiceEndpoints, StreamingConfig, WrapperInfo,
};
use vexil::store::CacheMode;
use vexil::transport::RetryPolicy;
use vexil::{Client, ClientBuilder};
use vexil_dynamodb::DynamoDbDataStore;
use vexil_file_data::{DuplicateKeys, FileData, FileDataBuilder};
use vexil_redis::RedisDataStore;

use crate::Options;
use crate::api::{
    BigSegments, Config, Endpoints, Events, Overrides, PersistentDataStore, Polling, Proxy, Store,
    Streaming, Tags, Tls, Wrapper,
};
use crate::api_error::ApiError;
use crate::big_segments::CallbackStore;
use crate::common_name;
use crate::data_system::with_data_system;
use crate::hook::CallbackHook;

const DEFAULT_START_WAIT: Duration = Duration::from_secs(5);

/// How often a client in daemon mode reads the database in the default mode. The harness expects
/// changes within a second, also from databases without change notifications.
const REFRESH_INTERVAL: Duration = Duration::from_millis(100);

/// A configured client that has not been started.
#[derive(Debug)]
pub(crate) struct ClientConfig {
    pub(crate) builder: ClientBuilder,
    /// How long to wait for the client to be ready.
    pub(crate) start_wait: Duration,
    /// Whether a client that is not ready in time is used nevertheless.
    pub(crate) init_can_fail: bool,
}

impl ClientConfig {
    pub(crate) fn new(config: Config, options: Options) -> Result<Self, ApiError> {
        let Options {
            retry_policy,
            default_store_mode,
        } = options;
        let is_untrusted = is_untrusted(&config);
        let mut endpoints = endpoints(config.service_endpoints);
        let mut builder = Client::builder(config.credential)
            .http(http_config(config.tls, config.proxy))
            .application(application_info(config.tags));
        if let Some(wrapper) = config.wrapper {
            builder = builder.wrapper(wrapper_info(wrapper));
        }
        for hook in config.hooks.hooks {
            builder = builder.hook(CallbackHook::new(hook));
        }
        builder = match config.events {
            Some(events) => {
                endpoints =
                    set_unless_empty(&events.base_uri, endpoints, ServiceEndpoints::with_events);
                builder.events(events_config(events))
            }
            None => builder.without_events(),
        };
        if let Some(big_segments) = config.big_segments {
            builder = builder.big_segments(big_segments_config(big_segments));
        }
        if let Some(overrides) = config.overrides {
            builder = builder.flag_overrides(override_files(overrides)?);
        }
        let (store, data_system) = match config.data_system {
            Some(mut system) => {
                let store = system.store.take();
                (
                    store.and_then(|store| store.persistent_data_store),
                    Some(system),
                )
            }
            None => (config.persistent_data_store, None),
        };
        let database = store
            .map(|config| store_config(config, default_store_mode))
            .transpose()?;
        // Streaming is the default, and takes precedence if both are configured.
        builder = match (data_system, config.streaming, config.polling, database) {
            (Some(system), _, _, database) => with_data_system(builder, system, database),
            (None, None, None, Some(database)) => builder.daemon_mode(database),
            (None, streaming, polling, database) => {
                if let Some(database) = database {
                    builder = builder.data_store(database);
                }
                match (streaming, polling) {
                    (None, Some(polling)) => {
                        endpoints = set_unless_empty(
                            &polling.base_uri,
                            endpoints,
                            ServiceEndpoints::with_polling,
                        );
                        builder.data_source(polling_config(polling, retry_policy))
                    }
                    (streaming, _) => {
                        let base_uri = streaming
                            .as_ref()
                            .map_or("", |streaming| &streaming.base_uri);
                        endpoints =
                            set_unless_empty(base_uri, endpoints, ServiceEndpoints::with_streaming);
                        builder.data_source(streaming_config(streaming, retry_policy))
                    }
                }
            }
        };
        let start_wait = config.start_wait_time_ms.0;
        Ok(Self {
            builder: builder.service_endpoints(endpoints),
            start_wait: if start_wait.is_zero() {
                DEFAULT_START_WAIT
            } else {
                start_wait
            },
            init_can_fail: config.init_can_fail || is_untrusted,
        })
    }
}

/// Whether the client cannot trust the harness's certificate. The harness tests that such a client
/// does not connect, and does not set `initCanFail` in those tests.
fn is_untrusted(config: &Config) -> bool {
    let Endpoints {
        streaming, polling, ..
    } = &config.service_endpoints;
    let uris = [streaming, polling].into_iter();
    let uris = uris.chain(
        config
            .streaming
            .as_ref()
            .map(|streaming| &streaming.base_uri),
    );
    let uris = uris.chain(config.polling.as_ref().map(|polling| &polling.base_uri));
    let mut uris = uris.chain(
        config
            .data_system
            .iter()
            .flat_map(|system| system.base_uris()),
    );
    uris.any(|uri| uri.starts_with("https:"))
        && !config.tls.skip_verify_peer
        && config.tls.custom_ca_file.is_empty()
}

fn big_segments_config(config: BigSegments) -> BigSegmentsConfig {
    let mut big_segments = BigSegmentsConfig::new(CallbackStore::new(&config.callback_uri));
    if let Some(size) = config.user_cache_size {
        big_segments = big_segments.context_cache_size(size);
    }
    if let Some(time) = config.user_cache_time_ms {
        big_segments = big_segments.context_cache_time(time.0);
    }
    if let Some(interval) = config.status_poll_interval_ms {
        big_segments = big_segments.status_poll_interval(interval.0);
    }
    if let Some(time) = config.stale_after_ms {
        big_segments = big_segments.stale_after(time.0);
    }
    big_segments
}

fn override_files(config: Overrides) -> Result<FileDataBuilder, ApiError> {
    let duplicates = match config.duplicate_keys_handling.as_deref() {
        None | Some("fail") => DuplicateKeys::Fail,
        Some("ignore") => DuplicateKeys::Ignore,
        Some(other) => {
            return Err(ApiError::bad(format!(
                "duplicate keys handled by {other}: not supported"
            )));
        }
    };
    let files = FileData::builder()
        .paths(config.file_paths)
        .duplicates(duplicates)
        .watch(config.watch.unwrap_or(true) || config.poll)
        .force_polling(config.poll);
    Ok(match config.poll_interval_ms {
        Some(interval) => files.poll_interval(interval.0),
        None => files,
    })
}

/// Returns the database as the harness expects it: for DynamoDB, the table, the region and the
/// credentials are not in the configuration. In the default mode, the configured cache has no
/// effect.
fn store_config(
    config: PersistentDataStore,
    default_mode: bool,
) -> Result<PersistentStoreConfig, ApiError> {
    let PersistentDataStore {
        store: Store { kind, dsn, prefix },
        cache,
    } = config;
    let prefix = prefix.unwrap_or_default();
    let store = match kind.as_str() {
        "redis" => PersistentStoreConfig::new(RedisDataStore::builder().url(dsn).prefix(prefix)),
        "dynamodb" => PersistentStoreConfig::new(
            DynamoDbDataStore::builder("sdk-contract-tests")
                .endpoint(dsn)
                .region("us-east-1")
                .credentials("dummy", "dummy")
                .prefix(prefix),
        ),
        other => {
            return Err(ApiError::bad(format!(
                "a store of type {other}: not supported"
            )));
        }
    };
    let mode = match (cache.mode.as_str(), cache.ttl) {
        ("off", _) => CacheMode::Off,
        ("ttl", Some(seconds)) => CacheMode::Ttl(Duration::from_secs(seconds)),
        ("infinite", _) => CacheMode::Infinite,
        (other, _) => {
            return Err(ApiError::bad(format!(
                "a cache of mode {other}: not supported"
            )));
        }
    };
    Ok(if default_mode {
        store.refresh_interval(REFRESH_INTERVAL)
    } else {
        store.cache(mode)
    })
}

fn endpoints(configured: Endpoints) -> ServiceEndpoints {
    let Endpoints {
        streaming,
        polling,
        events,
    } = configured;
    let endpoints = set_unless_empty(
        &streaming,
        ServiceEndpoints::new(),
        ServiceEndpoints::with_streaming,
    );
    let endpoints = set_unless_empty(&polling, endpoints, ServiceEndpoints::with_polling);
    set_unless_empty(&events, endpoints, ServiceEndpoints::with_events)
}

/// Sets a value unless it is empty.
fn set_unless_empty<T>(text: &str, to: T, set: impl FnOnce(T, String) -> T) -> T {
    if text.is_empty() {
        to
    } else {
        set(to, text.to_owned())
    }
}

fn http_config(tls: Tls, proxy: Proxy) -> HttpConfig {
    let http = HttpConfig::new().disable_ssl_verification(tls.skip_verify_peer);
    let http = match common_name::configuration(&tls.custom_ca_file) {
        Ok(configuration) if !tls.skip_verify_peer => http.rustls_config(configuration),
        // The SDK reports errors of the file.
        _ => set_unless_empty(&tls.custom_ca_file, http, HttpConfig::ca_certs),
    };
    set_unless_empty(
        &proxy.http_proxy.unwrap_or_default(),
        http,
        HttpConfig::http_proxy,
    )
}

fn application_info(tags: Tags) -> ApplicationInfo {
    let mut application = ApplicationInfo::new();
    if let Some(id) = tags.application_id {
        application = application.id(id);
    }
    if let Some(version) = tags.application_version {
        application = application.version(version);
    }
    application
}

fn wrapper_info(wrapper: Wrapper) -> WrapperInfo {
    WrapperInfo::new(wrapper.name).version(wrapper.version)
}

fn streaming_config(streaming: Option<Streaming>, retry_policy: RetryPolicy) -> StreamingConfig {
    let mut config = StreamingConfig::new().retry_policy(retry_policy);
    let Some(Streaming {
        initial_retry_delay_ms,
        filter,
        ..
    }) = streaming
    else {
        return config;
    };
    if let Some(delay) = initial_retry_delay_ms {
        config = config.initial_reconnect_delay(delay.0);
    }
    if let Some(filter) = filter {
        config = config.payload_filter(filter);
    }
    config
}

fn events_config(events: Events) -> EventsConfig {
    let mut events_config = EventsConfig::new()
        .all_attributes_private(events.all_attributes_private)
        .private_attributes(events.global_private_attributes)
        .omit_anonymous_contexts(events.omit_anonymous_contexts)
        .compress(events.enable_gzip)
        .diagnostic_opt_out(!events.enable_diagnostics);
    if let Some(capacity) = events.capacity.filter(|capacity| *capacity > 0) {
        events_config = events_config.capacity(capacity);
    }
    if let Some(interval) = events.flush_interval_ms {
        events_config = events_config.flush_interval(interval.0);
    }
    events_config
}

fn polling_config(polling: Polling, retry_policy: RetryPolicy) -> PollingConfig {
    let mut polling_config = PollingConfig::new().retry_policy(retry_policy);
    if let Some(interval) = polling.poll_interval_ms {
        polling_config = polling_config.poll_interval(interval.0);
    }
    if let Some(filter) = polling.filter {
        polling_config = polling_config.payload_filter(filter);
    }
    polling_config
}
