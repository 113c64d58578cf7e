//! The status of the data source (SRC-4).

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use vexil::Client;
use vexil::client::{DataAvailability, NotReadyError};
use vexil::data_source::{DataSourceErrorKind, DataSourceState, DataSourceStatus};
use vexil::model::{DataKind, Item};

use crate::support::{
    Controls, Failing, SOON, controlled, controlled_with, current_thread, serving,
};

type Short = (DataSourceState, Option<DataSourceErrorKind>);

fn short(status: &DataSourceStatus) -> Short {
    (status.state, status.error.as_ref().map(|error| error.kind))
}

/// The status changes caused by `act`, up to the one that marks their end.
fn changes(client: &Client, source: &Controls, act: impl FnOnce()) -> Vec<Short> {
    const END: &str = "the end of this test";
    let mut changes = client.data_source_status().subscribe();
    act();
    source.network_error(DataSourceState::Interrupted, END);
    let next = || changes.blocking_next(SOON).expect("the end is announced");
    std::iter::repeat_with(next)
        .take_while(|status| {
            status
                .error
                .as_ref()
                .is_none_or(|error| error.message != END)
        })
        .map(|status| short(&status))
        .collect()
}

// SRC-4.2 and SRC-4.3
#[test]
fn a_status_follows_the_source_and_is_announced_only_when_it_changes() {
    let (client, source) = controlled();
    assert_eq!(
        short(&client.data_source_status().status()),
        (DataSourceState::Initializing, None)
    );
    let network = Some(DataSourceErrorKind::NetworkError);
    let seen = changes(&client, &source, || {
        source.status(DataSourceState::Interrupted);
        source.network_error(DataSourceState::Interrupted, "refused");
        source.init(&json!({}));
        source.init(&json!({}));
        source.status(DataSourceState::Valid);
        source.network_error(DataSourceState::Interrupted, "cut");
        source.network_error(DataSourceState::Interrupted, "cut");
        source.flag("flag", &serving(1, true));
    });
    let expected = [
        (DataSourceState::Initializing, network),
        (DataSourceState::Valid, network),
        (DataSourceState::Interrupted, network),
        (DataSourceState::Interrupted, network),
        (DataSourceState::Valid, network),
    ];
    assert_eq!(seen, expected);
}

// SRC-4.2 (3)
#[test]
fn the_time_of_a_status_is_the_time_of_its_last_change_of_state() {
    let (client, source) = controlled();
    let status = || client.data_source_status().status();
    let before = status().since;
    source.network_error(DataSourceState::Interrupted, "refused");
    assert_eq!(status().since, before);
    source.init(&json!({}));
    let valid = status().since;
    assert!(valid >= before);
    source.status(DataSourceState::Valid);
    assert_eq!(status().since, valid);
}

// SRC-4.2 (7)
#[test]
fn updates_after_the_end_are_ignored() {
    let (client, source) = controlled();
    source.init(&json!({}));
    pollster::block_on(client.close(SOON));
    source.status(DataSourceState::Valid);
    source.network_error(DataSourceState::Interrupted, "cut");
    assert!(
        source.try_init(&json!({})).is_err(),
        "nothing is stored after the end"
    );
    assert_eq!(
        short(&client.data_source_status().status()),
        (DataSourceState::Off, None)
    );
}

// SRC-4.3 and SRC-5.1
#[test]
fn a_store_that_fails_interrupts_the_source_until_it_recovers() {
    let store = Arc::new(Failing::default());
    let (client, source) =
        controlled_with(Client::builder("sdk-key").data_store(Arc::clone(&store)));
    let broken = Some(DataSourceErrorKind::StoreError);
    store.set(true);
    assert!(source.try_init(&json!({})).is_err());
    assert_eq!(
        short(&client.data_source_status().status()),
        (DataSourceState::Initializing, broken)
    );
    assert_eq!(client.data_availability(), DataAvailability::Defaults);
    let not_ready = client
        .blocking_wait_until_ready(Duration::from_millis(1))
        .unwrap_err();
    assert!(
        matches!(not_ready, NotReadyError::Timeout { error: Some(error) } if Some(error.kind) == broken)
    );
    store.set(false);
    source.init(&json!({}));
    assert_eq!(
        short(&client.data_source_status().status()),
        (DataSourceState::Valid, broken)
    );
    store.set(true);
    let error = source
        .upsert(Item::deleted(DataKind::Flag, "flag", 1))
        .unwrap_err();
    let cause = std::error::Error::source(&error).unwrap();
    assert_eq!(cause.to_string(), "the data store is unavailable");
    assert_eq!(
        short(&client.data_source_status().status()),
        (DataSourceState::Interrupted, broken)
    );
    assert!(client.is_initialized(), "the client stays initialized");
    store.set(false);
    source.delete(DataKind::Flag, "flag", 1);
    assert_eq!(
        short(&client.data_source_status().status()),
        (DataSourceState::Valid, broken)
    );
}

// SRC-4.2: `wait_for`
#[test]
fn waiting_for_a_status_ends_with_the_status_the_close_or_the_timeout() {
    let (client, source) = controlled();
    let status = client.data_source_status();
    assert!(status.blocking_wait_for(DataSourceState::Initializing, SOON));
    assert!(!status.blocking_wait_for(DataSourceState::Valid, Duration::from_millis(1)));
    assert!(!pollster::block_on(
        status.wait_for(DataSourceState::Valid, Duration::from_millis(1))
    ));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            client
                .data_source_status()
                .blocking_wait_for(DataSourceState::Valid, SOON)
        });
        source.init(&json!({}));
        assert!(waiting.join().unwrap());
        let waiting = scope.spawn(|| {
            pollster::block_on(
                client
                    .data_source_status()
                    .wait_for(DataSourceState::Interrupted, SOON),
            )
        });
        source.status(DataSourceState::Off);
        assert!(!waiting.join().unwrap());
    });
    assert!(pollster::block_on(
        status.wait_for(DataSourceState::Off, SOON)
    ));
    assert!(!pollster::block_on(
        status.wait_for(DataSourceState::Valid, SOON)
    ));
}

#[test]
fn one_task_can_await_any_number_of_changes() {
    let (client, source) = controlled();
    let mut changes = client.data_source_status().subscribe();
    for n in 0..200 {
        source.network_error(DataSourceState::Interrupted, &n.to_string());
    }
    current_thread().block_on(async {
        for n in 0..200 {
            // All changes are already queued.
            let status = changes
                .blocking_next(Duration::from_secs(5))
                .unwrap_or_else(|| panic!("change {n} was missed"));
            assert_eq!(status.error.unwrap().message, n.to_string());
        }
    });
}

#[test]
fn changes_can_be_awaited_on_any_executor() {
    let (client, source) = controlled();
    let mut changes = client.data_source_status().subscribe();
    source.init(&json!({}));
    assert_eq!(
        pollster::block_on(changes.next()).unwrap().state,
        DataSourceState::Valid
    );
    source.status(DataSourceState::Off);
    let next = current_thread().block_on(changes.next());
    assert_eq!(next.unwrap().state, DataSourceState::Off);
}
