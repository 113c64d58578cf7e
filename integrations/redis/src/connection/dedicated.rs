//! [`Dedicated`]: a connection that is not shared.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use redis::aio::MultiplexedConnection;
use redis::{Cmd, Value};
use tokio::task::JoinHandle;

use crate::error::CommandError;

/// A connection for commands that change its state, such as `WATCH`. Dropping it closes it.
pub(crate) struct Dedicated {
    connection: MultiplexedConnection,
    /// Drives the connection's I/O; aborted on drop.
    driver: JoinHandle<()>,
}

impl Dedicated {
    pub(crate) fn new(
        connection: MultiplexedConnection,
        driver: Pin<Box<dyn Future<Output = ()> + Send>>,
    ) -> Self {
        Self {
            connection,
            driver: tokio::spawn(driver),
        }
    }

    /// Sends one command. Returns an error if the reply is one.
    pub(crate) async fn send(&mut self, command: &Cmd) -> Result<Value, CommandError> {
        match self
            .connection
            .send_packed_command(command)
            .await
            .map_err(CommandError::Lost)?
        {
            Value::ServerError(error) => Err(CommandError::Server(error)),
            reply => Ok(reply),
        }
    }
}

impl Drop for Dedicated {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl fmt::Debug for Dedicated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dedicated").finish_non_exhaustive()
    }
}
