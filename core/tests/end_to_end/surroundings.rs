//! Failing stores, listeners and runtimes must not harm a data source.

use std::sync::Arc;
use std::sync::mpsc::channel;

use vexil_testing::fake_service::Endpoint;

use crate::polling::often;
use crate::setup::{
    NONE, SOON, Statuses, builder, ready, service, stream, streaming, until_value, value,
};
use crate::support::Failing;

// SRC-2.8; SRC-F50
#[test]
fn a_put_that_cannot_be_stored_is_requested_again_until_it_is() {
    let service = service("value");
    let store = Arc::new(Failing::default());
    store.set(true);
    let client = builder(&service)
        .data_store(Arc::clone(&store))
        .data_source(stream())
        .start()
        .unwrap();
    let mut statuses = Statuses::of(&client);
    assert_eq!(statuses.next(), "Initializing StoreError");
    service
        .until("another attempt", || service.requests().len() >= 2)
        .wait()
        .unwrap();
    assert_eq!(
        (client.is_initialized(), value(&client).as_str()),
        (false, NONE)
    );
    store.set(false);
    while statuses.next() != "Valid" {}
    assert_eq!(value(&client), "value");
}

// SRC-2.8; SRC-F50
#[test]
fn a_patch_that_cannot_be_stored_restarts_the_stream() {
    let service = service("old");
    let store = Arc::new(Failing::default());
    let client = ready(
        builder(&service)
            .data_store(Arc::clone(&store))
            .data_source(stream()),
    );
    let mut statuses = Statuses::of(&client);
    store.set(true);
    service.set("flag", "new");
    assert_eq!(statuses.next(), "Interrupted StoreError");
    assert_eq!(value(&client), "old");
    store.set(false);
    while statuses.next() != "Valid" {}
    assert_eq!(value(&client), "new");
    assert!(service.requests_to(Endpoint::Stream).len() >= 2);
}

// SRC-F50
#[test]
fn a_poll_that_cannot_be_stored_is_repeated() {
    let service = service("old");
    let store = Arc::new(Failing::default());
    let client = ready(
        builder(&service)
            .data_store(Arc::clone(&store))
            .data_source(often()),
    );
    let mut statuses = Statuses::of(&client);
    store.set(true);
    service.set("flag", "new");
    assert_eq!(statuses.next(), "Interrupted StoreError");
    store.set(false);
    while statuses.next() != "Valid" {}
    assert_eq!(value(&client), "new");
}

// SRC-F51
#[test]
fn listeners_that_panic_or_block_do_not_delay_the_stream() {
    let service = service("old");
    let client = streaming(&service);
    let (entered, inside) = channel();
    let (release, released) = channel::<()>();
    let released = std::sync::Mutex::new(released);
    client
        .flag_tracker()
        .add_listener(|_| panic!("a panicking listener"));
    client.flag_tracker().add_listener(move |_| {
        entered.send(()).ok();
        // Blocks until the test ends.
        released.lock().unwrap().recv().ok();
    });
    service.set("flag", "new");
    inside.recv_timeout(SOON).unwrap();
    // The listener blocks, so the arrival of the data is checked by evaluation.
    let mut statuses = Statuses::of(&client);
    service.close_streams();
    assert_eq!(
        [(); 2].map(|()| statuses.next()),
        ["Interrupted NetworkError", "Valid"]
    );
    assert_eq!(value(&client), "new");
    service.set("flag", "newer").close_streams();
    assert_eq!(
        [(); 2].map(|()| statuses.next()),
        ["Interrupted NetworkError", "Valid"]
    );
    assert_eq!(value(&client), "newer");
    drop(release);
}

#[test]
fn a_client_works_on_a_runtime_of_the_application() {
    let service = service("old");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let client = ready(
        builder(&service)
            .runtime(runtime.handle().clone())
            .data_source(stream()),
    );
    service.set("flag", "new");
    until_value(&client, "new");
    drop(client);
    service.wait_for_streams(0).wait().unwrap();
}

#[test]
fn a_client_outlives_the_runtime_in_which_it_was_started() {
    let service = service("old");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let client =
        runtime.block_on(async { builder(&service).data_source(stream()).start().unwrap() });
    drop(runtime);
    client.blocking_wait_until_ready(SOON).unwrap();
    service.set("flag", "new");
    until_value(&client, "new");
    // Awaited on an executor that is not Tokio.
    pollster::block_on(async {
        service.close_streams();
        service.wait_for_streams(1).await.unwrap();
    });
}
