//! Servers that the tests of a process share, or that run elsewhere.

use std::env;
use std::sync::{Mutex, PoisonError};

use super::{DynamoDbLocal, RedisCluster, RedisServer, ServerError};

/// The URL of a Redis that tests may fill: what `VEXIL_REDIS_URL` says, or else a server that is
/// started by the first call and ends with this process.
///
/// # Errors
/// If no server can be started; the message says what to install.
pub fn redis_url() -> Result<String, ServerError> {
    static SERVER: Shared<RedisServer> = Shared::new();
    SERVER.get("VEXIL_REDIS_URL", RedisServer::start, RedisServer::url)
}

/// The URLs of the nodes of a Redis Cluster that tests may fill: what `VEXIL_REDIS_CLUSTER_URLS`
/// says, with commas between, or else a cluster that is started by the first call and ends with
/// this process.
///
/// # Errors
/// If no cluster can be started; the message says what to install.
pub fn redis_cluster_urls() -> Result<Vec<String>, ServerError> {
    static CLUSTER: Shared<RedisCluster> = Shared::new();
    let urls = CLUSTER.get("VEXIL_REDIS_CLUSTER_URLS", RedisCluster::start, |cluster| {
        cluster.urls().join(",")
    })?;
    Ok(urls.split(',').map(|url| url.trim().to_owned()).collect())
}

/// The URL of a DynamoDB that tests may fill: what `VEXIL_DYNAMODB_URL` says, or else a DynamoDB
/// Local that is started by the first call and ends with this process.
///
/// # Errors
/// If no server can be started; the message says what to install.
pub fn dynamodb_url() -> Result<String, ServerError> {
    static SERVER: Shared<DynamoDbLocal> = Shared::new();
    SERVER.get(
        "VEXIL_DYNAMODB_URL",
        DynamoDbLocal::start,
        DynamoDbLocal::url,
    )
}

/// A server that is started when it is first asked for.
#[derive(Debug)]
struct Shared<S>(Mutex<Option<S>>);

impl<S> Shared<S> {
    const fn new() -> Self {
        Self(Mutex::new(None))
    }

    fn get(
        &self,
        variable: &str,
        start: fn() -> Result<S, ServerError>,
        url: fn(&S) -> String,
    ) -> Result<String, ServerError> {
        if let Some(url) = env::var(variable).ok().filter(|url| !url.is_empty()) {
            return Ok(url);
        }
        // Held while the server starts: whoever comes meanwhile waits for the same one.
        let mut server = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *server {
            Some(server) => Ok(url(server)),
            none => Ok(url(none.insert(start()?))),
        }
    }
}
