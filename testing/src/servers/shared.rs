//! Servers that are shared by the tests of a process, or external.

use std::env;
use std::sync::{Mutex, PoisonError};

use super::{DynamoDbLocal, RedisCluster, RedisServer, ServerError, ServerKind};

/// Returns the URL of a Redis for tests: the value of `VEXIL_REDIS_URL`, or else a server that the
/// first call starts and that ends with this process.
///
/// # Errors
/// Returns an error if no server can be started; the message says what was tried.
pub fn redis_url() -> Result<String, ServerError> {
    static SERVER: Shared<RedisServer> = Shared::new();
    SERVER.get("VEXIL_REDIS_URL", RedisServer::start, RedisServer::url)
}

/// Returns the URLs of the nodes of a Redis Cluster for tests: the comma-separated value of
/// `VEXIL_REDIS_CLUSTER_URLS`, or else a cluster that the first call starts and that ends with this
/// process.
///
/// # Errors
/// Returns an error if no cluster can be started; the message says what was tried.
pub fn redis_cluster_urls() -> Result<Vec<String>, ServerError> {
    static CLUSTER: Shared<RedisCluster> = Shared::new();
    let urls = CLUSTER.get("VEXIL_REDIS_CLUSTER_URLS", RedisCluster::start, |cluster| {
        cluster.urls().join(",")
    })?;
    Ok(urls.split(',').map(|url| url.trim().to_owned()).collect())
}

/// Returns the URL of a DynamoDB for tests: the value of `VEXIL_DYNAMODB_URL`, or else a DynamoDB
/// Local that the first call starts and that ends with this process.
///
/// # Errors
/// Returns an error if no server can be started; the message says what was tried.
pub fn dynamodb_url() -> Result<String, ServerError> {
    static SERVER: Shared<DynamoDbLocal> = Shared::new();
    SERVER.get(
        "VEXIL_DYNAMODB_URL",
        DynamoDbLocal::start,
        DynamoDbLocal::url,
    )
}

/// A server that is started on first use.
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
        let may_run = ServerKind::required()?.is_none_or(|kind| kind == ServerKind::Running);
        let running = env::var(variable)
            .ok()
            .filter(|url| may_run && !url.is_empty());
        if let Some(url) = running {
            return Ok(url);
        }
        // Locked while the server starts, so that concurrent callers wait for the same one.
        let mut server = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *server {
            Some(server) => Ok(url(server)),
            none => {
                let started = start().map_err(|mut error| {
                    if let ServerError::Unavailable { tried, .. } = &mut error
                        && let Some(tried) = tried.first_mut().filter(|_| may_run)
                    {
                        tried.reason = format!("{variable} is not set");
                    }
                    error
                });
                Ok(url(none.insert(started?)))
            }
        }
    }
}
