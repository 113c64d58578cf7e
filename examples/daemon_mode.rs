//! A service that reads its flags from Redis, which a Relay Proxy fills: no connection to the flag
//! service. No account.
//!
//! `cargo run -p vexil-examples --example daemon_mode` starts a Redis of its own, for which
//! `redis-server` must be installed (`scripts/install-servers` does that), and leaves there what a
//! Relay Proxy would leave. It evaluates the flags of `flags.json`, sees a flag being switched on,
//! and shows what an outage of Redis changes: nothing.

use std::error::Error;
use std::io;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use tracing_subscriber::filter::LevelFilter;
use vexil::Client;
use vexil::status::DataStoreStatus;
use vexil_examples::{contexts, table};
use vexil_redis::RedisDataStore;
use vexil_testing::servers::{RedisServer, ServerError};

const PATIENCE: Duration = Duration::from_secs(10);
const PREFIX: &str = "ld:shop:live";

/// What a Relay Proxy leaves of a flag that was deleted: a whole object, so that no reader misses a
/// property.
const DELETED: &str = r#"{"key":"$deleted","on":false,"prerequisites":[],"targets":[],"contextTargets":[],"rules":[],
    "fallthrough":{},"offVariation":null,"variations":[],"clientSide":false,"salt":"","trackEvents":false,
    "trackEventsFallthrough":false,"debugEventsUntilDate":null,"version":4,"deleted":true}"#;

fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_max_level(LevelFilter::ERROR)
        .init();
    let redis = RedisServer::start()?;
    let relay = Relay {
        redis: &redis,
        data: serde_json::from_str(include_str!("flags.json"))?,
    };
    relay.fill()?;

    let store = RedisDataStore::builder().url(redis.url()).prefix(PREFIX);
    let client = Client::builder("sdk-key-of-no-account")
        .daemon_mode(store)
        .without_events()
        .start()?;
    let _closed_at_the_end = client.close_on_drop(PATIENCE);
    // Readiness: the database was read. `is_initialized` is always true in daemon mode.
    client.blocking_wait_until_ready(PATIENCE)?;
    let contexts = contexts()?;
    println!("{}\n", table(&client, &contexts));
    print_status("Redis is up", &client);

    println!("\nThe Relay Proxy writes that legacy-export is on …");
    let [(name, ada), ..] = &contexts;
    let (changes, changed) = mpsc::channel();
    client
        .flag_tracker()
        .add_flag_value_change_listener("legacy-export", ada, move |change| {
            // Fails once the example has seen what it waits for, and then nobody minds.
            let _ = changes.send((Instant::now(), change.clone()));
        });
    let written = Instant::now();
    relay.switch_on("legacy-export")?;
    let (seen, change) = changed.recv_timeout(PATIENCE)?;
    let took = seen.duration_since(written);
    println!(
        "… and {took:.1?} later it is {} instead of {} for {name}.\n",
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
        return Err("an outage has changed an evaluation".into());
    }
    relay.switch_on("legacy-export")?;
    wait_until(&client, |status| status.available && status.stale)?;
    print_status(
        "The Relay Proxy has written one patch, and nothing else",
        &client,
    );
    if table(&client, &contexts) != before {
        return Err("a patch has changed other flags".into());
    }
    println!(
        "Meanwhile every flag was what it was before, for every context. Ready: {}.\n",
        is_ready(&client)
    );

    relay.fill()?;
    wait_until(&client, |status| status.available && !status.stale)?;
    print_status("The Relay Proxy has filled Redis again", &client);
    Ok(())
}

/// What a Relay Proxy does to its database.
struct Relay<'a> {
    redis: &'a RedisServer,
    data: Json,
}

impl Relay<'_> {
    /// Writes everything, and in the end an empty marker that everything is there.
    fn fill(&self) -> Result<(), Box<dyn Error>> {
        for (name, hash) in [("segments", "segments"), ("flags", "features")] {
            for key in self.data[name]
                .as_object()
                .into_iter()
                .flat_map(serde_json::Map::keys)
            {
                self.put(hash, key, &self.item(name, key, 1).to_string())?;
            }
        }
        self.put("features", "long-gone", DELETED)?;
        self.redis
            .command(["SET", &format!("{PREFIX}:$inited"), ""])?;
        Ok(())
    }

    fn switch_on(&self, key: &str) -> Result<(), Box<dyn Error>> {
        let mut flag = self.item("flags", key, 2);
        flag["on"] = true.into();
        Ok(self.put("features", key, &flag.to_string())?)
    }

    fn item(&self, name: &str, key: &str, version: u32) -> Json {
        let mut item = self.data[name][key].clone();
        item["key"] = key.into();
        item["version"] = version.into();
        item
    }

    fn put(&self, hash: &str, key: &str, item: &str) -> Result<(), ServerError> {
        self.redis
            .command(["HSET", &format!("{PREFIX}:{hash}"), key, item])
            .map(drop)
    }
}

/// What a readiness probe asks. A liveness probe asks nothing of the client: outages end by
/// themselves.
fn is_ready(client: &Client) -> bool {
    client.blocking_wait_until_ready(Duration::ZERO).is_ok()
}

fn wait_until(
    client: &Client,
    holds: impl Fn(&DataStoreStatus) -> bool,
) -> Result<(), Box<dyn Error>> {
    match client
        .data_store_status()
        .blocking_wait_for(holds, PATIENCE)
    {
        true => Ok(()),
        false => Err("the status of the store never was what it should be".into()),
    }
}

fn print_status(what: &str, client: &Client) {
    let DataStoreStatus {
        available,
        stale,
        items,
        ..
    } = client.data_store_status().status();
    println!("{what}: available: {available}, stale: {stale}, items at the last reading: {items}");
}
