//! Writes one item if it is newer: by a script, which the server executes atomically, or, where
//! scripts are refused, by watching the hash. STO-1.6.

use std::sync::LazyLock;
use std::time::Duration;

use redis::{Script, ServerErrorKind, Value};
use serde::Deserialize;
use tokio::time::{sleep, timeout_at};
use vexil::json::replace_lone_surrogates;
use vexil::store::{StoredItem, WriteOutcome};

use crate::connection::{Dedicated, StoreHandle};
use crate::error::CommandError;
use crate::request::{Request, RequestClass};

/// Returns the stored item if it is at least as new. Otherwise writes the item and returns nil, or
/// 1 if the version of the replaced item cannot be read.
///
/// The server's JSON parser rejects lone surrogates, which other SDKs write. The text is then
/// decoded again without them. Escaped backslashes are removed first, because they may precede text
/// that only looks like an escape.
const SCRIPT: &str = r"local stored = redis.call('HGET', KEYS[1], ARGV[1])
local unreadable = false
if stored then
  local decoded, item = pcall(cjson.decode, stored)
  if not decoded then
    decoded, item = pcall(cjson.decode, (stored:gsub('\\\\', ''):gsub('\\u[dD][89a-fA-F]%x%x', '?')))
  end
  if decoded and type(item) == 'table' and type(item.version) == 'number' then
    if item.version >= tonumber(ARGV[2]) then return stored end
  else
    unreadable = true
  end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
if unreadable then return 1 end
return nil";

/// The hash of the script for `EVALSHA`.
static SCRIPT_HASH: LazyLock<String> = LazyLock::new(|| Script::new(SCRIPT).get_hash().to_owned());

/// How often another client may change the hash while it is watched.
const ATTEMPTS: u32 = 10;

/// An item to write, and its hash and key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Write<'a> {
    /// The hash.
    pub(crate) hash: &'a str,
    pub(crate) key: &'a str,
    pub(crate) item: &'a StoredItem,
}

/// The result of a write.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) upsert: WriteOutcome,
    /// Whether the item replaced one whose version cannot be read.
    pub(crate) replaced_unreadable: bool,
}

impl Outcome {
    fn written(replaced_unreadable: bool) -> Self {
        Self {
            upsert: WriteOutcome::Written,
            replaced_unreadable,
        }
    }

    fn superseded(stored: Vec<u8>) -> Self {
        Self {
            upsert: WriteOutcome::Superseded(Some(StoredItem::new(stored))),
            replaced_unreadable: false,
        }
    }
}

impl Write<'_> {
    /// Writes by the script. If the server runs no scripts, the error satisfies [`is_refused`].
    pub(crate) async fn by_script(self, handle: &StoreHandle) -> Result<Outcome, CommandError> {
        let run = |command: &str, script: &str| {
            let mut command = redis::cmd(command);
            command
                .arg(script)
                .arg(1)
                .arg(self.hash)
                .arg(self.key)
                .arg(self.version())
                .arg(&self.item.body[..]);
            Request::one(self.hash, command, RequestClass::Bulk)
        };
        let reply = match handle.send_one(&run("EVALSHA", &SCRIPT_HASH)).await {
            Err(error) if error.server_kind() == Some(ServerErrorKind::NoScript) => {
                handle.send_one(&run("EVAL", SCRIPT)).await?
            }
            outcome => outcome?,
        };
        match reply {
            Value::Nil => Ok(Outcome::written(false)),
            Value::Int(_) => Ok(Outcome::written(true)),
            Value::BulkString(stored) => Ok(Outcome::superseded(stored)),
            _ => Err(CommandError::Unexpected),
        }
    }

    /// Writes by watching the hash, over a dedicated connection.
    pub(crate) async fn by_watching(self, handle: &StoreHandle) -> Result<Outcome, CommandError> {
        let deadline = handle.deadline(RequestClass::Bulk);
        let mut connection = handle.dedicated(self.hash, deadline).await?;
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                sleep(delay_before(attempt)).await;
            }
            match timeout_at(deadline, self.watch_once(&mut connection))
                .await
                .unwrap_or(Err(CommandError::Timeout))
            {
                Err(CommandError::Contended) => {}
                outcome => return outcome,
            }
        }
        Err(CommandError::Contended)
    }

    async fn watch_once(self, connection: &mut Dedicated) -> Result<Outcome, CommandError> {
        let mut watch = redis::cmd("WATCH");
        connection.send(watch.arg(self.hash)).await?;
        let mut get = redis::cmd("HGET");
        let stored = match connection.send(get.arg(self.hash).arg(self.key)).await? {
            Value::BulkString(stored) => Some(stored),
            _ => None,
        };
        let version = stored.as_deref().and_then(version_of);
        match (stored, version) {
            (Some(stored), Some(version)) if version >= self.version() as f64 => {
                connection.send(&redis::cmd("UNWATCH")).await?;
                Ok(Outcome::superseded(stored))
            }
            (stored, version) => {
                connection.send(&redis::cmd("MULTI")).await?;
                let mut set = redis::cmd("HSET");
                connection
                    .send(set.arg(self.hash).arg(self.key).arg(&self.item.body[..]))
                    .await?;
                match connection.send(&redis::cmd("EXEC")).await? {
                    Value::Nil => Err(CommandError::Contended),
                    Value::Array(replies) => match replies.into_iter().next() {
                        Some(Value::ServerError(error)) => Err(CommandError::Server(error)),
                        Some(_) => Ok(Outcome::written(stored.is_some() && version.is_none())),
                        None => Err(CommandError::Unexpected),
                    },
                    _ => Err(CommandError::Unexpected),
                }
            }
        }
    }

    /// The version to write: that of the item, or else that in its text.
    fn version(self) -> u64 {
        self.item
            .version
            .or_else(|| version_of(&self.item.body).map(|version| version as u64))
            .unwrap_or(0)
    }
}

/// The random delay before a repeated attempt. Its bound doubles, so that many writers of one hash
/// come apart also where each attempt is slow.
fn delay_before(attempt: u32) -> Duration {
    let bound = 20 << attempt.min(5);
    Duration::from_millis(fastrand::u64(1..=bound))
}

/// The version in an item's text. Returns `None` if it cannot be read.
fn version_of(body: &[u8]) -> Option<f64> {
    #[derive(Deserialize)]
    struct Versioned {
        version: f64,
    }
    let text = str::from_utf8(body).ok()?;
    // serde would accept a list of the fields in order.
    if !text.trim_ascii_start().starts_with('{') {
        return None;
    }
    let read = |text: &str| serde_json::from_str::<Versioned>(text).ok();
    // Property names may contain lone surrogates.
    let item = read(text).or_else(|| read(&replace_lone_surrogates(text)?));
    item.map(|item| item.version)
}

/// Whether the server, or a proxy in front of it, refuses to run scripts for this user.
pub(crate) fn is_refused(error: &CommandError) -> bool {
    let CommandError::Server(error) = error else {
        return false;
    };
    let unknown = error
        .details()
        .is_some_and(|details| details.contains("unknown command"));
    error.kind() == Some(ServerErrorKind::NoPerm) || unknown
}
