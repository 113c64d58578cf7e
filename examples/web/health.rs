//! The probes of an orchestrator: may this process receive requests, and must it be restarted?

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use tokio::sync::watch;
use vexil::Client;
use vexil::status::DataStoreStatus;

pub(crate) fn routes(client: Client) -> Router {
    let (complete, has_been_complete) = watch::channel(false);
    tokio::spawn(wait_for_complete_data(client.clone(), complete));
    let health = Health {
        client,
        has_been_complete,
    };
    Router::new()
        // A restart does not end an outage of Redis, but loses the flags in memory: the process is
        // alive if it answers.
        .route("/healthz", get(async || StatusCode::OK))
        .route("/readyz", get(ready))
        .with_state(health)
}

#[derive(Clone)]
struct Health {
    client: Client,
    has_been_complete: watch::Receiver<bool>,
}

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    /// For people and alerts: `stale` is an outage of Redis, or of the process that fills it.
    store: DataStoreStatus,
}

// In daemon mode a client is ready once the database was read, even if it was empty: then every flag
// would have its default. So a new process is ready after the first read of a complete data set,
// whose marker the Relay Proxy writes last. Thereafter it stays ready: while Redis is down, or has
// lost its data, the client evaluates with the flags in memory, and every process of the service is
// in the same state, so that probes which fail would turn an outage of Redis into one of the service.
// A process that starts during the outage has no flags and is not ready.
async fn ready(State(health): State<Health>) -> (StatusCode, Json<Readiness>) {
    let is_read = health.client.wait_until_ready(Duration::ZERO).await.is_ok();
    let ready = is_read && *health.has_been_complete.borrow();
    let status = match ready {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    let store = health.client.data_store_status().status();
    (status, Json(Readiness { ready, store }))
}

async fn wait_for_complete_data(client: Client, complete: watch::Sender<bool>) {
    let status = client.data_store_status();
    let is_complete = status
        .wait_for(|store| store.initialized, Duration::MAX)
        .await;
    complete.send_replace(is_complete);
}
