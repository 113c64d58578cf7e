//! When a client has data, and how it behaves before.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use vexil::client::{DataAvailability, NotReadyError};
use vexil::config::{ClientContext, ConfigError, Configure};
use vexil::data_source::{DataSource, DataSourceErrorKind, DataSourceState};
use vexil::store::{DataStore, MemoryStore};
use vexil::{Client, Context, ContextError};

use crate::support::{
    self, End, Ending, SOON, Silent, ada, controlled, controlled_with, error, serving,
};

const AT_ONCE: Duration = Duration::from_millis(1);

// EVAL-4.1 (1); SRC-4.4
#[test]
fn an_offline_client_is_initialized_and_returns_defaults_from_every_method() {
    let client = Client::builder("sdk-key").offline(true).start().unwrap();
    support::every_method_returns_its_default(&client, "flag", &ada(), &error("CLIENT_NOT_READY"));
    support::every_method_returns_its_default(
        &client,
        "flag",
        &Context::new(""),
        &error("CLIENT_NOT_READY"),
    );
    assert!(client.is_offline() && client.is_initialized());
    assert_eq!(client.data_availability(), DataAvailability::Defaults);
    assert_eq!(
        client.data_source_status().status().state,
        DataSourceState::Valid
    );
    client.blocking_wait_until_ready(Duration::ZERO).unwrap();
    pollster::block_on(client.wait_until_ready(Duration::ZERO)).unwrap();
}

// SRC-4.4
#[test]
fn an_offline_client_never_runs_its_data_source() {
    let panics = Ending {
        end: End::Panic,
        late: false,
        data: None,
    };
    let client = Client::builder("sdk-key")
        .data_source(panics)
        .offline(true)
        .start()
        .unwrap();
    assert_eq!(client.data_source_status().status().error, None);
}

// EVAL-4.1 (1)
#[test]
fn an_offline_client_ignores_a_store_that_has_data() {
    let store = Arc::new(MemoryStore::new());
    pollster::block_on(store.init(support::data_set(
        &json!({"flags": {"flag": serving(1, 1)}}),
    )))
    .unwrap();
    let client = Client::builder("sdk-key")
        .data_store(store)
        .offline(true)
        .start()
        .unwrap();
    support::every_method_returns_its_default(&client, "flag", &ada(), &error("CLIENT_NOT_READY"));
}

// EVAL-4.1 (2)
#[test]
fn before_there_is_data_every_method_returns_its_default() {
    let client = Client::builder("sdk-key")
        .data_source(Silent)
        .start()
        .unwrap();
    support::every_method_returns_its_default(&client, "flag", &ada(), &error("CLIENT_NOT_READY"));
    assert!(!client.is_initialized() && !client.is_offline());
    assert_eq!(client.data_availability(), DataAvailability::Defaults);
    assert_eq!(
        client.data_source_status().status().state,
        DataSourceState::Initializing
    );
}

// EVAL-4.1 (3)
#[test]
fn for_an_invalid_context_every_method_returns_its_default() {
    let client = support::client_with(&serving(1, true));
    let invalid: Result<Context, ContextError> = Context::new("");
    support::every_method_returns_its_default(
        &client,
        "flag",
        &invalid,
        &error("USER_NOT_SPECIFIED"),
    );
    support::every_method_returns_its_default(
        &client,
        "no-such-flag",
        &invalid,
        &error("USER_NOT_SPECIFIED"),
    );
    assert!(
        client.bool_variation("flag", &Context::new("ada"), false),
        "a valid `Result` is accepted as a context"
    );
}

// EVAL-4.1 (4)
#[test]
fn for_an_unknown_or_deleted_flag_every_method_returns_its_default() {
    let client = support::client_with(&json!({"version": 3, "deleted": true}));
    support::every_method_returns_its_default(&client, "flag", &ada(), &error("FLAG_NOT_FOUND"));
    support::every_method_returns_its_default(&client, "", &ada(), &error("FLAG_NOT_FOUND"));
}

// EVAL-4.2
#[test]
fn for_a_malformed_flag_every_method_returns_its_default() {
    let client =
        support::client_with(&json!({"on": true, "version": 1, "fallthrough": {"variation": 9}}));
    support::every_method_returns_its_default(&client, "flag", &ada(), &error("MALFORMED_FLAG"));
}

// With the `http` feature, flags are streamed from the service by default.
#[cfg(not(feature = "http"))]
#[test]
fn a_client_without_a_data_source_does_not_start() {
    let error = Client::builder("sdk-key").start().unwrap_err();
    assert!(matches!(error, ConfigError::NoDataSource), "{error}");
}

/// A configuration that fails.
#[derive(Debug)]
struct Impossible;

