//! The state of the data source and of the stores, and the items.

use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use bytes::Bytes;
use metrics::set_default_local_recorder;
use serde_json::json;
use tokio::sync::mpsc::{Receiver, channel};
use vexil::config::HttpConfig;
use vexil::data_source::DataSourceState;
use vexil::model::DataKind;
use vexil::store::StoredItem;
use vexil::transport::{Body, Chunks, HttpTransport, RequestOptions, TransportError};
use vexil_testing::{MemoryBigSegmentStore, MemoryPersistentStore, StoreFault, TestData};

use super::recorder::{Board, Faulty};
use super::support::{SOON, ada, controlled_with, serving};
use super::{builder, until};

const STATE: &str = "vexil_data_source_state";
const LAST_BYTE: &str = "vexil_data_source_last_byte_timestamp_seconds";
const LAST_UPDATE: &str = "vexil_data_source_last_update_timestamp_seconds";
const LAST_REFRESH: &str = "vexil_data_store_last_refresh_timestamp_seconds";

fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap().as_secs_f64()
}

/// Waits for the data source to be in this state, and in no other.
async fn until_state(board: &Board, state: &str) {
    until(board, &format!("{STATE}{{state=\"{state}\"}}"), 1.0).await;
    assert_eq!(board.nonzero(STATE).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_gauge_for_each_state_shows_that_of_the_data_source() {
    let board = Board::default();
    let _recording = set_default_local_recorder(&board);
    let (_client, source) = controlled_with(builder());
    until_state(&board, "INITIALIZING").await;
    assert_eq!(board.value(LAST_UPDATE), None);
    source.init(&json!({}));
    until_state(&board, "VALID").await;
    source.response(503);
    source.network_error(DataSourceState::Interrupted, "cut");
    source.network_error(DataSourceState::Interrupted, "cut");
    until_state(&board, "INTERRUPTED").await;
    source.init(&json!({}));
    until_state(&board, "VALID").await;
    source.network_error(DataSourceState::Off, "given up");
    until_state(&board, "OFF").await;
    assert_eq!(
        board.nonzero("vexil_data_source_errors_total"),
        [("ERROR_RESPONSE", 1.0), ("NETWORK_ERROR", 3.0)]
            .map(|(kind, count)| (format!("kind=\"{kind}\""), count))
            .into()
    );
}

#[tokio::test(start_paused = true)]
async fn the_data_source_of_a_closed_client_is_off() {
    let board = Board::default();
    let _recording = set_default_local_recorder(&board);
    let client = builder().data_source(TestData::new()).start().unwrap();
    until_state(&board, "VALID").await;
    assert!(client.close(SOON).await);
    let off = board.value("vexil_data_source_state{state=\"OFF\"}");
    assert_eq!((off, board.nonzero(STATE).len()), (Some(1.0), 1));
}

#[tokio::test(start_paused = true)]
async fn the_last_update_is_that_of_stored_data() {
    let board = Board::default();
    let _recording = set_default_local_recorder(&board);
    let (_client, source) = controlled_with(builder());
    let before = now();
    source.init(&json!({}));
    until_state(&board, "VALID").await;
    let first = board.value(LAST_UPDATE).unwrap();
    assert!((before - 0.001..=now()).contains(&first), "{first}");
    while now() <= first + 0.002 {
        std::hint::spin_loop();
    }
    source.flag("flag", &serving(1, true));
    until(&board, "vexil_items{kind=\"flag\"}", 1.0).await;
    let second = board.value(LAST_UPDATE).unwrap();
    assert!(second > first);
    // Older than the stored one.
    source.flag("flag", &serving(1, false));
    source.network_error(DataSourceState::Interrupted, "cut");
    until_state(&board, "INTERRUPTED").await;
    assert_eq!(board.value(LAST_UPDATE), Some(second));
}

#[tokio::test(start_paused = true)]
async fn items_are_counted_by_kind_with_overrides_and_without_deleted_ones() {
    let board = Board::default();
    let _recording = set_default_local_recorder(&board);
    let overrides = TestData::new();
    let (_client, source) = controlled_with(builder().flag_overrides(overrides.clone()));
    let until_items = async |flags: f64, segments: f64| {
        until(&board, "vexil_items{kind=\"flag\"}", flags).await;
        until(&board, "vexil_items{kind=\"segment\"}", segments).await;
    };
    until_items(0.0, 0.0).await;
    let flag = json!({"version": 1, "offVariation": 0, "variations": [1]});
    source.init(&json!({"flags": {"a": flag, "b": flag}, "segments": {"s": {"version": 1}}}));
    until_items(2.0, 1.0).await;
    source.flag("c", &flag);
    source.segment("t", &json!({"version": 1}));
    until_items(3.0, 2.0).await;
    source.delete(DataKind::Flag, "a", 2);
    until_items(2.0, 2.0).await;
    overrides.set("b", 7);
    overrides.set("d", 7);
    until_items(3.0, 2.0).await;
}

#[tokio::test(start_paused = true)]
async fn a_database_that_fails_is_unavailable_and_its_data_stale_until_it_recovers() {
    let board = Board::default();
    let _recording = set_default_local_recorder(&board);
    let store = MemoryPersistentStore::new();
    let flag = StoredItem::new(serving(1, true).to_string());
    store.database().put("", DataKind::Flag, "flag", flag);
    store.database().set_initialized("", true);
    let before = now();
    let client = builder().daemon_mode(store.clone()).start().unwrap();
    client.wait_until_ready(SOON).await.unwrap();
    let until_store = async |available: f64, stale: f64| {
        until(&board, "vexil_data_store_available", available).await;
        until(&board, "vexil_data_store_stale", stale).await;
    };
    until_store(1.0, 0.0).await;
    until(&board, "vexil_items{kind=\"flag\"}", 1.0).await;
    let refreshed = board.value(LAST_REFRESH).unwrap();
    assert!((before..=now()).contains(&refreshed), "{refreshed}");
    store.calls().fault_all(StoreFault::Fail);
    until_store(0.0, 1.0).await;
    store.calls().heal();
    until_store(1.0, 0.0).await;
    assert!(board.value(LAST_REFRESH).unwrap() >= refreshed);
}

#[tokio::test(start_paused = true)]
async fn a_big_segment_store_has_its_own_gauges() {
    let (board, without) = (Board::default(), Board::default());
    {
        let _recording = set_default_local_recorder(&without);
        let client = builder().data_source(TestData::new()).start().unwrap();
        assert!(client.close(SOON).await);
    }
    assert_eq!(without.value("vexil_big_segment_store_available"), None);
    assert_eq!(without.value("vexil_data_store_stale"), Some(0.0));

    let _recording = set_default_local_recorder(&board);
    let store = MemoryBigSegmentStore::new();
    let builder = builder().data_source(TestData::new());
    let _client = builder.big_segments(store.clone()).start().unwrap();
    let until_store = async |available: f64, stale: f64| {
        until(&board, "vexil_big_segment_store_available", available).await;
        until(&board, "vexil_big_segment_store_stale", stale).await;
    };
    // Never synchronized.
    until_store(1.0, 1.0).await;
    store.calls().fault_all(StoreFault::Fail);
    until_store(0.0, 0.0).await;
    store.calls().heal();
    until_store(1.0, 1.0).await;
}

#[tokio::test(start_paused = true)]
async fn a_recorder_that_is_installed_later_receives_the_state() {
    let (_client, source) = controlled_with(builder());
    source.init(&json!({"flags": {"flag": serving(1, true)}}));
    tokio::time::sleep(SOON).await;
    let board = Board::default();
    let _recording = set_default_local_recorder(&board);
    until(&board, "vexil_items{kind=\"flag\"}", 1.0).await;
    until_state(&board, "VALID").await;
}

#[tokio::test(start_paused = true)]
async fn a_recorder_that_panics_affects_no_evaluation_and_not_the_close() {
    let _recording = set_default_local_recorder(&Faulty);
    let flags = TestData::new().with("flag", 7);
    let client = builder().data_source(flags.clone()).start().unwrap();
    tokio::time::sleep(SOON).await;
    assert_eq!(client.int_variation("flag", &ada(), 0), 7);
    flags.set("flag", 8);
    assert_eq!(client.int_variation("flag", &ada(), 0), 8);
    assert!(client.close(SOON).await);
}

/// A service whose stream consists of the chunks that a test sends.
#[derive(Debug)]
struct Scripted(std::sync::Mutex<Option<Receiver<Bytes>>>);

#[async_trait]
impl HttpTransport for Scripted {
    async fn send(
        &self,
        _: http::Request<Bytes>,
        _: RequestOptions,
    ) -> Result<http::Response<Body>, TransportError> {
        let chunks = self.0.lock().unwrap().take().expect("one connection");
        let response = http::Response::builder().header("content-type", "text/event-stream");
        Ok(response.body(Body::new(Sent(chunks))).unwrap())
    }
}

struct Sent(Receiver<Bytes>);

#[async_trait]
impl Chunks for Sent {
    async fn next(&mut self) -> Result<Option<Bytes>, TransportError> {
        Ok(self.0.recv().await)
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_byte_is_that_of_the_service_heartbeats_included() {
    let board = Board::default();
    let _recording = set_default_local_recorder(&board);
    let (send, chunks) = channel(1);
    let transport = Scripted(std::sync::Mutex::new(Some(chunks)));
    let http = HttpConfig::new().transport(transport);
    let _client = builder().http(http).start().unwrap();
    let put = "event: put\ndata: {\"data\": {\"flags\": {}, \"segments\": {}}}\n\n";
    send.send(Bytes::from_static(put.as_bytes())).await.unwrap();
    until_state(&board, "VALID").await;
    let (byte, update) = (board.value(LAST_BYTE).unwrap(), board.value(LAST_UPDATE));
    while now() <= byte + 0.002 {
        std::hint::spin_loop();
    }
    send.send(Bytes::from_static(b":\n")).await.unwrap();
    for _ in 0..600 {
        if board.value(LAST_BYTE).unwrap() > byte {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert!(board.value(LAST_BYTE).unwrap() > byte);
    assert_eq!(board.value(LAST_UPDATE), update);
}
