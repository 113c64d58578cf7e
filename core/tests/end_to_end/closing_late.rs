//! A client that is closed while an update is on its way to the store.

use std::cell::RefCell;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::runtime::Runtime;
use tracing::subscriber::DefaultGuard;
use vexil::data_source::DataSourceState;

use crate::closing::PROMPT;
use crate::setup::{SOON, builder, ready, service, stream, value};

thread_local! {
    /// Keeps the thread's log subscriber until the thread ends.
    static LOGGING: RefCell<Option<DefaultGuard>> = const { RefCell::new(None) };
}

/// A log writer that signals the warning about a defective flag, which is logged before the flag is
/// stored, and then waits.
#[derive(Clone)]
struct Pausing(Arc<(Sender<()>, Mutex<Receiver<()>>)>);

impl io::Write for Pausing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if String::from_utf8_lossy(bytes).contains("defect") {
            let (arrived, go_on) = &*self.0;
            arrived.send(()).unwrap();
            go_on.lock().unwrap().recv_timeout(SOON).unwrap();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A runtime whose threads log to a [`Pausing`] writer.
fn pausing() -> (Runtime, Receiver<()>, Sender<()>) {
    let ((arrived, arrives), (go_on, goes_on)) = (channel(), channel());
    let log = Pausing(Arc::new((arrived, Mutex::new(goes_on))));
    let log_to = move || {
        let log = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || log.clone())
            .finish();
        LOGGING.set(Some(tracing::subscriber::set_default(subscriber)));
    };
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime
        .worker_threads(2)
        .on_thread_start(log_to)
        .enable_all()
        .build()
        .unwrap();
    (runtime, arrives, go_on)
}

// SRC-F52
#[test]
fn an_update_in_progress_when_a_client_is_closed_is_not_stored() {
    let (runtime, arrives, go_on) = pausing();
    let service = service("old");
    let client = ready(
        builder(&service)
            .runtime(runtime.handle().clone())
            .data_source(stream()),
    );
    let defect = json!({"clauses": [{"attribute": "name", "op": "matches", "values": ["("]}], "variation": 0});
    let flag = json!({"key": "flag", "version": 100, "on": true, "variations": ["late"], "rules": [defect],
        "fallthrough": {"variation": 0}});
    service.use_preconfigured_flag(flag).unwrap();
    arrives.recv_timeout(SOON).unwrap();
    // The test cannot wait for the source itself: the source waits for a signal of the test.
    let start = Instant::now();
    pollster::block_on(client.close(Duration::from_secs(1)));
    assert!(start.elapsed() < PROMPT, "{:?}", start.elapsed());
    go_on.send(()).unwrap();
    runtime.shutdown_timeout(SOON);
    assert_eq!(
        client.data_source_status().status().state,
        DataSourceState::Off
    );
    assert_eq!(value(&client), "old");
}