impl Configure<dyn DataSource> for Impossible {
    fn configure(
        self: Arc<Self>,
        context: &ClientContext,
    ) -> Result<Arc<dyn DataSource>, ConfigError> {
        assert_eq!(context.sdk_key().as_str(), "sdk-key");
        Err(ConfigError::component("data source", "the moon is full"))
    }
}

#[test]
fn a_component_that_fails_to_configure_is_named_with_its_cause() {
    let error = Client::builder("sdk-key")
        .data_source(Impossible)
        .start()
        .unwrap_err();
    assert_eq!(error.to_string(), "the data source cannot be configured");
    assert_eq!(
        std::error::Error::source(&error).unwrap().to_string(),
        "the moon is full"
    );
}

// SRC-4.4
#[test]
fn a_client_is_ready_when_start_returns_if_its_source_has_data_available() {
    let client = support::client_with(&serving(1, true));
    assert!(client.is_initialized());
    assert_eq!(client.data_availability(), DataAvailability::Refreshed);
    client.blocking_wait_until_ready(Duration::ZERO).unwrap();
    assert!(client.bool_variation("flag", &ada(), false));
}

// SRC-4.4
#[test]
fn clients_are_ready_when_start_returns_however_many_one_task_starts() {
    support::current_thread().block_on(async {
        for n in 0..300 {
            let client = support::client_with(&serving(1, true));
            assert!(client.is_initialized(), "client {n} is not ready");
        }
    });
}

#[track_caller]
fn cause(result: Result<(), NotReadyError>) -> (&'static str, Option<String>) {
    match result.unwrap_err() {
        NotReadyError::Timeout { error } => ("timeout", error.map(|error| error.message)),
        NotReadyError::GivenUp { error } => ("given up", error.map(|error| error.message)),
        NotReadyError::Refused { error } => ("refused", Some(error.message)),
        other => panic!("{other}"),
    }
}

#[test]
fn waiting_for_data_times_out_with_the_last_error() {
    let (client, source) = controlled();
    assert_eq!(
        cause(client.blocking_wait_until_ready(AT_ONCE)),
        ("timeout", None)
    );
    source.network_error(DataSourceState::Interrupted, "the cable is cut");
    let expected = ("timeout", Some("the cable is cut".to_owned()));
    assert_eq!(cause(client.blocking_wait_until_ready(AT_ONCE)), expected);
    let result = pollster::block_on(client.wait_until_ready(AT_ONCE));
    assert_eq!(
        result.as_ref().unwrap_err().to_string(),
        "the client has no data yet: the cable is cut"
    );
    assert_eq!(cause(result), expected);
}

#[test]
fn waiting_ends_at_once_when_the_sdk_key_is_refused_and_the_client_keeps_trying() {
    for status in [401, 403] {
        let (client, source) = controlled();
        let expected = ("refused", Some(format!("status {status}")));
        std::thread::scope(|scope| {
            let blocking = scope.spawn(|| client.blocking_wait_until_ready(Duration::MAX));
            let awaiting =
                scope.spawn(|| pollster::block_on(client.wait_until_ready(Duration::MAX)));
            source.response(status);
            assert_eq!(cause(blocking.join().unwrap()), expected);
            assert_eq!(cause(awaiting.join().unwrap()), expected);
        });
        assert_eq!(
            cause(client.blocking_wait_until_ready(SOON)),
            expected,
            "the next attempt is far away"
        );
        // A later error becomes the last one.
        source.network_error(DataSourceState::Interrupted, "the cable is cut");
        assert_eq!(
            cause(client.blocking_wait_until_ready(AT_ONCE)).0,
            "timeout"
        );
        source.response(status);
        source.init(&json!({}));
        client.blocking_wait_until_ready(Duration::ZERO).unwrap();
        // Once there is data, a refusal changes nothing.
        source.response(status);
        client.blocking_wait_until_ready(Duration::ZERO).unwrap();
    }
    for status in [400, 404, 500, 503] {
        let (client, source) = controlled();
        source.response(status);
        assert_eq!(
            cause(client.blocking_wait_until_ready(AT_ONCE)).0,
            "timeout",
            "{status} does not mention the key"
        );
    }
}

#[test]
fn after_a_timeout_the_client_keeps_trying_and_can_be_awaited_again() {
    let (client, source) = controlled();
    assert_eq!(
        cause(client.blocking_wait_until_ready(AT_ONCE)).0,
        "timeout"
    );
    source.init(&json!({}));
    client.blocking_wait_until_ready(SOON).unwrap();
    pollster::block_on(client.wait_until_ready(SOON)).unwrap();
}

