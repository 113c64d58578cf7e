//! Redis stores for flags and big segments of the [`vexil`] SDK.
//!
//! [`RedisDataStore`] holds flags and segments. [`RedisBigSegmentStore`] reads the big-segment
//! memberships of contexts. The key layout is that of the Relay Proxy and of the other LaunchDarkly
//! SDKs, so that each can read the data that another writes.
//!
//! A service that reads the flags that a Relay Proxy writes, without a connection to the flag
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
//! A service that receives flags from the flag service and writes them to Redis, for its own next
//! start and for other processes:
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
//! Flags and big segments over one connection, with a user of the server's access control list and
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
//! assert!(!format!("{client:?}").contains("secret"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Key layout
//!
//! With the prefix `P` (default: `launchdarkly`):
//!
//! | key | value |
//! | --- | --- |
//! | `P:features`, `P:segments` | hash with one field for each flag or segment: its JSON, byte for byte as received |
//! | `P:$inited` | exists once a complete data set has been written |
//! | `P:big_segment_include:…`, `P:big_segment_exclude:…` | sets of the big segments that include or exclude a context, by the hash of its key |
//! | `P:big_segments_synchronized_on` | time of the last synchronization of the big segments, in milliseconds |
//!
//! The prefix is free text. Several environments can share a server if each has its own prefix. A
//! data set is replaced in one transaction. A single item is written by a script if it is newer
//! than the stored one; where scripts are refused, the hash is watched (`WATCH`) instead. No key
//! expires.
//!
//! # Change notifications
//!
//! A server of version 6 or later notifies the store of each change within milliseconds, by `CLIENT
//! TRACKING`, which needs no server setting. With older servers, and proxies without tracking,
//! changes are found by the periodic refresh, which runs in any case. When a connection is lost,
//! and when reconnecting fails, all keys count as changed, so that the client's status reports an
//! outage at once.
//!
//! # Connection
//!
//! All stores of a [`RedisConnection`] share one connection. It is opened on first use, so a client
//! can be built while the server is down. A lost connection is reopened at once, then with a
//! backoff from 100 ms to 5 s. Requests in flight are retried once, so that a short loss is
//! invisible to the caller. Each request has a timeout: 5 s for one item, 10 s for reading
//! everything and for writing, 2 s for a probe, 2 s for connecting. The
//! [builder](RedisConnectionBuilder) sets them. A connection whose replies are late three times in
//! a row is replaced.
//!
//! | cargo feature | enables |
//! | --- | --- |
//! | `tls-aws-lc-rs` (default) | `rediss://`, with rustls and the aws-lc cryptography provider |
//! | `tls-ring` | `rediss://`, with rustls and the ring cryptography provider |
//! | `tls` | `rediss://`, with rustls and the process's default provider. Without any of the three features no TLS crate is linked |
//! | `cluster` | Redis Cluster: `RedisConnectionBuilder::cluster` |
//! | `sentinel` | Redis Sentinel: `RedisConnectionBuilder::sentinels` |
//!
//! # Permissions
//!
//! | use | permissions |
//! | --- | --- |
//! | daemon mode, big segments | `%R~P:* +hget +hgetall +exists +get +smembers +multi +exec +ping +hello +auth +select +client\|tracking` |
//! | writing flags | `~P:*`, and also `+hset +del +set +eval +evalsha +watch +unwatch` |
//! | copying [big segments](RedisBigSegmentStore::memberships) | to read, also `+scan`; to write, `~P:*`, and also `+sadd +del +set` |
//!
//! A cluster also needs `+cluster|slots +asking`; without `cluster|slots`, nodes are found by
//! redirections. With `+config|get +scan` the store can log a warning if the server may evict all
//! flags at once, or if there are no keys under the prefix.
//!
//! # Limitations
//!
//! - Without a hash tag in the prefix, such as `{launchdarkly}`, the flags and segments of a
//!   cluster are on different nodes. Each kind is then replaced atomically, but not both together;
//!   a warning is logged.
//! - With an `allkeys-…` memory policy a server can evict all flags of an environment at once,
//!   because they are one key. Use `noeviction` or `volatile-…`: the stores write no volatile keys.
//! - Permanent errors are distinguished from outages and name the remedy: refused access, a key
//!   that holds another type, a server that is part of a cluster.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod address;
mod big_segments;
mod builder;
mod config;
mod connection;
mod credentials;
mod error;
mod keys;
mod lease;
mod memberships;
mod request;
mod startup_checks;
mod store;
mod stream;
mod tls;
mod upsert;

pub use big_segments::RedisBigSegmentStore;
pub use builder::RedisStoreBuilder;
pub use config::RedisConnectionBuilder;
pub use connection::RedisConnection;
pub use credentials::RedisCredentials;
pub use error::RedisConfigError;
pub use store::RedisDataStore;

/// Compiles and runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
