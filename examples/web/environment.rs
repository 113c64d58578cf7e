//! What the application is given by its environment, and servers in place of what is missing.

use std::env;

use vexil_examples::Relay;
use vexil_testing::FakeService;
use vexil_testing::servers::RedisServer;

/// The prefix of the keys in Redis, as configured in the Relay Proxy.
pub(crate) const PREFIX: &str = "ld:shop:live";

pub(crate) struct Environment {
    /// `LISTEN`, by default a fixed port on this machine.
    pub(crate) listen: String,
    /// `SDK_KEY`. In daemon mode it is needed for events and for hashes.
    pub(crate) sdk_key: String,
    /// `REDIS_URL`, by default a server that is started and filled here.
    pub(crate) redis_url: String,
    /// `EVENTS_URL`, by default a service in this process that counts what it receives.
    pub(crate) events_url: String,
    /// Stopped when it is dropped.
    _redis: Option<RedisServer>,
    events: Option<FakeService>,
}

impl Environment {
    pub(crate) fn prepare() -> anyhow::Result<Self> {
        let (redis_url, redis) = match env::var("REDIS_URL") {
            Ok(url) => (url, None),
            Err(_) => {
                let redis = RedisServer::start()?;
                Relay::new(&redis, PREFIX, include_str!("flags.json"))?.fill()?;
                (redis.url(), Some(redis))
            }
        };
        let (events_url, events) = match env::var("EVENTS_URL") {
            Ok(url) => (url, None),
            Err(_) => {
                let events = FakeService::start()?;
                (events.url(), Some(events))
            }
        };
        Ok(Self {
            listen: env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned()),
            sdk_key: env::var("SDK_KEY").unwrap_or_else(|_| "sdk-key-of-no-account".to_owned()),
            redis_url,
            events_url,
            _redis: redis,
            events,
        })
    }

    /// Prints what the service for events has received, if it is in this process.
    pub(crate) fn print_received(&self) {
        if let Some(events) = &self.events {
            let counts = events.summary_counts();
            println!("{} evaluations received", counts.total());
        }
    }
}
