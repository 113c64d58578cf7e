//! [`StartupChecks`]: one-time checks of the server, after the first read, for silent
//! misconfiguration.
//!
//! A wrong prefix looks like an environment without flags (STO-F35), and a server that may evict
//! keys can lose all flags of an environment at once, because they are one key (STO-1.7, STO-F23).
//! A check that the user has no permission for is skipped.

use std::process;
use std::sync::{Arc, OnceLock};

use redis::{Cmd, Value};
use tokio::task::JoinHandle;

use crate::connection::StoreHandle;
use crate::keys::Keys;
use crate::request::{Request, RequestClass};

/// Limits of the search for similar keys: pages, keys a page, and keys named in the log.
const PAGES: usize = 20;
const PAGE: usize = 500;
const NAMED: usize = 5;

/// Runs once, in its own task.
#[derive(Debug, Default)]
pub(crate) struct StartupChecks(OnceLock<Running>);

#[derive(Debug)]
struct Running {
    task: JoinHandle<()>,
    /// The process that owns the task. A forked process does not abort it.
    process: u32,
}

impl StartupChecks {
    /// `is_empty`: there was no data under the prefix.
    pub(crate) fn start(&self, handle: &Arc<StoreHandle>, keys: &Keys, is_empty: bool) {
        self.0.get_or_init(|| {
            let (handle, keys) = (Arc::clone(handle), keys.clone());
            let task = tokio::spawn(async move {
                warn_about_eviction(&handle, &keys).await;
                if is_empty {
                    warn_about_empty_prefix(&handle, &keys).await;
                }
            });
            Running {
                task,
                process: process::id(),
            }
        });
    }

    pub(crate) fn stop(&self) {
        if let Some(running) = self.0.get()
            && running.process == process::id()
        {
            running.task.abort();
        }
    }
}

impl Drop for StartupChecks {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn warn_about_eviction(handle: &StoreHandle, keys: &Keys) {
    let mut get = redis::cmd("CONFIG");
    get.arg("GET").arg("maxmemory-policy");
    let Some(reply) = query(handle, keys, get).await else {
        return;
    };
    // A map in RESP3, a list in RESP2.
    let policy = match &reply {
        Value::Map(pairs) => pairs.first().map(|(_, policy)| policy),
        Value::Array(parts) => parts.get(1),
        _ => None,
    };
    let policy = policy
        .and_then(|policy| redis::from_redis_value_ref::<String>(policy).ok())
        .unwrap_or_default();
    if policy.starts_with("allkeys-") {
        tracing::warn!(
            url = handle.settings().url,
            policy,
            "this Redis server may evict all flags of an environment at once when its memory is full"
        );
    }
}

async fn warn_about_empty_prefix(handle: &StoreHandle, keys: &Keys) {
    let mut similar = Vec::new();
    find_flag_keys(handle, keys, PAGES, NAMED, &mut similar).await;
    similar.truncate(NAMED);
    let settings = handle.settings();
    tracing::warn!(
        url = settings.url,
        database = settings.database,
        prefix = keys.prefix(),
        ?similar,
        "there are no flags in Redis under this prefix; is it the right one?"
    );
}

/// Searches so many pages of keys for those of flags, under any prefix, until `enough` are found.
pub(crate) async fn find_flag_keys(
    handle: &StoreHandle,
    keys: &Keys,
    pages: usize,
    enough: usize,
    found: &mut Vec<String>,
) {
    let mut cursor = "0".to_owned();
    for _ in 0..pages {
        let mut scan = redis::cmd("SCAN");
        scan.arg(&cursor)
            .arg("MATCH")
            .arg("*:features")
            .arg("COUNT")
            .arg(PAGE);
        let reply = query(handle, keys, scan).await;
        let page =
            reply.and_then(|reply| redis::from_redis_value::<(String, Vec<String>)>(reply).ok());
        let Some((next, page)) = page else { return };
        found.extend(page);
        if next == "0" || found.len() >= enough {
            return;
        }
        cursor = next;
    }
}

/// Returns the reply; `None` if the command failed or the user has no permission for it.
async fn query(handle: &StoreHandle, keys: &Keys, command: Cmd) -> Option<Value> {
    handle
        .send_one(&Request::one(&keys.marker(), command, RequestClass::Probe))
        .await
        .ok()
}
