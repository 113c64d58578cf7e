//! Flags in DynamoDB.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use vexil::big_segments::{MembershipPage, StoredMembership};
use vexil::config::ConfigError;
use vexil::store::StoreError;
use vexil_dynamodb::{DynamoDbBigSegmentStore, DynamoDbBuilder, DynamoDbDataStore};

use super::{Database, Lease, Memberships, chain};
use crate::exit::Failure;
use crate::output::escaped;
use crate::session::Session;
use crate::source::place::DynamoDb;

const TIMEOUT: Duration = Duration::from_secs(5);
/// For reading everything.
const BULK_TIMEOUT: Duration = Duration::from_secs(30);

pub(super) fn open(place: &DynamoDb, session: &Session<'_>) -> Result<Database, Failure> {
    let refuse = |error: ConfigError| {
        let error: &(dyn std::error::Error + 'static) = &error;
        Failure::usage(format_args!(
            "dynamodb://{}: {}",
            escaped(&place.table),
            escaped(&chain(error))
        ))
        .help("\"vexil help sources\" describes the URLs of DynamoDB")
    };
    let flags = configured(DynamoDbDataStore::builder(&place.table), place, session);
    let members = configured(
        DynamoDbBigSegmentStore::builder(&place.table),
        place,
        session,
    );
    let members = Arc::new(members.build().map_err(refuse)?);
    let flags = Arc::new(flags.build().map_err(refuse)?);
    Ok(Database {
        store: Arc::clone(&flags) as _,
        lease: flags,
        big_segments: Arc::clone(&members) as _,
        memberships: members,
        prefix: place.prefix.clone(),
        #[cfg(feature = "redis")]
        redis: None,
    })
}

fn configured<S>(
    builder: DynamoDbBuilder<S>,
    place: &DynamoDb,
    session: &Session<'_>,
) -> DynamoDbBuilder<S> {
    let timeout = place.timeout.unwrap_or(TIMEOUT);
    let mut builder = builder
        .prefix(&place.prefix)
        .read_timeout(timeout)
        .probe_timeout(timeout)
        .bulk_timeout(place.timeout.unwrap_or(BULK_TIMEOUT));
    let variable = |name: &str| session.io.variable(name);
    if let Some(region) = place.region.as_deref().or_else(|| variable("AWS_REGION")) {
        builder = builder.region(region);
    }
    if let Some(endpoint) = &place.endpoint {
        builder = builder.endpoint(endpoint);
    }
    // The first in the chain of AWS, which finds temporary credentials and roles by itself.
    if variable("AWS_SESSION_TOKEN").is_none()
        && let Some(id) = variable("AWS_ACCESS_KEY_ID")
        && let Some(secret) = variable("AWS_SECRET_ACCESS_KEY")
    {
        builder = builder.credentials(id, secret);
    }
    builder
}

#[async_trait]
impl Lease for DynamoDbDataStore {
    async fn hold(&self, name: &str, owner: &str, lifetime: Duration) -> Result<bool, StoreError> {
        self.hold_lease(name, owner, lifetime).await
    }

    async fn release(&self, name: &str, owner: &str) -> Result<(), StoreError> {
        self.release_lease(name, owner).await
    }
}

#[async_trait]
impl Memberships for DynamoDbBigSegmentStore {
    async fn page(&self, cursor: Option<&str>) -> Result<MembershipPage, StoreError> {
        self.memberships(cursor).await
    }

    async fn write(&self, memberships: &[StoredMembership]) -> Result<(), StoreError> {
        self.write_memberships(memberships).await
    }

    async fn write_time(&self, milliseconds: u64) -> Result<(), StoreError> {
        self.write_last_synchronized(milliseconds).await
    }
}
