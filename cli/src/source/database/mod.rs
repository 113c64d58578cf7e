//! Flags in Redis and DynamoDB.

#[cfg(feature = "dynamodb")]
mod dynamodb;
#[cfg(feature = "redis")]
mod redis;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use vexil::Text;
use vexil::big_segments::{BigSegmentStore, MembershipPage, StoredMembership};
use vexil::store::{Collection, PersistentDataStore, StoreError, StoredItem};

use super::Contents;
use super::file::Header;
use super::place::Place;
use super::reason::{chain, timed_out, unreachable};
use crate::exit::{Exit, Failure};
use crate::output::escaped;
use crate::session::Session;
use crate::snapshot::{Snapshot, StoredText};

/// An open database.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) store: Arc<dyn PersistentDataStore>,
    lease: Arc<dyn Lease>,
    pub(super) big_segments: Arc<dyn BigSegmentStore>,
    pub(super) memberships: Arc<dyn Memberships>,
    /// The prefix of the keys; empty if there is none.
    prefix: String,
    /// Finds other prefixes.
    #[cfg(feature = "redis")]
    redis: Option<Arc<vexil_redis::RedisDataStore>>,
}

/// A database that is written to.
#[derive(Debug)]
pub(crate) struct Writable {
    pub(crate) store: Arc<dyn PersistentDataStore>,
    pub(crate) lease: Arc<dyn Lease>,
}

/// A key or row that one process at a time holds.
#[async_trait]
pub(crate) trait Lease: Debug + Send + Sync {
    /// Takes or renews the lease. Returns whether this owner has it now.
    async fn hold(&self, name: &str, owner: &str, lifetime: Duration) -> Result<bool, StoreError>;

    /// Ends the lease, if this owner has it.
    async fn release(&self, name: &str, owner: &str) -> Result<(), StoreError>;
}

/// All memberships of contexts in big segments.
#[async_trait]
pub(crate) trait Memberships: BigSegmentStore {
    /// Reads a page. The first page has no cursor.
    async fn page(&self, cursor: Option<&str>) -> Result<MembershipPage, StoreError>;

    /// Replaces the memberships of these contexts. One without any is removed.
    async fn write(&self, memberships: &[StoredMembership]) -> Result<(), StoreError>;

    /// Writes when they were last synchronized.
    async fn write_time(&self, milliseconds: u64) -> Result<(), StoreError>;
}

/// Opens a database. This does not connect.
#[cfg_attr(
    not(any(feature = "redis", feature = "dynamodb")),
    expect(unused_variables, reason = "no database can be opened")
)]
pub(super) fn open(place: &Place, shown: &str, session: &Session<'_>) -> Result<Database, Failure> {
    match place {
        #[cfg(feature = "redis")]
        Place::Redis(place) => redis::open(place, shown, session),
        #[cfg(not(feature = "redis"))]
        Place::Redis(_) => Err(super::url::not_built("Redis", "redis")),
        #[cfg(feature = "dynamodb")]
        Place::DynamoDb(place) => dynamodb::open(place, session),
        #[cfg(not(feature = "dynamodb"))]
        Place::DynamoDb(_) => Err(super::url::not_built("DynamoDB", "dynamodb")),
        _ => Err(Failure::usage(format_args!("{shown} is not a database"))
            .help("only Redis and DynamoDB can be written to: redis://HOST, dynamodb://TABLE")),
    }
}

/// Opens a database to write to it.
pub(super) fn store(
    place: &Place,
    shown: &str,
    session: &Session<'_>,
) -> Result<Writable, Failure> {
    let Database { store, lease, .. } = open(place, shown, session)?;
    Ok(Writable { store, lease })
}

/// Reads a database that contains flags.
pub(super) async fn read(
    place: &Place,
    shown: &str,
    session: &mut Session<'_>,
) -> Result<Contents, Failure> {
    let database = open(place, shown, session)?;
    let snapshot = database.snapshot(shown).await?;
    let is_initialized = snapshot.initialized == Some(true);
    let is_empty = snapshot.items().next().is_none();
    if is_empty && !is_initialized {
        return Err(database.is_empty(shown).await);
    }
    if !is_initialized {
        session.output.warn(format_args!(
            "flags are there but the marker \"{}\" is not: a writer may have stopped half way",
            escaped(&database.marker())
        ));
    }
    Ok(Contents {
        source: shown.to_owned(),
        snapshot,
        documents: Vec::new(),
        big_segments: Some(database.big_segments),
    })
}

impl Database {
    pub(super) async fn snapshot(&self, shown: &str) -> Result<Snapshot, Failure> {
        tracing::info!(source = shown, "reading all flags and segments");
        let stored = self.store.snapshot().await;
        let stored = stored.map_err(|error| failure(shown, &error))?;
        let mut snapshot = Snapshot {
            initialized: Some(stored.initialized),
            ..Snapshot::default()
        };
        for Collection { kind, items, .. } in stored.collections {
            let items: BTreeMap<Text, StoredText> = items
                .into_iter()
                .map(|(key, item)| (key, text(item)))
                .collect();
            *snapshot.of_mut(kind) = items;
        }
        Ok(snapshot)
    }

