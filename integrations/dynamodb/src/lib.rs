//! Amazon DynamoDB stores for flags and big segments of the [`vexil`] SDK.
//!
//! [`DynamoDbDataStore`] holds flags and segments. [`DynamoDbBigSegmentStore`] reads the
//! big-segment memberships of contexts. The row layout is that of the Relay Proxy and of the other
//! LaunchDarkly SDKs, so that each can read the data that another writes.
//!
//! A service that reads the flags that a Relay Proxy writes, without a connection to the flag
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
//! A service that receives flags from the flag service and writes them to the table, for its own
//! next start and for other processes:
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
//! The table must exist, with the partition key `namespace` and the sort key `key`, both of type
//! String. This crate does not create it. It needs neither an index nor a time to live. Several
//! environments can share a table by [prefixes](DynamoDbBuilder::prefix).
//!
//! ```sh
//! aws dynamodb create-table --table-name feature-flags --billing-mode PAY_PER_REQUEST \
//!   --attribute-definitions AttributeName=namespace,AttributeType=S AttributeName=key,AttributeType=S \
//!   --key-schema AttributeName=namespace,KeyType=HASH AttributeName=key,KeyType=RANGE
//! ```
//!
//! | use | permissions |
//! | --- | --- |
//! | daemon mode, big segments | `dynamodb:GetItem`, `dynamodb:Query` |
//! | writing flags | also `dynamodb:PutItem`, `dynamodb:BatchWriteItem` |
//! | copying [big segments](DynamoDbBigSegmentStore::memberships) | to write, also `dynamodb:BatchWriteItem`, `dynamodb:UpdateItem` |
//! | [leases](DynamoDbDataStore::hold_lease) | also `dynamodb:PutItem`, `dynamodb:DeleteItem` |
//!
//! # Connection
//!
//! Region and credentials are resolved at the first call by AWS's default chain: the environment,
//! the profile, web identity, and the roles of containers and machines. The
//! [builder](DynamoDbBuilder) can set them, and it [accepts an existing
//! client](DynamoDbBuilder::client) for everything else: proxies, custom certificates, roles to
//! assume. Profiles that sign in with a browser or run a program need the features `sso` and
//! `credentials-process` of the crate `aws-config`; an application enables them by depending on
//! that crate.
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
//! assert!(format!("{client:?}").contains("feature-flags"));
//! ```
//!
//! | cargo feature | enables |
//! | --- | --- |
//! | `tls-aws-lc-rs` (default) | `https://`, with rustls and the aws-lc cryptography provider, the AWS SDK's default |
//! | `tls-ring` | `https://`, with rustls and the ring cryptography provider |
//!
//! Without either feature, the endpoint must begin with `http://`, or an existing client must be set.
//!
//! Throttled requests are retried, with a backoff from 50 ms to 5 s. Each call has a timeout: 5 s
//! for one item, 10 s for reading everything and for writing one item, one minute for writing
//! everything, 2 s for a probe. The builder sets them. The first calls have more time, because
//! credentials are resolved then.
//!
//! # Cost
//!
//! DynamoDB has no cheap change notifications. In daemon mode everything is read every 30 s, or at
//! the interval of
//! [`PersistentStoreConfig::refresh_interval`](vexil::config::PersistentStoreConfig::refresh_interval):
//! 1 read unit for each 8 KB. A complete data set, which arrives with each new connection to the
//! service, is compared with the table, at 1 read unit for each 4 KB, and only rows that differ are
//! written, at 1 write unit for each KB.
//!
//! # Limitations
//!
//! - Writing everything is not atomic. Items are written before the items that refer to them, and
//!   obsolete rows are deleted last, so a reader may see old and new data mixed, but no missing
//!   items. The marker of a complete data set is written after everything else. If the table
//!   throttles, the unprocessed part of a batch is retried for up to a minute; then the call fails
//!   and the marker is not written.
//! - A row holds at most 400 KB. A larger item is skipped, and the log names it. Its old row stays,
//!   and clients that receive flags from the service use the item from memory.
//! - A missing table, missing credentials and refused access are distinguished from an unreachable
//!   database; each error names the remedy.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod backoff;
mod batch;
mod big_segments;
mod config;
mod error;
mod lease;
mod memberships;
mod row;
mod settings;
mod store;
mod table;
mod write_order;

/// The AWS client crate, for [`DynamoDbBuilder::client`].
pub use aws_sdk_dynamodb;
pub use big_segments::DynamoDbBigSegmentStore;
pub use config::DynamoDbBuilder;
pub use store::DynamoDbDataStore;

/// Compiles and runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
