//! Feature flags and big segments in Redis, for the [`vexil`] SDK.

mod address;
mod big_segments;
mod config;
mod connection;
mod credentials;
mod error;
mod keys;
mod place;
mod request;
mod store;
mod survey;
mod tls;
mod upsert;

pub use big_segments::{RedisBigSegmentStore, RedisBigSegmentStoreBuilder};
pub use config::RedisConnectionBuilder;
pub use connection::RedisConnection;
pub use credentials::RedisCredentials;
pub use error::RedisConfigError;
pub use store::{RedisDataStore, RedisDataStoreBuilder};
