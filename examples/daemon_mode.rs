//! Reads flags from a Redis filled by a Relay Proxy, without a connection to the flag service. No
//! account needed.
//!
//! `cargo run -p vexil-examples --example daemon_mode` starts a private Redis, which requires
//! `redis-server` (installed by `scripts/install-servers`), and writes the data of a Relay Proxy to
//! it. The example evaluates the flags of `flags.json`, receives a flag change, and shows that an
//! outage of Redis does not change any evaluation.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::bail;
use tracing_subscriber::filter::LevelFilter;
use vexil::Client;
use vexil::status::DataStoreStatus;
use vexil_examples::{Relay, contexts, log_to_stderr, table};
use vexil_redis::RedisDataStore;
use vexil_testing::servers::RedisServer;

const TIMEOUT: Duration = Duration::from_secs(10);
const PREFIX: &str = "ld:shop:live";

fn main() -> anyhow::Result<()> {
    log_to_stderr(LevelFilter::ERROR);
    let redis = RedisServer::start()?;
    let relay = Relay::new(&redis, PREFIX, include_str!("flags.json"))?;
    relay.fill()?;

    let store = RedisDataStore::builder().url(redis.url()).prefix(PREFIX);
    let client = Client::builder("sdk-key-of-no-account")
        .daemon_mode(store)
        .without_events()
        .start()?;
    let _closed_at_the_end = client.close_on_drop(TIMEOUT);
    // Ready once the database was read. `is_initialized` is always true in daemon mode.
    client.blocking_wait_until_ready(TIMEOUT)?;
    let contexts = contexts()?;
    println!("{}\n", table(&client, &contexts));
    print_status("Redis is up", &client);

    println!("\nThe Relay Proxy turns legacy-export on …");
    let [(name, ada), ..] = &contexts;
    let (changes, changed) = mpsc::channel();
    client
        .flag_tracker()
        .add_flag_value_change_listener("legacy-export", ada, move |change| {
            // The receiver is dropped after the first change, so later sends fail.
            let _ = changes.send((Instant::now(), change.clone()));
        });
    let written = Instant::now();
    relay.switch_on("legacy-export")?;
    let (seen, change) = changed.recv_timeout(TIMEOUT)?;
    let took = seen.duration_since(written);
    println!(
        "… and {took:.1?} later its value for {name} is {} instead of {}.\n",
        change.new_value, change.old_value
    );

    let before = table(&client, &contexts);
    redis.kill();
    wait_until(&client, |status| !status.available)?;
    print_status("Redis was killed", &client);
    redis.restart()?;
    wait_until(&client, |status| status.available && status.stale)?;
    print_status("Redis was restarted and is empty", &client);
    if table(&client, &contexts) != before {
        bail!("the outage changed an evaluation");
    }
    relay.switch_on("legacy-export")?;
    wait_until(&client, |status| status.available && status.stale)?;
    print_status("The Relay Proxy has written a single patch", &client);
    if table(&client, &contexts) != before {
        bail!("the patch changed an evaluation");
    }
    println!(
        "During the outage, no flag changed for any context. Ready: {}.\n",
        is_ready(&client)
    );

    relay.fill()?;
    wait_until(&client, |status| status.available && !status.stale)?;
    print_status("The Relay Proxy has written all flags again", &client);
    Ok(())
}

/// The check for a readiness probe. A liveness probe must not depend on the client: it recovers
/// from outages by itself.
fn is_ready(client: &Client) -> bool {
    client.blocking_wait_until_ready(Duration::ZERO).is_ok()
}

fn wait_until(client: &Client, holds: impl Fn(&DataStoreStatus) -> bool) -> anyhow::Result<()> {
    match client.data_store_status().blocking_wait_for(holds, TIMEOUT) {
        true => Ok(()),
        false => bail!("the store did not reach the expected status in time"),
    }
}

fn print_status(what: &str, client: &Client) {
    let DataStoreStatus {
        available,
        stale,
        items,
        ..
    } = client.data_store_status().status();
    println!("{what}: available: {available}, stale: {stale}, items at the last refresh: {items}");
}
