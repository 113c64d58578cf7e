//! Flags in Redis.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use vexil::big_segments::{MembershipPage, StoredMembership};
use vexil::store::StoreError;
use vexil_redis::{
    RedisBigSegmentStore, RedisConfigError, RedisConnection, RedisConnectionBuilder,
    RedisCredentials, RedisDataStore,
};

use super::{Database, Lease, Memberships, chain};
use crate::exit::Failure;
use crate::output::escaped;
use crate::session::Session;
use crate::source::place::{Redis, RedisServers};

/// How long other prefixes are searched for.
pub(super) const SEARCH_TIME: Duration = Duration::from_secs(1);

const TIMEOUT: Duration = Duration::from_secs(5);
/// For reading everything.
const BULK_TIMEOUT: Duration = Duration::from_secs(30);

const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_');

pub(super) fn open(place: &Redis, shown: &str, session: &Session<'_>) -> Result<Database, Failure> {
    let refuse = |error: RedisConfigError| {
        let error: &(dyn std::error::Error + 'static) = &error;
        Failure::usage(format_args!("{shown}: {}", escaped(&chain(error))))
            .help("\"vexil help sources\" describes the URLs of Redis")
    };
    let connection = connection(place, session)?.build().map_err(refuse)?;
    let prefix = place.prefix.as_deref().unwrap_or("launchdarkly");
    let flags = RedisDataStore::builder().connection(&connection);
    let flags = Arc::new(flags.prefix(prefix).build().map_err(refuse)?);
    let members = RedisBigSegmentStore::builder().connection(&connection);
    let members = Arc::new(members.prefix(prefix).build().map_err(refuse)?);
    Ok(Database {
        store: Arc::clone(&flags) as _,
        lease: Arc::clone(&flags) as _,
        big_segments: Arc::clone(&members) as _,
        memberships: members,
        prefix: prefix.to_owned(),
        redis: Some(flags),
    })
}

fn connection(place: &Redis, session: &Session<'_>) -> Result<RedisConnectionBuilder, Failure> {
    let scheme = if place.secure { "rediss" } else { "redis" };
    let url = |host: &String| format!("{scheme}://{host}");
    let builder = RedisConnection::builder();
    let mut builder = match &place.servers {
        RedisServers::One(host) => builder.url(url(host)),
        RedisServers::Socket(path) => {
            let path = path.to_string_lossy();
            builder.url(format!("unix://{}", utf8_percent_encode(&path, PATH)))
        }
        RedisServers::Cluster(hosts) => {
            let mut urls = hosts.iter().map(url);
            // The grammar has at least one host.
            let first = urls.next().unwrap_or_default();
            builder.url(first).cluster(urls)
        }
        RedisServers::Sentinel { master, sentinels } => {
            // The port of the sentinels is theirs if the URL has none.
            let sentinels = sentinels.iter().map(|host| match has_port(host) {
                true => url(host),
                false => format!("{scheme}://{host}:26379"),
            });
            // The URL has only the scheme for the servers.
            builder
                .url(format!("{scheme}://localhost"))
                .sentinels(master.clone(), sentinels)
        }
    };
    if let Some(number) = place.database {
        builder = builder.database(number);
    }
    let password = match &place.password {
        Some(password) => Some(password.read("the password", session)?),
        None => None,
    };
    let password = password.as_ref().map(|password| password.expose());
    builder = match (&place.user, password) {
        (Some(user), password) => {
            builder.credentials(RedisCredentials::user(user, password.unwrap_or_default()))
        }
        (None, Some(password)) => builder.credentials(RedisCredentials::password(password)),
        (None, None) => builder,
    };
    if let Some(ca) = &place.ca {
        builder = builder.ca_certs(ca);
    }
    if let Some(cert) = &place.cert {
        builder = builder.cert_file(cert);
    }
    let timeout = place.timeout.unwrap_or(TIMEOUT);
    Ok(builder
        .connect_timeout(timeout)
        .read_timeout(timeout)
        .probe_timeout(timeout)
        .bulk_timeout(place.timeout.unwrap_or(BULK_TIMEOUT)))
}

fn has_port(host: &str) -> bool {
    let after_address = host.rsplit(']').next().unwrap_or(host);
    after_address.contains(':')
}

#[async_trait]
impl Lease for RedisDataStore {
    async fn hold(&self, name: &str, owner: &str, lifetime: Duration) -> Result<bool, StoreError> {
        self.hold_lease(name, owner, lifetime).await
    }

    async fn release(&self, name: &str, owner: &str) -> Result<(), StoreError> {
        self.release_lease(name, owner).await
    }
}

#[async_trait]
impl Memberships for RedisBigSegmentStore {
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
