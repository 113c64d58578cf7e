//! Converts the harness's configuration of a data system to the SDK's.

use vexil::ClientBuilder;
use vexil::config::{
    DataSystem, PayloadPollConfig, PayloadStreamConfig, PersistentStoreConfig, PollingConfig,
};

use crate::api;

/// Configures a client with this data system and the database of its store.
pub(crate) fn with_data_system(
    builder: ClientBuilder,
    config: api::DataSystem,
    database: Option<PersistentStoreConfig>,
) -> ClientBuilder {
    let has_sources = config.use_default_data_system
        || !config.initializers.is_empty()
        || !config.synchronizers.is_empty();
    let builder = match database {
        Some(database) if !has_sources => return builder.daemon_mode(database),
        Some(database) if config.store_mode == 0 => builder.data_store(database.read_only()),
        Some(database) => builder.data_store(database),
        None => builder,
    };
    builder.data_system(system(config))
}

fn system(config: api::DataSystem) -> DataSystem {
    if config.use_default_data_system {
        return DataSystem::new();
    }
    let mut system = DataSystem::custom();
    for source in config.initializers {
        if let Some(streaming) = source.streaming {
            system = system.initializer(stream(streaming));
        }
        if let Some(polling) = source.polling {
            system = system.initializer(polls(polling));
        }
    }
    for source in config.synchronizers {
        if let Some(streaming) = source.streaming {
            system = system.synchronizer(stream(streaming));
        }
        if let Some(polling) = source.polling {
            system = system.synchronizer(polls(polling));
        }
    }
    if let Some(polling) = config.fdv1_fallback {
        system = system.fdv1_fallback(classic_polls(polling));
    }
    system
}

fn stream(config: api::PayloadStreaming) -> PayloadStreamConfig {
    let mut stream = PayloadStreamConfig::new();
    if !config.base_uri.is_empty() {
        stream = stream.base_url(config.base_uri);
    }
    if let Some(delay) = config.initial_retry_delay_ms {
        stream = stream.initial_reconnect_delay(delay.0);
    }
    stream
}

fn polls(config: api::PayloadPolling) -> PayloadPollConfig {
    let mut polls = PayloadPollConfig::new();
    if !config.base_uri.is_empty() {
        polls = polls.base_url(config.base_uri);
    }
    if let Some(interval) = config.poll_interval_ms {
        polls = polls.poll_interval(interval.0);
    }
    polls
}

fn classic_polls(config: api::PayloadPolling) -> PollingConfig {
    let mut polls = PollingConfig::new();
    if !config.base_uri.is_empty() {
        polls = polls.base_url(config.base_uri);
    }
    if let Some(interval) = config.poll_interval_ms {
        polls = polls.poll_interval(interval.0);
    }
    polls
}
