//! Leases: keys that one process at a time holds.

use std::time::Duration;

use redis::Value;
use vexil::store::StoreError;

use crate::error::{CommandError, store_error};
use crate::request::{Request, RequestClass};
use crate::store::RedisDataStore;

/// A longer lifetime is shortened to this: Redis refuses times beyond its calendar.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// Takes the key if it is free or held by this owner. Returns whether it did.
const HOLD: &str = r"local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1";

/// Deletes the key if this owner holds it.
const RELEASE: &str = r"if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0";

impl RedisDataStore {
    /// Takes or renews a lease for programs of which only one at a time should write to the store.
    /// Returns whether this owner has it now.
    ///
    /// The lease is the key `P:name`, and ends by itself after `lifetime` unless its owner renews
    /// it. The shortest lifetime is a millisecond, the longest a century. It does not prevent writes: programs must ask for it. `owner` identifies the program, for
    /// example by a random text. Needs the permission `+eval`, also `+get +set`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil_redis::RedisDataStore;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // Nothing listens there.
    /// let store = RedisDataStore::builder().url("redis://127.0.0.1:1").build()?;
    /// let held = store.hold_lease("copy", "process 17", Duration::from_secs(15)).await;
    /// assert!(held.is_err_and(|error| error.is_temporary()));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns an error if the server cannot be reached or refuses the script.
    pub async fn hold_lease(
        &self,
        name: &str,
        owner: &str,
        lifetime: Duration,
    ) -> Result<bool, StoreError> {
        let milliseconds = lifetime.min(LONGEST).as_millis().max(1);
        let reply = self
            .run(HOLD, name, &[owner, &milliseconds.to_string()])
            .await;
        match reply.map_err(store_error)? {
            Value::Int(held) => Ok(held == 1),
            _ => Err(store_error(CommandError::Unexpected)),
        }
    }

    /// Ends a lease before its time, if this owner has it.
    ///
    /// # Errors
    /// Returns an error if the server cannot be reached or refuses the script.
    pub async fn release_lease(&self, name: &str, owner: &str) -> Result<(), StoreError> {
        let reply = self.run(RELEASE, name, &[owner]).await;
        reply.map(drop).map_err(store_error)
    }

    /// Runs a script with one key.
    async fn run(
        &self,
        script: &str,
        name: &str,
        arguments: &[&str],
    ) -> Result<Value, CommandError> {
        let key = self.keys().named(name);
        let mut command = redis::cmd("EVAL");
        command.arg(script).arg(1).arg(&key).arg(arguments);
        self.handle()
            .send_one(&Request::one(&key, command, RequestClass::Bulk))
            .await
    }
}
