//! Feature flags and big segments in Redis, for the [`vexil`] SDK.
//!
//! [`RedisDataStore`] holds flags and segments, [`RedisBigSegmentStore`] reads who belongs to big segments. Their keys are
//! those of the Relay Proxy and of the field's other SDKs, so that each may write what another
//! reads.
//!
//! A service that reads flags which a Relay Proxy writes, without any connection to the flag
//! service:
//!
//! ```no_run
//! use vexil::{Client, Context};
//! use vexil_redis::RedisDataStore;
//!
//! let client = Client::builder("sdk-key")
//!     .daemon_mode(RedisDataStore::builder().url("redis://cache.example.com:6379").prefix("ld:shop"))
//!     .start()?;
//! let ada = Context::new("ada")?;
//! if client.bool_variation("new-checkout", &ada, false) { /* … */ }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A service that receives flags itself and keeps them in Redis, for its own next start and for
//! others:
//!
//! ```no_run
//! use vexil::Client;
//! use vexil::config::PersistentStoreConfig;
//! use vexil_redis::RedisDataStore;
//!
//! let store = RedisDataStore::builder().url("redis://cache.example.com:6379").prefix("ld:shop");
//! let client = Client::builder("sdk-key").data_store(PersistentStoreConfig::new(store)).start()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Flags and big segments over one connection, as a user of the server's access control list, by
//! TLS:
//!
//! ```
//! use vexil::Client;
//! use vexil_redis::{RedisBigSegmentStore, RedisConnection, RedisDataStore};
//!
//! let connection = RedisConnection::builder().url("rediss://flags:secret@cache.example.com:6380/2").build()?;
//! let client = Client::builder("sdk-key")
//!     .daemon_mode(RedisDataStore::builder().connection(&connection).prefix("ld:shop"))
//!     .big_segments(RedisBigSegmentStore::builder().connection(&connection).prefix("ld:shop"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is where
//!
//! With the prefix `P`, which is `launchdarkly` unless it is chosen:
//!
//! | key | holds |
//! | --- | --- |
//! | `P:features`, `P:segments` | a hash with a field for each flag or segment: its JSON, byte for byte as it came |
//! | `P:$inited` | is there once a complete data set was written |
//! | `P:big_segment_include:…`, `P:big_segment_exclude:…` | the sets of a context's big segments, by the hash of its key |
//! | `P:big_segments_synchronized_on` | when those were last in step, in milliseconds |
//!
//! The prefix is free text, and several environments share a server by theirs. A data set is
//! replaced in one transaction; one item is written by a script, if it is newer, or where scripts
//! are refused by watching the hash. Nothing expires.
//!
//! # How changes arrive
//!
//! A server of version 6 or later tells of each change within milliseconds, by tracking (`CLIENT
//! TRACKING`), which needs no setting of the server. Older ones, and proxies without it, are read
//! at intervals; so is everything, in any case. Everything counts as changed after a connection was
//! lost, and also when it cannot be made again: so the client's status tells of an outage at once.
//!
//! # How it is reached
//!
//! All stores of a [`RedisConnection`] share one connection. It is made when it is first used, and
//! a client can be built while the server is down. When it is lost it is made again: at once, then
//! after 100 ms and ever longer, up to 5 s. What was under way is repeated once, and nobody sees
//! the loss. A request has a limit: 5 s for one item, 10 s for everything and for writing, 2 s to
//! see whether the server answers, 2 s to connect; the [builder](RedisConnectionBuilder) sets
//! others. A connection whose answers are late three times in a row is replaced.
//!
//! | cargo feature | for |
//! | --- | --- |
//! | `tls-aws-lc-rs` (default) | `rediss://`, by rustls with the cryptography of aws-lc |
//! | `tls-ring` | `rediss://`, by rustls with the cryptography of ring |
//! | `tls` | `rediss://`, by rustls with the process's default provider. Without any of the three no TLS crate is linked |
//! | `cluster` | Redis Cluster: `RedisConnectionBuilder::cluster` |
//! | `sentinel` | Redis Sentinel: `RedisConnectionBuilder::sentinels` |
//!
//! # What a user needs
//!
//! | who | needs |
//! | --- | --- |
//! | daemon mode, big segments | `%R~P:* +hget +hgetall +exists +get +smembers +multi +exec +ping +hello +auth +select +client\|tracking` |
//! | whoever writes | `~P:*`, and also `+hset +del +set +eval +evalsha +watch +unwatch` |
//!
//! In a cluster also `+cluster|slots +asking`: without the former, servers are found by
//! redirections. With `+config|get +scan` the log can warn of a server that may evict all flags at
//! once, and of a prefix under which there is nothing.
//!
//! # What may go wrong
//!
//! - Without a hash tag in the prefix, such as `{launchdarkly}`, the flags and segments of a
//!   cluster are on different servers. Each kind is then replaced at one moment, but not both; a
//!   warning says so.
//! - A memory policy of `allkeys-…` lets a server evict all flags of an environment at once, as
//!   they are one key. Use `noeviction` or `volatile-…`; nothing of ours is volatile.
//! - What time alone does not mend is told apart, with what would help: refused access, a key that
//!   holds something else, a server that belongs to a cluster.

mod address;
mod big_segments;
mod builder;
mod config;
mod connection;
mod credentials;
mod error;
mod keys;
mod request;
mod store;
mod survey;
mod tls;
mod upsert;

pub use big_segments::RedisBigSegmentStore;
pub use builder::RedisStoreBuilder;
pub use config::RedisConnectionBuilder;
pub use connection::RedisConnection;
pub use credentials::RedisCredentials;
pub use error::RedisConfigError;
pub use store::RedisDataStore;
