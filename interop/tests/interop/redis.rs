//! One environment in Redis.

use std::sync::{Arc, LazyLock};

use serde_json::{Value as Json, json};
use vexil::config::{BigSegmentsConfig, PersistentStoreConfig};
use vexil::model::DataKind;
use vexil::store::PersistentDataStore;
use vexil_redis::{RedisBigSegmentStore, RedisDataStore};
use vexil_testing::servers::{RedisReply, RedisServer};

use crate::Database;
use crate::database::{RUNTIME, prefix};

/// Shared by all tests.
static SERVER: LazyLock<RedisServer> = LazyLock::new(|| RedisServer::start().unwrap());

pub(crate) struct RedisEnvironment {
    prefix: String,
}

impl RedisEnvironment {
    pub(crate) fn new() -> Self {
        Self { prefix: prefix() }
    }

    fn command(&self, name: &str, key: &str, arguments: &[&str]) -> RedisReply {
        let key = format!("{}:{key}", self.prefix);
        SERVER
            .command([name, &key].into_iter().chain(arguments.iter().copied()))
            .unwrap()
    }
}

impl Database for RedisEnvironment {
    fn store(&self) -> Arc<dyn PersistentDataStore> {
        let _within = RUNTIME.enter();
        Arc::new(
            RedisDataStore::builder()
                .url(SERVER.url())
                .prefix(&self.prefix)
                .build()
                .unwrap(),
        )
    }

    fn flags(&self) -> PersistentStoreConfig {
        RedisDataStore::builder()
            .url(SERVER.url())
            .prefix(&self.prefix)
            .into()
    }

    fn big_segments(&self) -> BigSegmentsConfig {
        RedisBigSegmentStore::builder()
            .url(SERVER.url())
            .prefix(&self.prefix)
            .into()
    }

    fn for_peer(&self) -> Json {
        json!({"redis": SERVER.url(), "prefix": self.prefix})
    }

    fn for_command_line(&self) -> String {
        format!("{}?prefix={}", SERVER.url(), self.prefix)
    }

    fn put(&self, kind: DataKind, key: &str, _: u64, text: &str) {
        self.command("HSET", kind.namespace(), &[key, text]);
    }

    fn text(&self, kind: DataKind, key: &str) -> Option<String> {
        self.command("HGET", kind.namespace(), &[key]).text()
    }

    fn mark(&self) {
        self.command("SET", "$inited", &[""]);
    }

    fn has_marker(&self) -> bool {
        self.command("EXISTS", "$inited", &[]) == RedisReply::Integer(1)
    }

    fn put_membership(&self, context_hash: &str, included: &[&str], excluded: &[&str]) {
        for (set, segments) in [("include", included), ("exclude", excluded)] {
            if !segments.is_empty() {
                self.command(
                    "SADD",
                    &format!("big_segment_{set}:{context_hash}"),
                    segments,
                );
            }
        }
    }

    fn put_synchronized(&self, time: u64) {
        self.command("SET", "big_segments_synchronized_on", &[&time.to_string()]);
    }
}
