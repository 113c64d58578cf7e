//! The metrics of a client: each number changes with its cause. The tests use Tokio's paused time.

#![cfg(test)]
#![cfg(feature = "metrics")]

mod documents;
mod evaluations;
mod recorder;
mod state;
#[path = "../support/mod.rs"]
mod support;

use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::sleep;
use vexil::{Client, ClientBuilder};

use self::recorder::Board;

/// A client whose metrics are recorded on the thread of the test.
fn builder() -> ClientBuilder {
    Client::builder("sdk-key")
        .runtime(Handle::current())
        .without_events()
}

/// Waits for a metric to have this value.
async fn until(board: &Board, metric: &str, expected: f64) {
    for _ in 0..600 {
        if board.value(metric) == Some(expected) {
            return;
        }
        sleep(Duration::from_millis(100)).await;
    }
    panic!("{metric} is not {expected}: {board:#?}");
}