#[test]
fn waiting_ends_when_the_data_arrives() {
    let (client, source) = controlled();
    std::thread::scope(|scope| {
        let blocking = scope.spawn(|| client.blocking_wait_until_ready(SOON));
        let awaiting = scope.spawn(|| pollster::block_on(client.wait_until_ready(SOON)));
        source.network_error(DataSourceState::Interrupted, "the cable is cut");
        source.init(&json!({}));
        blocking.join().unwrap().unwrap();
        awaiting.join().unwrap().unwrap();
    });
}

#[test]
fn waiting_without_a_limit_is_allowed() {
    let (client, source) = controlled();
    std::thread::scope(|scope| {
        let blocking = scope.spawn(|| client.blocking_wait_until_ready(Duration::MAX));
        let awaiting = scope.spawn(|| pollster::block_on(client.wait_until_ready(Duration::MAX)));
        source.init(&json!({}));
        blocking.join().unwrap().unwrap();
        awaiting.join().unwrap().unwrap();
    });
}

#[test]
fn waiting_ends_with_the_cause_when_the_source_stops() {
    let refused = "the data source has ended: refused by the service: the key was refused";
    for (end, late, message) in [
        (End::Error, false, refused),
        (End::Error, true, refused),
        (End::Panic, false, "the data source panicked"),
        (End::Panic, true, "the data source panicked"),
    ] {
        let client = Client::builder("sdk-key")
            .data_source(Ending {
                end,
                late,
                data: None,
            })
            .start()
            .unwrap();
        let expected = ("given up", Some(message.to_owned()));
        assert_eq!(
            cause(client.blocking_wait_until_ready(SOON)),
            expected,
            "{end:?}, late: {late}"
        );
        assert_eq!(
            cause(pollster::block_on(client.wait_until_ready(SOON))),
            expected
        );
        let status = client.data_source_status().status();
        let kind = if matches!(end, End::Error) {
            DataSourceErrorKind::ErrorResponse
        } else {
            DataSourceErrorKind::Unknown
        };
        assert_eq!(
            (status.state, status.error.unwrap().kind),
            (DataSourceState::Off, kind)
        );
        support::every_method_returns_its_default(
            &client,
            "flag",
            &ada(),
            &error("CLIENT_NOT_READY"),
        );
    }
}

#[test]
fn a_source_that_ends_after_delivering_leaves_its_data() {
    for (end, late) in [
        (End::Error, false),
        (End::Error, true),
        (End::Panic, false),
        (End::Panic, true),
    ] {
        let data = Some(support::data_set(
            &json!({"flags": {"flag": serving(1, true)}}),
        ));
        let client = Client::builder("sdk-key")
            .data_source(Ending { end, late, data })
            .start()
            .unwrap();
        assert!(
            client
                .data_source_status()
                .blocking_wait_for(DataSourceState::Off, SOON)
        );
        client.blocking_wait_until_ready(Duration::ZERO).unwrap();
        assert!(client.bool_variation("flag", &ada(), false));
    }
}

#[test]
fn a_source_that_is_done_stays_valid() {
    for late in [false, true] {
        let data = Some(support::data_set(
            &json!({"flags": {"flag": serving(1, true)}}),
        ));
        let client = Client::builder("sdk-key")
            .data_source(Ending {
                end: End::Done,
                late,
                data,
            })
            .start()
            .unwrap();
        assert!(client.bool_variation("flag", &ada(), false));
        assert_eq!(
            client.data_source_status().status().state,
            DataSourceState::Valid
        );
    }
}

#[test]
fn waiting_ends_when_the_client_is_closed() {
    let (client, _source) = controlled();
    std::thread::scope(|scope| {
        let blocking = scope.spawn(|| client.blocking_wait_until_ready(SOON));
        pollster::block_on(client.close(SOON));
        assert_eq!(cause(blocking.join().unwrap()), ("given up", None));
    });
}

// EVAL-4.1 (2); SRC-4.4
#[test]
fn data_of_an_earlier_process_in_the_store_is_used_until_the_source_delivers() {
    let store = Arc::new(MemoryStore::new());
    pollster::block_on(store.init(support::data_set(
        &json!({"flags": {"flag": serving(1, "old")}}),
    )))
    .unwrap();
    let (client, source) = controlled_with(Client::builder("sdk-key").data_store(store));
    assert_eq!(client.data_availability(), DataAvailability::Cached);
    assert!(client.is_initialized());
    client.blocking_wait_until_ready(Duration::ZERO).unwrap();
    assert_eq!(client.str_variation("flag", &ada(), ""), "old");
    let detail = client.str_variation_detail("no-such-flag", &ada(), "");
    assert_eq!(
        serde_json::to_value(&detail.reason).unwrap(),
        error("FLAG_NOT_FOUND")
    );
    source.init(&json!({"flags": {"flag": serving(2, "new")}}));
    assert_eq!(client.data_availability(), DataAvailability::Refreshed);
    assert_eq!(client.str_variation("flag", &ada(), ""), "new");
}
