//! [`Request`]: commands that are sent together, and the parser of their replies.

use redis::{Cmd, Pipeline, Value};

use crate::error::CommandError;

/// Commands for keys in one slot. All of them can be sent again if it is unknown whether they were
/// executed.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The key that determines the cluster node.
    #[cfg_attr(
        not(feature = "cluster"),
        expect(dead_code, reason = "only a cluster has servers to choose from")
    )]
    pub(crate) key: String,
    commands: Vec<Cmd>,
    /// Whether the commands are executed atomically.
    atomic: bool,
    pub(crate) class: RequestClass,
}

/// The class of a request, which determines its timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestClass {
    /// A read of one item, which an evaluation may wait for. Fails at once while there is no
    /// connection.
    Read,
    /// A read of everything, or a write. Waits for a connection attempt if there is no connection.
    Bulk,
    /// A probe. Waits for a connection attempt if there is no connection.
    Probe,
}

impl Request {
    pub(crate) fn one(key: &str, command: Cmd, class: RequestClass) -> Self {
        Self {
            key: key.to_owned(),
            commands: vec![command],
            atomic: false,
            class,
        }
    }

    /// All commands atomically, with `MULTI` and `EXEC`.
    pub(crate) fn transaction(key: &str, commands: Vec<Cmd>, class: RequestClass) -> Self {
        Self {
            key: key.to_owned(),
            commands,
            atomic: true,
            class,
        }
    }

    /// Whether the commands are executed atomically.
    #[cfg(feature = "cluster")]
    pub(crate) fn is_atomic(&self) -> bool {
        self.atomic
    }

    /// Returns the pipeline and its number of replies. `asking`: for a node that is importing the
    /// key's slot.
    pub(crate) fn packed(&self, asking: bool) -> (Pipeline, usize) {
        let mut pipeline = Pipeline::with_capacity(self.commands.len() + 2);
        if self.atomic {
            pipeline.add_command(redis::cmd("MULTI"));
        }
        for command in &self.commands {
            if asking {
                pipeline.add_command(redis::cmd("ASKING"));
            }
            pipeline.add_command(command.clone());
        }
        if self.atomic {
            pipeline.add_command(redis::cmd("EXEC"));
        }
        let replies = pipeline.len();
        (pipeline, replies)
    }

    /// Returns the replies to the commands, or the first error among them. An error in a
    /// transaction does not roll back the rest of it, so every reply is checked (STO-1.5, step 4).
    pub(crate) fn replies(
        &self,
        mut all: Vec<Value>,
        asking: bool,
    ) -> Result<Vec<Value>, CommandError> {
        if self.atomic {
            let outcome = all.pop().ok_or(CommandError::Unexpected)?;
            first_error(&all)?;
            all = match outcome {
                Value::Array(replies) => replies,
                Value::ServerError(error) => return Err(CommandError::Server(error)),
                Value::Nil => return Err(CommandError::Contended),
                _ => return Err(CommandError::Unexpected),
            };
        } else if asking {
            all = all.into_iter().skip(1).step_by(2).collect();
        }
        first_error(&all)?;
        if all.len() == self.commands.len() {
            Ok(all)
        } else {
            Err(CommandError::Unexpected)
        }
    }
}

fn first_error(replies: &[Value]) -> Result<(), CommandError> {
    let error = replies.iter().find_map(|reply| match reply {
        Value::ServerError(error) => Some(error),
        _ => None,
    });
    error.map_or(Ok(()), |error| Err(CommandError::Server(error.clone())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The server's replies, one line for each command.
    fn replies(lines: &[&str]) -> Vec<Value> {
        lines
            .iter()
            .map(|line| redis::parse_redis_value(format!("{line}\r\n").as_bytes()).unwrap())
            .collect()
    }

    fn transaction(lines: &[&str]) -> Result<Vec<Value>, CommandError> {
        let commands = vec![redis::cmd("DEL"), redis::cmd("SET")];
        Request::transaction("k", commands, RequestClass::Bulk).replies(replies(lines), false)
    }

    // STO-1.5, step 4, and STO-F12: check every element
    #[test]
    fn any_error_in_a_transaction_is_reported() {
        assert_eq!(
            transaction(&["+OK", "+QUEUED", "+QUEUED", "*2\r\n:1\r\n+OK"])
                .unwrap()
                .len(),
            2
        );
        for (lines, code) in [
            (
                ["+OK", "+QUEUED", "+QUEUED", "*2\r\n-WRONGTYPE a\r\n+OK"],
                "WRONGTYPE",
            ),
            (["+OK", "+QUEUED", "+QUEUED", "*2\r\n:1\r\n-OOM b"], "OOM"),
            (["+OK", "-MOVED 1 a:1", "+QUEUED", "-EXECABORT c"], "MOVED"),
            (
                ["-NOPERM d", "+OK", "+OK", "-ERR EXEC without MULTI"],
                "NOPERM",
            ),
            (["+OK", "+QUEUED", "+QUEUED", "-CROSSSLOT e"], "CROSSSLOT"),
        ] {
            let Err(CommandError::Server(error)) = transaction(&lines) else {
                panic!("{lines:?}")
            };
            assert_eq!(error.code(), code);
        }
        assert!(matches!(
            transaction(&["+OK", "+QUEUED", "+QUEUED", "*-1"]),
            Err(CommandError::Contended)
        ));
        for nonsense in ["+OK", "*1\r\n:1"] {
            assert!(matches!(
                transaction(&["+OK", "+QUEUED", "+QUEUED", nonsense]),
                Err(CommandError::Unexpected)
            ));
        }
        assert!(matches!(transaction(&[]), Err(CommandError::Unexpected)));
    }

    // Redis Cluster specification: ASKING precedes each command, and has its own reply
    #[test]
    fn asking_precedes_each_command_and_its_reply_is_skipped() {
        let request = Request::one("k", redis::cmd("GET"), RequestClass::Read);
        let (pipeline, count) = request.packed(true);
        assert_eq!((pipeline.len(), count), (2, 2));
        let taken = request.replies(replies(&["+OK", ":7"]), true).unwrap();
        assert_eq!(taken, [Value::Int(7)]);
    }
}
