//! A web application whose flags come from a Redis that a Relay Proxy fills. No account needed.
//!
//! `cargo run -p vexil-examples --example web`: `README.md` beside this file says what it shows.

mod environment;
mod front_end;
mod health;
mod page;
mod shop;
mod shutdown;
mod telemetry;
mod visitor;

use std::time::Duration;

use anyhow::bail;
use axum::Router;
use axum::middleware::from_fn;
use tokio::net::TcpListener;
use vexil::Client;
use vexil::config::ServiceEndpoints;
use vexil_otel::TracingHook;
use vexil_redis::RedisDataStore;
use vexil_tower::ScopeLayer;

use self::environment::{Environment, PREFIX};
use self::telemetry::Telemetry;

/// The time to deliver the last events. With that for the last requests it is shorter than the 30 s
/// after which Kubernetes kills a process.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(8);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let telemetry = Telemetry::install()?;
    let environment = Environment::prepare()?;
    let client = Client::builder(environment.sdk_key.as_str())
        .daemon_mode(
            RedisDataStore::builder()
                .url(&environment.redis_url)
                .prefix(PREFIX),
        )
        .service_endpoints(ServiceEndpoints::new().with_events(&environment.events_url))
        .hook(TracingHook::builder().include_value(true).build())
        .start()?;

    let app = Router::new()
        .merge(shop::routes())
        .merge(page::routes())
        .layer(ScopeLayer::new(client.clone(), visitor::context))
        .layer(from_fn(telemetry::in_span))
        .merge(front_end::routes(client.clone()))
        .merge(health::routes(client.clone()))
        .merge(telemetry.routes());
    let listener = TcpListener::bind(&environment.listen).await?;
    println!("listening on http://{}", listener.local_addr()?);
    // Serves before the client is ready: `/readyz` keeps requests away until then.
    shutdown::serve(listener, app).await?;

    // Every request has ended, so that no evaluation follows.
    let closed = client.close(CLOSE_TIMEOUT).await;
    telemetry.shut_down()?;
    let stats = client.event_stats();
    println!(
        "{} events delivered, {} events and {} counts dropped, {} payloads given up",
        stats.delivered_events, stats.dropped_events, stats.dropped_counts, stats.dropped_payloads
    );
    environment.print_received();
    if !closed {
        bail!("the last events were not delivered in time");
    }
    Ok(())
}
