//! [`Survey`]: one look at a server, after the first reading, for what goes wrong unnoticed.
//!
//! A wrong prefix looks like an environment without flags, and a server that may evict keys loses
//! all flags of an environment in one go, as they are one key (STO-1.7, row 35 of section 10). What
//! the user may not ask is not asked again.

use std::process;
use std::sync::{Arc, OnceLock};

use redis::{Cmd, Value};
use tokio::task::JoinHandle;

use crate::connection::Lease;
use crate::keys::Keys;
use crate::request::{Limit, Request};

/// How many keys are looked through for similar ones, a page at a time, and how many are named.
const PAGES: usize = 20;
const PAGE: usize = 500;
const NAMED: usize = 5;

/// Takes place once, beside everything else.
#[derive(Debug, Default)]
pub(crate) struct Survey(OnceLock<Running>);

#[derive(Debug)]
struct Running {
    task: JoinHandle<()>,
    /// The process that the task belongs to. A forked one leaves it alone.
    process: u32,
}

impl Survey {
    /// `is_empty`: nothing of this prefix was there.
    pub(crate) fn start(&self, lease: &Arc<Lease>, keys: &Keys, is_empty: bool) {
        self.0.get_or_init(|| {
            let (lease, keys) = (Arc::clone(lease), keys.clone());
            let task = tokio::spawn(async move {
                warn_of_eviction(&lease, &keys).await;
                if is_empty {
                    warn_of_nothing(&lease, &keys).await;
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

impl Drop for Survey {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn warn_of_eviction(lease: &Lease, keys: &Keys) {
    let mut question = redis::cmd("CONFIG");
    question.arg("GET").arg("maxmemory-policy");
    let Some(answer) = ask(lease, keys, question).await else {
        return;
    };
    // A map in the newer protocol, a list in the older one.
    let policy = match &answer {
        Value::Map(pairs) => pairs.first().map(|(_, policy)| policy),
        Value::Array(parts) => parts.get(1),
        _ => None,
    };
    let policy = policy
        .and_then(|policy| redis::from_redis_value_ref::<String>(policy).ok())
        .unwrap_or_default();
    if policy.starts_with("allkeys-") {
        tracing::warn!(
            url = lease.settings().url,
            policy,
            "this Redis server may evict all flags of an environment at once when its memory is full"
        );
    }
}

async fn warn_of_nothing(lease: &Lease, keys: &Keys) {
    let similar = similar(lease, keys).await;
    let settings = lease.settings();
    tracing::warn!(
        url = settings.url,
        database = settings.database,
        prefix = keys.prefix(),
        ?similar,
        "there are no flags in Redis under this prefix; is it the right one?"
    );
}

/// Keys that another prefix would have.
async fn similar(lease: &Lease, keys: &Keys) -> Vec<String> {
    let mut found = Vec::new();
    let mut cursor = "0".to_owned();
    for _ in 0..PAGES {
        let mut scan = redis::cmd("SCAN");
        scan.arg(&cursor)
            .arg("MATCH")
            .arg("*:features")
            .arg("COUNT")
            .arg(PAGE);
        let answer = ask(lease, keys, scan).await;
        let page =
            answer.and_then(|answer| redis::from_redis_value::<(String, Vec<String>)>(answer).ok());
        let Some((next, page)) = page else { break };
        found.extend(page);
        if next == "0" || found.len() >= NAMED {
            break;
        }
        cursor = next;
    }
    found.truncate(NAMED);
    found
}

/// An answer, if there is one and the user may ask.
async fn ask(lease: &Lease, keys: &Keys, question: Cmd) -> Option<Value> {
    lease
        .send_one(&Request::one(&keys.marker(), question, Limit::Probe))
        .await
        .ok()
}
