//! Real servers for tests, started on a free local port and stopped with the test.
//!
//! A store is tested against its real database, not an imitation. Starting a server either succeeds
//! or returns an error that says what to install, so that the test fails rather than being skipped.
//!
//! ```
//! use vexil_testing::servers::RedisServer;
//!
//! let server = RedisServer::start()?;
//! assert!(server.url().starts_with("redis://127.0.0.1:"));
//! server.command(["SET", "greeting", "hello"])?;
//! assert_eq!(server.command(["GET", "greeting"])?.text().as_deref(), Some("hello"));
//! # Ok::<(), vexil_testing::servers::ServerError>(())
//! ```
//!
//! | server | private server | shared by all tests of a process, or external |
//! | --- | --- | --- |
//! | Redis | [`RedisServer`] | [`redis_url`], `VEXIL_REDIS_URL` |
//! | Redis Cluster, three nodes | [`RedisCluster`] | [`redis_cluster_urls`], `VEXIL_REDIS_CLUSTER_URLS` |
//! | Redis Sentinel, with primary and replica | [`RedisSentinel`] | |
//! | DynamoDB Local | [`DynamoDbLocal`] | [`dynamodb_url`], `VEXIL_DYNAMODB_URL` |
//!
//! Servers in the third column are shared: tests must use separate prefixes or tables. A test that
//! stops, restarts or fills a server needs a private one.
//!
//! Redis listens on loopback only. DynamoDB Local has no setting for that and listens on every
//! address.
//!
//! # Lifetime
//! A server started here is killed when its value is dropped, or when the test process ends for any
//! reason, so a `static` may hold one. No other server is ever stopped. All methods block the
//! calling thread until a condition holds, for at most a minute.

mod dynamodb;
mod error;
mod find;
mod process;
mod program;
mod redis;
mod shared;
mod wait;

pub use self::dynamodb::DynamoDbLocal;
pub use self::error::ServerError;
pub use self::redis::{
    RedisCluster, RedisReply, RedisSentinel, RedisServer, RedisServerBuilder, TlsFiles,
};
pub use self::shared::{dynamodb_url, redis_cluster_urls, redis_url};
