//! Real servers for tests, started on a free local port and stopped with the test.
//!
//! A store is tested against its real database, not an imitation. Starting a server either succeeds
//! or returns an error that says what was tried and what to install, so that the test fails rather
//! than being skipped.
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
//! # Which server
//! The first of these that is available:
//!
//! 1. a running server that the environment variable names, for tests that share a server;
//! 2. a program of this machine: `redis-server`, or Java with DynamoDB Local;
//! 3. with the feature `containers`, a container of Docker or Podman.
//!
//! `VEXIL_SERVERS` restricts that to one of `running`, `program` and `container`
//! ([`ServerKind::required`]). A server that is available but does not start is an error, and
//! nothing else is tried. [`ServerError::Unavailable`] lists what was tried.
//!
//! ```
//! use vexil_testing::servers::{RedisServer, ServerError};
//!
//! match RedisServer::start() {
//!     Ok(server) => println!("a {} at {}", server.kind(), server.url()),
//!     Err(ServerError::Unavailable { tried, .. }) => {
//!         for server in tried {
//!             println!("no {}: {}", server.kind, server.reason);
//!         }
//!     }
//!     Err(error) => return Err(error),
//! }
//! # Ok::<(), ServerError>(())
//! ```
//!
//! # Containers
//! The command `docker` or `podman` starts them, whichever responds first, or the program that
//! `VEXIL_CONTAINER_ENGINE` names. The images are `redis:7-alpine`, or another one with
//! `redis-server` that `VEXIL_REDIS_IMAGE` names, for example of Valkey; and
//! `amazon/dynamodb-local`, or what `VEXIL_DYNAMODB_IMAGE` names. An image that is missing is pulled
//! once, which may take minutes. Servers of a cluster or with a sentinel share a container. Ports
//! are published on loopback only, with the same number as inside, so the addresses that a cluster
//! or a sentinel announces are valid for clients, on every system.
//!
//! A program `redis-server` listens on loopback only. DynamoDB Local has no setting for that: as a
//! program it listens on every address.
//!
//! # Lifetime
//! A server started here is killed when its value is dropped, or when the test process ends for any
//! reason, so a `static` may hold one. Its container is removed then: the shell in it ends when the
//! test process no longer holds the other end of its input. The label `vexil-testing` of containers
//! has the id of the test process. No other server is ever stopped. All methods block the calling
//! thread until a condition holds, for at most three minutes besides the pull of an image.

#[cfg(feature = "containers")]
mod container;
mod dynamodb;
mod error;
mod find;
mod host;
mod kind;
mod process;
mod program;
mod redis;
mod shared;
mod wait;

pub use self::dynamodb::DynamoDbLocal;
pub use self::error::ServerError;
pub use self::kind::{ServerKind, TriedServer};
pub use self::redis::{
    RedisCluster, RedisReply, RedisSentinel, RedisServer, RedisServerBuilder, TlsFiles,
};
pub use self::shared::{dynamodb_url, redis_cluster_urls, redis_url};
