//! The routes, and the clients by id.

use std::collections::HashMap;
use std::future::IntoFuture;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::de::DeserializeOwned;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::Options;
use crate::api::{Command, CreateClient, Status};
use crate::api_error::ApiError;
use crate::capabilities::capabilities;
use crate::test_client::TestClient;

/// How long pending requests may take when the service stops.
const GRACE: Duration = Duration::from_secs(1);

/// Serves until `DELETE /`, then closes all clients.
///
/// # Errors
/// Returns an error if the listener fails.
pub async fn serve(listener: TcpListener, options: Options) -> io::Result<()> {
    let service = Arc::new(Service::new(options));
    let routes = Router::new()
        .route("/", get(status).post(create).delete(stop))
        .route("/clients/{id}", post(command).delete(close))
        .layer(DefaultBodyLimit::disable())
        .with_state(Arc::clone(&service));
    let server = axum::serve(listener, routes).with_graceful_shutdown(service.stopped());
    let grace_period = async {
        service.stopped().await;
        sleep(GRACE).await;
    };
    tokio::select! {
        result = server.into_future() => result?,
        () = grace_period => {}
    }
    service.close_all().await;
    Ok(())
}

struct Service {
    options: Options,
    /// Locked only to look up, add or remove a client.
    clients: Mutex<HashMap<u64, Arc<TestClient>>>,
    last_id: AtomicU64,
    /// Whether the service is to stop.
    stop: watch::Sender<bool>,
}

impl Service {
    fn new(options: Options) -> Self {
        Self {
            options,
            clients: Mutex::default(),
            last_id: AtomicU64::new(0),
            stop: watch::Sender::new(false),
        }
    }

    /// Completes when the service is to stop.
    fn stopped(&self) -> impl Future<Output = ()> + use<> {
        let mut stop = self.stop.subscribe();
        async move {
            // An error means that the service has been dropped, which also stops it.
            let _ = stop.wait_for(|stop| *stop).await;
        }
    }

    fn clients(&self) -> MutexGuard<'_, HashMap<u64, Arc<TestClient>>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, client: TestClient) -> u64 {
        let id = self.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        self.clients().insert(id, Arc::new(client));
        id
    }

    fn client(&self, id: u64) -> Result<Arc<TestClient>, ApiError> {
        self.clients()
            .get(&id)
            .cloned()
            .ok_or_else(|| ApiError::unknown_client(id))
    }

    fn remove(&self, id: u64) -> Result<Arc<TestClient>, ApiError> {
        self.clients()
            .remove(&id)
            .ok_or_else(|| ApiError::unknown_client(id))
    }

    async fn close_all(&self) {
        let clients = std::mem::take(&mut *self.clients());
        for client in clients.into_values() {
            client.close().await;
        }
    }
}

async fn status(State(service): State<Arc<Service>>) -> Json<Status> {
    Json(Status {
        name: "vexil",
        // All packages of the workspace have the same version.
        client_version: env!("CARGO_PKG_VERSION"),
        capabilities: capabilities(service.options.retry_policy),
    })
}

async fn create(State(service): State<Arc<Service>>, body: Bytes) -> Result<Response, ApiError> {
    let CreateClient { tag, configuration } = parse(&body)?;
    tracing::info!(test = tag, "creating a client");
    let id = service.add(TestClient::start(configuration, service.options).await?);
    tracing::info!(test = tag, client = id, "client created");
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, format!("/clients/{id}"))],
    )
        .into_response())
}

async fn command(
    State(service): State<Arc<Service>>,
    Path(id): Path<u64>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let client = service.client(id)?;
    let command: Command = parse(&body)?;
    tracing::debug!(client = id, command = command.command, "command received");
    Ok(match client.run(command).await? {
        Some(answer) => Json(answer).into_response(),
        None => StatusCode::ACCEPTED.into_response(),
    })
}

async fn close(
    State(service): State<Arc<Service>>,
    Path(id): Path<u64>,
) -> Result<StatusCode, ApiError> {
    let client = service.remove(id)?;
    client.close().await;
    tracing::info!(client = id, "client closed");
    Ok(StatusCode::NO_CONTENT)
}

async fn stop(State(service): State<Arc<Service>>) -> StatusCode {
    service.stop.send_replace(true);
    StatusCode::NO_CONTENT
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(ApiError::bad)
}
