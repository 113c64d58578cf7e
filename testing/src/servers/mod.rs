//! Real servers for tests: started on this machine at a free port, and ended with the test.
//!
//! A store is proven against the database that it is for, not against an imitation. A test asks for
//! a server and gets one, or an error that says in one sentence what to install: it fails then, and
//! is not skipped.
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
//! | server | one of its own | one for all tests of a process, or one that runs elsewhere |
//! | --- | --- | --- |
//! | Redis | [`RedisServer`] | [`redis_url`], `VEXIL_REDIS_URL` |
//! | Redis Cluster, three nodes | [`RedisCluster`] | [`redis_cluster_urls`], `VEXIL_REDIS_CLUSTER_URLS` |
//! | Redis Sentinel, with primary and replica | [`RedisSentinel`] | |
//! | DynamoDB Local | [`DynamoDbLocal`] | [`dynamodb_url`], `VEXIL_DYNAMODB_URL` |
//!
//! What the third column names is shared: tests keep apart by prefixes or tables of their own. A
//! test that stops, restarts or fills a server needs one of its own.
//!
//! Redis listens on loopback only. DynamoDB Local has no setting for that and listens on every
//! address.
//!
//! # How they end
//! A server that was started here is killed when its value is dropped, and when the test's process
//! ends, however it ends: so a `static` may hold one. Nothing else is ever stopped. All calls wait
//! on the calling thread, for conditions rather than for times, at most a minute.

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