    fn marker(&self) -> String {
        if self.prefix.is_empty() {
            "$inited".to_owned()
        } else {
            format!("{}:$inited", self.prefix)
        }
    }

    /// The failure of a database without flags. Names other prefixes, if the database can list
    /// them.
    async fn is_empty(&self, shown: &str) -> Failure {
        let message = if self.prefix.is_empty() {
            format!("{shown}: nothing is stored without a prefix")
        } else {
            format!(
                "{shown}: nothing is stored under the prefix \"{}\"",
                escaped(&self.prefix)
            )
        };
        let failure = Failure::new(Exit::Unreadable, message);
        let others = self.other_prefixes().await;
        let escaped: Vec<_> = others.iter().map(|prefix| escaped(prefix)).collect();
        match escaped.as_slice() {
            [] => failure.help("is it the right database? ?prefix=NAME selects another prefix"),
            [one] => failure.help(format_args!(
                "1 other prefix holds flags: {one}. Add ?prefix={one}"
            )),
            all => failure.help(format_args!(
                "{} other prefixes hold flags: {}. Add ?prefix=…",
                all.len(),
                all.join(", ")
            )),
        }
    }

    #[cfg(feature = "redis")]
    async fn other_prefixes(&self) -> Vec<String> {
        match &self.redis {
            Some(redis) => redis.other_prefixes(redis::SEARCH_TIME).await,
            None => Vec::new(),
        }
    }

    #[cfg(not(feature = "redis"))]
    async fn other_prefixes(&self) -> Vec<String> {
        Vec::new()
    }
}

/// An item as the SDK reads it: what the database stores beside the text takes precedence.
pub(crate) fn text(stored: StoredItem) -> StoredText {
    let header = std::str::from_utf8(&stored.body).map(Header::of);
    let header = header.unwrap_or_default();
    let body = stored.body.trim_ascii();
    let is_deleted = stored.deleted == Some(true) || body.is_empty() || body == b"null";
    StoredText {
        version: stored
            .version
            .filter(|version| *version > 0)
            .or(header.version)
            .unwrap_or_default(),
        deleted: is_deleted || header.deleted,
        json: stored.body,
    }
}

/// The failure of a request to a database.
pub(super) fn failure(shown: &str, error: &StoreError) -> Failure {
    let text = chain(error);
    // Without the sentence of the SDK, which the one of this program replaces.
    let detail = text
        .split_once(": ")
        .map_or(text.as_str(), |(_, detail)| detail);
    if let Some((sentence, help)) = advice(&text) {
        return Failure::new(Exit::Unreachable, format_args!("{shown}: {sentence}")).help(help);
    }
    match error {
        StoreError::Timeout => timed_out(shown),
        StoreError::Auth { .. } => Failure::new(
            Exit::Unreachable,
            format_args!("{shown} refuses access: {}", escaped(detail)),
        )
        .help(
            "check the user, the password and the permissions; ?password-env=NAME names the \
             variable of a Redis password",
        ),
        StoreError::Unavailable { .. } => unreachable(shown, &text),
        _ => Failure::new(
            Exit::Unreachable,
            format_args!("{shown} cannot be used: {}", escaped(detail)),
        )
        .help("\"vexil help sources\" describes the parameters of a database"),
    }
}

/// The sentence and the remedy of errors whose own remedy is for programs.
fn advice(error: &str) -> Option<(&'static str, &'static str)> {
    let known = [
        (
            "no AWS region",
            "no AWS region is configured",
            "add ?region=NAME, or set AWS_REGION",
        ),
        (
            "no AWS credentials",
            "there are no AWS credentials",
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
        ),
        (
            "IMDS",
            "there are no AWS credentials",
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
        ),
        (
            "is part of a Redis Cluster",
            "the server is part of a Redis Cluster",
            "write redis+cluster://HOST, and the prefix as its writer does, for example \
             ?prefix={launchdarkly}",
        ),
        (
            "a Redis Cluster has only the database 0",
            "there is no database of this number, or the user may not select it",
            "leave out the database, or correct it",
        ),
    ];
    let found = known.iter().find(|(words, ..)| error.contains(words));
    found.map(|(_, sentence, help)| (*sentence, *help))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_beside_a_text_takes_precedence() {
        let item = |body: &'static str| StoredItem::new(body);
        for (stored, version, deleted) in [
            (item(r#"{"version": 3}"#), 3, false),
            (item(r#"{"version": 3}"#).with_version(5), 5, false),
            (item(r#"{"version": 3}"#).with_version(0), 3, false),
            (item(r#"{"version": 3, "deleted": true}"#), 3, true),
            (item(r#"{"version": 3}"#).with_deleted(true), 3, true),
            (item(""), 0, true),
            (item(" null").with_version(7), 7, true),
            (item("[malformed"), 0, false),
            (item("{}"), 0, false),
        ] {
            let read = text(stored.clone());
            assert_eq!(
                (read.version, read.deleted),
                (version, deleted),
                "{stored:?}"
            );
            assert_eq!(read.json, stored.body);
        }
    }
}
