//! Feature flags and big segments kept in Amazon DynamoDB, for the [`vexil`] SDK.
//!
//! [`DynamoDbDataStore`] holds flags and segments, [`DynamoDbBigSegmentStore`] reads who belongs to big segments. Their rows
//! are those of the Relay Proxy and of the field's other SDKs, so that each may write what another
//! reads.
//!
//! A service that reads flags which a Relay Proxy writes, without any connection to the flag
//! service:
//!
//! ```no_run
//! use vexil::{Client, Context};
//! use vexil_dynamodb::DynamoDbDataStore;
//!
//! let client = Client::builder("sdk-key")
//!     .daemon_mode(DynamoDbDataStore::builder("feature-flags").prefix("shop:production"))
//!     .start()?;
//! let ada = Context::new("ada")?;
//! if client.bool_variation("new-checkout", &ada, false) { /* … */ }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A service that receives flags itself and keeps them in the table, for its own next start and for
//! others:
//!
//! ```no_run
//! use vexil::Client;
//! use vexil::config::PersistentStoreConfig;
//! use vexil_dynamodb::DynamoDbDataStore;
//!
//! let store = DynamoDbDataStore::builder("feature-flags").prefix("shop:production");
//! let client = Client::builder("sdk-key").data_store(PersistentStoreConfig::new(store)).start()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The table
//!
//! It must exist, with the partition key `namespace` and the sort key `key`, both of type String.
//! Nothing here creates it, and it needs neither an index nor a time to live. Several environments
//! share a table by [prefixes](DynamoDbBuilder::prefix).
//!
//! ```sh
//! aws dynamodb create-table --table-name feature-flags --billing-mode PAY_PER_REQUEST \
//!   --attribute-definitions AttributeName=namespace,AttributeType=S AttributeName=key,AttributeType=S \
//!   --key-schema AttributeName=namespace,KeyType=HASH AttributeName=key,KeyType=RANGE
//! ```
//!
//! | who | needs |
//! | --- | --- |
//! | daemon mode, big segments | `dynamodb:GetItem`, `dynamodb:Query` |
//! | whoever writes | also `dynamodb:PutItem`, `dynamodb:BatchWriteItem` |
//!
//! # How it is reached
//!
//! Region and credentials are found at the first call as AWS's own programs find them: in the
//! environment, in the profile, by web identity, and from the roles of containers and machines. The
//! [builder](DynamoDbBuilder) sets them where that does not fit, and [takes a ready
//! client](DynamoDbBuilder::client) for everything else: proxies, own certificates, roles to
//! assume. Profiles that sign in by the browser or run a program need the features `sso` and
//! `credentials-process` of the crate `aws-config`, which an application switches on by depending
//! on it.
//!
//! ```
//! use vexil_dynamodb::aws_sdk_dynamodb::config::{BehaviorVersion, Region};
//! use vexil_dynamodb::aws_sdk_dynamodb::{Client, Config};
//! use vexil_dynamodb::{DynamoDbBigSegmentStore, DynamoDbDataStore};
//!
//! let config = Config::builder().behavior_version(BehaviorVersion::v2026_01_12()).region(Region::new("eu-central-1"));
//! let shared = Client::from_conf(config.build());
//! let client = vexil::Client::builder("sdk-key")
//!     .daemon_mode(DynamoDbDataStore::builder("feature-flags").client(shared.clone()))
//!     .big_segments(DynamoDbBigSegmentStore::builder("feature-flags").client(shared));
//! ```
//!
//! TLS is rustls, with the cryptography that the cargo feature names: `tls-aws-lc-rs` (default),
//! which the AWS SDK uses too, or `tls-ring`. Without either, the endpoint must begin with
//! `http://`, or a ready client must be given. Throttled requests are repeated, at delays that grow
//! from 50 ms to 5 s. A call has a limit: 5 s for one item, 10 s for everything and for writing one
//! item, a minute for writing everything, 2 s to see whether the table answers. The builder sets
//! others. Until the first answer there is more time, for credentials to be found.
//!
//! # What it costs
//!
//! DynamoDB has no cheap way to tell that something changed. In daemon mode everything is read
//! every 30 s, or as
//! [`PersistentStoreConfig::refresh_interval`](vexil::config::PersistentStoreConfig::refresh_interval) says: 1 read unit
//! for each 8 KB. Data that arrives as a whole, as it does with each new connection to the service,
//! is compared with the table's, at 1 unit for each 4 KB, and only rows that differ are written, at
//! 1 write unit for each KB.
//!
//! # What may go wrong
//!
//! - Writing everything is not atomic. What others refer to is written first and what is no longer
//!   used is removed last, so a reader meets old and new data together, but no gap; the marker that
//!   the data is complete comes after all else. A table that throttles leaves parts of a batch
//!   undone: they are sent again, for up to a minute. Then the call fails, without the marker.
//! - A row holds at most 400 KB. An item of more than that is left out, and the log names it; its
//!   old row stays, and clients that receive flags themselves use it from memory.
//! - A missing table, missing credentials and refused access are told apart from a database that is
//!   not reached, each with what would help.

mod batch;
mod big_segments;
mod config;
mod error;
mod patience;
mod row;
mod store;
mod table;

/// The client that the stores use, for [`DynamoDbBuilder::client`].
pub use aws_sdk_dynamodb;
pub use big_segments::DynamoDbBigSegmentStore;
pub use config::DynamoDbBuilder;
pub use store::DynamoDbDataStore;
