//! [`RedisRelay`]: a Redis with the environment, which can lose its data.

use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use vexil_testing::servers::RedisServer;

use super::{Failure, MEMBERS, PREFIX, member};
use crate::environment::{Environment, Item, VIP_REFERENCE};
use crate::losses::Losses;

/// A user whose clients are not notified of changes.
pub(crate) const USER: &str = "untracked";
const RIGHTS: &str = "~* +@all -client|tracking";

#[derive(Debug)]
pub(crate) struct RedisRelay {
    pub(crate) server: RedisServer,
    /// Shared by clients that live until the end of the process.
    pub(crate) losses: &'static Losses,
    /// Held by a fault until the database is complete again.
    writing: Mutex<()>,
    /// Changed items that are not in the database yet.
    missed: Mutex<Vec<Item>>,
}

/// The exclusive right to write to the database.
pub(crate) struct Exclusive<'a> {
    relay: &'a RedisRelay,
    _writing: MutexGuard<'a, ()>,
}

impl RedisRelay {
    pub(super) fn start() -> Result<Self, Failure> {
        let server = RedisServer::builder()
            .acl_user(USER, USER, RIGHTS)
            .start()?;
        Ok(Self {
            server,
            losses: Box::leak(Box::new(Losses::new())),
            writing: Mutex::default(),
            missed: Mutex::default(),
        })
    }

    pub(crate) fn lock(&self) -> Exclusive<'_> {
        Exclusive {
            relay: self,
            _writing: self.writing.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Writes the current version of an item, and those of earlier ones that were not written. While
    /// a fault holds the lock, the item is only remembered.
    pub(super) fn publish(&self, environment: &Environment, item: Item) -> Result<(), Failure> {
        let missed = || self.missed.lock().unwrap_or_else(PoisonError::into_inner);
        missed().push(item);
        let Ok(_writing) = self.writing.try_lock() else {
            return Ok(());
        };
        self.put_all(environment, std::mem::take(&mut missed()))
    }

    /// Writes the items that were not written because of a fault.
    pub(super) fn catch_up(&self, environment: &Environment) -> Result<(), Failure> {
        let _exclusive = self.lock();
        let missed = self
            .missed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .split_off(0);
        self.put_all(environment, missed)
    }

    fn put_all(&self, environment: &Environment, items: Vec<Item>) -> Result<(), Failure> {
        items
            .into_iter()
            .try_for_each(|item| self.put(environment, item))
    }

    /// The stored versions of the flags under a prefix, by key.
    pub(crate) fn stored(&self, prefix: &str) -> Result<Vec<(String, String)>, Failure> {
        let reply = self
            .server
            .command(["HGETALL", &format!("{prefix}:features")])?;
        let texts = reply.list().unwrap_or_default();
        let text = |at: usize| {
            texts
                .get(at)
                .and_then(|text| text.text())
                .unwrap_or_default()
        };
        Ok((0..texts.len() / 2)
            .map(|pair| (text(2 * pair), text(2 * pair + 1)))
            .collect())
    }

    fn put(&self, environment: &Environment, item: Item) -> Result<(), Failure> {
        self.server.command(set(environment, item))?;
        Ok(())
    }

    fn put_memberships(&self) -> Result<(), Failure> {
        for number in 0..MEMBERS {
            let hash = STANDARD.encode(Sha256::digest(member(number)));
            let key = format!("{PREFIX}:big_segment_include:{hash}");
            self.server.command(["SADD", &key, VIP_REFERENCE])?;
        }
        let key = format!("{PREFIX}:big_segments_synchronized_on");
        self.server
            .command(["SET", &key, &super::dynamodb::now()])?;
        Ok(())
    }

    fn mark(&self) -> Result<(), Failure> {
        self.server
            .command(["SET", &format!("{PREFIX}:$inited"), ""])?;
        Ok(())
    }
}

/// The command that writes the current version of an item.
fn set(environment: &Environment, item: Item) -> [String; 4] {
    let json = item.json(environment.version(item)).to_string();
    let hash = format!("{PREFIX}:{}", item.collection());
    ["HSET".to_owned(), hash, item.key(), json]
}

/// Runs the commands in its arguments, each after its number of words.
const ALL_AT_ONCE: &str = "local at = 1
while at <= #ARGV do
  local count = tonumber(ARGV[at])
  redis.call(unpack(ARGV, at + 1, at + count))
  at = at + count + 1
end";

impl Exclusive<'_> {
    /// Writes all items and the marker atomically, as most writers do at their start.
    pub(crate) fn complete_at_once(&self, environment: &Environment) -> Result<(), Failure> {
        let mark = ["SET".to_owned(), format!("{PREFIX}:$inited"), String::new()];
        let commands = Item::all().map(|item| set(environment, item).to_vec());
        let words = commands
            .chain([mark.to_vec()])
            .flat_map(|command| std::iter::once(command.len().to_string()).chain(command));
        let script = ["EVAL", ALL_AT_ONCE, "0"].map(String::from);
        let script: Vec<_> = script.into_iter().chain(words).collect();
        self.relay.server.command(script)?;
        self.memberships()
    }

    /// Writes everything.
    pub(crate) fn complete(&self, environment: &Environment) -> Result<(), Failure> {
        for item in Item::all() {
            self.put(environment, item)?;
        }
        self.memberships()?;
        self.mark()
    }

    pub(crate) fn put(&self, environment: &Environment, item: Item) -> Result<(), Failure> {
        self.relay.put(environment, item)
    }

    pub(crate) fn memberships(&self) -> Result<(), Failure> {
        self.relay.put_memberships()
    }

    pub(crate) fn mark(&self) -> Result<(), Failure> {
        self.relay.mark()
    }

    /// Replaces an item with text that is not JSON.
    pub(crate) fn corrupt(&self, item: Item) -> Result<(), Failure> {
        let hash = format!("{PREFIX}:{}", item.collection());
        self.relay
            .server
            .command(["HSET", &hash, &item.key(), "{\"key\":"])?;
        Ok(())
    }
}
