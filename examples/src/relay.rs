//! [`Relay`]: what a Relay Proxy writes to Redis.

use serde_json::Value as Json;
use vexil_testing::servers::{RedisServer, ServerError};

/// The tombstone that a Relay Proxy writes for a deleted flag: a complete object, so that no reader
/// misses a property.
const DELETED: &str = r#"{"key":"$deleted","on":false,"prerequisites":[],"targets":[],"contextTargets":[],"rules":[],
    "fallthrough":{},"offVariation":null,"variations":[],"clientSide":false,"salt":"","trackEvents":false,
    "trackEventsFallthrough":false,"debugEventsUntilDate":null,"version":4,"deleted":true}"#;

/// Writes flags and segments to Redis like a Relay Proxy.
#[derive(Debug)]
pub struct Relay<'a> {
    redis: &'a RedisServer,
    prefix: &'a str,
    data: Json,
}

impl<'a> Relay<'a> {
    /// Creates a writer of this data: `{"flags": {…}, "segments": {…}}`, by key.
    ///
    /// # Errors
    /// Returns an error if the data is not JSON.
    pub fn new(
        redis: &'a RedisServer,
        prefix: &'a str,
        data: &str,
    ) -> Result<Self, serde_json::Error> {
        Ok(Self {
            redis,
            prefix,
            data: serde_json::from_str(data)?,
        })
    }

    /// Writes all items, and then the empty marker of a complete data set.
    ///
    /// # Errors
    /// Returns an error if Redis refuses a command.
    pub fn fill(&self) -> Result<(), ServerError> {
        for (name, hash) in [("segments", "segments"), ("flags", "features")] {
            for key in self.data[name]
                .as_object()
                .into_iter()
                .flat_map(serde_json::Map::keys)
            {
                self.put(hash, key, &self.item(name, key, 1).to_string())?;
            }
        }
        self.put("features", "long-gone", DELETED)?;
        self.redis
            .command(["SET", &format!("{}:$inited", self.prefix), ""])?;
        Ok(())
    }

    /// Writes the next version of a flag, which is on.
    ///
    /// # Errors
    /// Returns an error if Redis refuses the command.
    pub fn switch_on(&self, key: &str) -> Result<(), ServerError> {
        let mut flag = self.item("flags", key, 2);
        flag["on"] = true.into();
        self.put("features", key, &flag.to_string())
    }

    fn item(&self, name: &str, key: &str, version: u32) -> Json {
        let mut item = self.data[name][key].clone();
        item["key"] = key.into();
        item["version"] = version.into();
        item
    }

    fn put(&self, hash: &str, key: &str, item: &str) -> Result<(), ServerError> {
        self.redis
            .command(["HSET", &format!("{}:{hash}", self.prefix), key, item])
            .map(drop)
    }
}
