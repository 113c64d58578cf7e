//! All memberships of a store, for programs that copy them.

use std::collections::BTreeSet;

use redis::{Cmd, Value};
use vexil::big_segments::{MembershipPage, StoreError, StoredMembership};

use crate::big_segments::RedisBigSegmentStore;
use crate::error::{CommandError, store_error};
use crate::keys::Keys;
use crate::request::{Request, RequestClass};

/// How many keys the server looks at for one page.
const PAGE: usize = 1000;
const INCLUDE: &str = "big_segment_include:";
const EXCLUDE: &str = "big_segment_exclude:";
const SYNCHRONIZED_ON: &str = "big_segments_synchronized_on";

impl RedisBigSegmentStore {
    /// Reads all memberships, page by page, for programs that copy them. The first page has no
    /// cursor.
    ///
    /// Contexts that are added or removed meanwhile may be missing. Needs the permission `+scan` for
    /// all keys, also `+smembers +multi +exec`. In a cluster, the prefix must have a hash tag.
    ///
    /// ```
    /// use vexil_redis::RedisBigSegmentStore;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // Nothing listens there.
    /// let store = RedisBigSegmentStore::builder().url("redis://127.0.0.1:1").build()?;
    /// assert!(store.memberships(None).await.is_err_and(|error| error.is_temporary()));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns an error if the server cannot be reached or refuses access, or if the keys are on
    /// several nodes of a cluster.
    pub async fn memberships(&self, cursor: Option<&str>) -> Result<MembershipPage, StoreError> {
        self.check_one_node()?;
        let pattern = format!("{}:big_segment_*clude:*", escaped(self.prefix()));
        let mut scan = redis::cmd("SCAN");
        scan.arg(cursor.unwrap_or("0"))
            .arg("MATCH")
            .arg(pattern)
            .arg("COUNT")
            .arg(PAGE);
        let marker = self.key(SYNCHRONIZED_ON);
        let reply = self
            .handle()
            .send_one(&Request::one(&marker, scan, RequestClass::Bulk))
            .await
            .map_err(store_error)?;
        let (next, keys): (String, Vec<String>) =
            redis::from_redis_value(reply).map_err(|_| store_error(CommandError::Unexpected))?;
        let (include, exclude) = (self.key(INCLUDE), self.key(EXCLUDE));
        let hashes: BTreeSet<&str> = keys
            .iter()
            .filter_map(|key| {
                key.strip_prefix(&include)
                    .or_else(|| key.strip_prefix(&exclude))
            })
            .collect();
        let next = (next != "0").then_some(next);
        if hashes.is_empty() {
            return Ok(MembershipPage::new(Vec::new(), next));
        }
        let members = |key: String| {
            let mut command = redis::cmd("SMEMBERS");
            command.arg(key);
            command
        };
        let commands = hashes
            .iter()
            .flat_map(|hash| [format!("{include}{hash}"), format!("{exclude}{hash}")])
            .map(members)
            .collect();
        let mut replies = self.transact(commands).await?.into_iter();
        let mut set = || -> Result<Vec<String>, StoreError> {
            let reply = replies.next().unwrap_or(Value::Nil);
            let members = redis::from_redis_value(reply);
            members.map_err(|_| store_error(CommandError::Unexpected))
        };
        let mut memberships = Vec::with_capacity(hashes.len());
        for hash in hashes {
            let mut membership = StoredMembership::new(hash);
            membership.included = set()?;
            membership.excluded = set()?;
            memberships.push(membership);
        }
        Ok(MembershipPage::new(memberships, next))
    }

    /// Replaces the memberships of these contexts, in one transaction. A context without any is
    /// removed. Needs the permissions `+del +sadd +multi +exec`.
    ///
    /// # Errors
    /// Returns an error if the server cannot be reached or refuses access, or if the keys are on
    /// several nodes of a cluster.
    pub async fn write_memberships(
        &self,
        memberships: &[StoredMembership],
    ) -> Result<(), StoreError> {
        self.check_one_node()?;
        if memberships.is_empty() {
            return Ok(());
        }
        let mut commands = Vec::new();
        for StoredMembership {
            context_hash,
            included,
            excluded,
            ..
        } in memberships
        {
            for (name, members) in [(INCLUDE, included), (EXCLUDE, excluded)] {
                let key = format!("{}{context_hash}", self.key(name));
                let mut delete = redis::cmd("DEL");
                delete.arg(&key);
                commands.push(delete);
                if !members.is_empty() {
                    let mut add = redis::cmd("SADD");
                    add.arg(&key).arg(members);
                    commands.push(add);
                }
            }
        }
        self.transact(commands).await.map(drop)
    }

    /// Writes when the memberships were last synchronized, in milliseconds since 1970. To be called
    /// after all memberships were written.
    ///
    /// # Errors
    /// Returns an error if the server cannot be reached or refuses access.
    pub async fn write_last_synchronized(&self, milliseconds: u64) -> Result<(), StoreError> {
        let key = self.key(SYNCHRONIZED_ON);
        let mut set = redis::cmd("SET");
        set.arg(&key).arg(milliseconds);
        self.handle()
            .send_one(&Request::one(&key, set, RequestClass::Bulk))
            .await
            .map(drop)
            .map_err(store_error)
    }

    async fn transact(&self, commands: Vec<Cmd>) -> Result<Vec<Value>, StoreError> {
        let marker = self.key(SYNCHRONIZED_ON);
        let request = Request::transaction(&marker, commands, RequestClass::Bulk);
        self.handle().send(&request).await.map_err(store_error)
    }

    fn check_one_node(&self) -> Result<(), StoreError> {
        let prefix = self.prefix();
        if self.handle().is_on_one_node(&Keys::new(prefix)) {
            return Ok(());
        }
        Err(StoreError::config(format!(
            "the memberships are on several nodes of a cluster; a prefix with a hash tag, such as \
             \"{{{prefix}}}\", keeps them together"
        )))
    }
}

/// Returns a text as a pattern that matches only itself.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '*' | '?' | '[' | ']' | '^' | '-' | '\\') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_matches_only_itself() {
        assert_eq!(escaped("ld:shop"), "ld:shop");
        assert_eq!(escaped("a*b?[c]\\"), "a\\*b\\?\\[c\\]\\\\");
    }
}
