//! [`Place`]: which connection and which prefix a store has; the same for both kinds of stores.

use crate::config::RedisConnectionBuilder;
use crate::connection::RedisConnection;
use crate::error::RedisConfigError;
use crate::keys::{DEFAULT_PREFIX, prefix_or_default};

/// Where a store keeps what it has.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    connection: Choice,
    prefix: String,
}

#[derive(Clone, Debug)]
enum Choice {
    Shared(RedisConnection),
    Own(Box<RedisConnectionBuilder>),
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { connection: Choice::Own(Box::new(RedisConnection::builder())), prefix: DEFAULT_PREFIX.to_owned() }
    }

    pub(crate) fn set_url(&mut self, url: String) {
        self.connection = Choice::Own(Box::new(RedisConnection::builder().url(url)));
    }

    pub(crate) fn set_connection(&mut self, connection: &RedisConnection) {
        self.connection = Choice::Shared(connection.clone());
    }

    pub(crate) fn set_prefix(&mut self, prefix: &str) {
        prefix_or_default(prefix).clone_into(&mut self.prefix);
    }

    /// The connection, and the prefix.
    pub(crate) fn open(self) -> Result<(RedisConnection, String), RedisConfigError> {
        let connection = match self.connection {
            Choice::Shared(connection) => connection,
            Choice::Own(builder) => builder.build()?,
        };
        Ok((connection, self.prefix))
    }
}
