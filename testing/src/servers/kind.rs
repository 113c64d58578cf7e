//! [`ServerKind`]: what a test server is, and the order in which kinds are tried.

use std::{env, fmt};

use super::ServerError;
use super::host::{Host, Image};

/// Restricts the servers of tests to one kind.
const VARIABLE: &str = "VEXIL_SERVERS";

/// What a test server is. The kinds are tried in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ServerKind {
    /// A running server that an environment variable names.
    Running,
    /// A program of this machine, started by the test.
    Program,
    /// A container, started by the test. Only with the feature `containers`.
    Container,
}

impl ServerKind {
    const ALL: [Self; 3] = [Self::Running, Self::Program, Self::Container];

    /// Returns the only kind that may be used: the value of the environment variable
    /// `VEXIL_SERVERS`, which is `running`, `program` or `container`. Returns `None` if the
    /// variable is not set or empty.
    ///
    /// ```
    /// use vexil_testing::servers::{RedisServer, ServerKind};
    ///
    /// if let Some(kind) = ServerKind::required()? {
    ///     assert_eq!(RedisServer::start()?.kind(), kind);
    /// }
    /// # Ok::<(), vexil_testing::servers::ServerError>(())
    /// ```
    ///
    /// # Errors
    /// Returns an error for any other value.
    pub fn required() -> Result<Option<Self>, ServerError> {
        let value = env::var_os(VARIABLE).unwrap_or_default();
        Self::parse(&value.to_string_lossy())
    }

    fn parse(value: &str) -> Result<Option<Self>, ServerError> {
        if value.is_empty() {
            return Ok(None);
        }
        let found = Self::ALL.into_iter().find(|kind| kind.name() == value);
        found.map(Some).ok_or_else(|| ServerError::Setting {
            variable: VARIABLE,
            value: value.to_owned(),
            expected: "running, program or container",
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Program => "program",
            Self::Container => "container",
        }
    }
}

impl fmt::Display for ServerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A kind of server that was not available, in [`ServerError::Unavailable`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TriedServer {
    /// The kind that was tried.
    pub kind: ServerKind,
    /// Why it was not available, and how to make it available.
    pub reason: String,
}

impl fmt::Display for TriedServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.reason)
    }
}

/// The result of looking for a server of one kind.
#[derive(Debug)]
pub(super) enum Found<T> {
    Yes(T),
    /// It is not available, for this reason.
    No(String),
}

/// A kind, and a function that looks for a server of it.
pub(super) type Candidate<'a, T> = (ServerKind, &'a dyn Fn() -> Result<Found<T>, ServerError>);

/// Returns the first candidate that is available, of the required kind only if there is one. A
/// candidate that is available but fails is an error: the next one would hide the failure.
pub(super) fn first<T>(
    server: &'static str,
    required: Option<ServerKind>,
    candidates: &[Candidate<'_, T>],
) -> Result<T, ServerError> {
    let mut tried = Vec::new();
    for (kind, look) in candidates {
        let kind = *kind;
        let reason = if required.is_none_or(|required| required == kind) {
            match look()? {
                Found::Yes(found) => return Ok(found),
                Found::No(reason) => reason,
            }
        } else {
            format!("excluded by {VARIABLE}")
        };
        tried.push(TriedServer { kind, reason });
    }
    Err(ServerError::Unavailable { server, tried })
}

/// Chooses where the servers of a group run. A server that other servers have to reach requires
/// their kind.
pub(super) fn host(
    server: &'static str,
    required: Option<ServerKind>,
    program: &dyn Fn() -> Result<Found<Host>, ServerError>,
    image: Image,
    ports: usize,
) -> Result<Host, ServerError> {
    let running = || {
        let reason = "the test controls its server, so it cannot be a running one";
        Ok(Found::No(reason.to_owned()))
    };
    let container = || container(image, ports);
    let candidates: &[Candidate<'_, _>] = &[
        (ServerKind::Running, &running),
        (ServerKind::Program, program),
        (ServerKind::Container, &container),
    ];
    let required = required.map_or_else(ServerKind::required, |kind| Ok(Some(kind)))?;
    first(server, required, candidates)
}

#[cfg(feature = "containers")]
fn container(image: Image, ports: usize) -> Result<Found<Host>, ServerError> {
    super::container::Container::start(image, ports)
}

#[cfg(not(feature = "containers"))]
fn container(_: Image, _: usize) -> Result<Found<Host>, ServerError> {
    let reason = "the feature `containers` of vexil-testing is off";
    Ok(Found::No(reason.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// Looks for servers of which those in `available` exist. Returns the kind found, or the error,
    /// and which kinds were tried.
    fn search(
        required: Option<ServerKind>,
        available: &[ServerKind],
    ) -> (Result<ServerKind, ServerError>, Vec<ServerKind>) {
        let looked = RefCell::new(Vec::new());
        let look = |kind| {
            looked.borrow_mut().push(kind);
            Ok(if available.contains(&kind) {
                Found::Yes(kind)
            } else {
                Found::No(format!("no {kind} here"))
            })
        };
        let candidates: &[Candidate<'_, _>] = &[
            (ServerKind::Running, &|| look(ServerKind::Running)),
            (ServerKind::Program, &|| look(ServerKind::Program)),
            (ServerKind::Container, &|| look(ServerKind::Container)),
        ];
        let found = first("Redis", required, candidates);
        (found, looked.into_inner())
    }

    #[test]
    fn a_running_server_comes_before_a_program_and_a_program_before_a_container() {
        use ServerKind::{Container, Program, Running};
        for (available, expected) in [
            (&[Running, Program, Container][..], Running),
            (&[Program, Container], Program),
            (&[Container], Container),
        ] {
            let (found, looked) = search(None, available);
            assert_eq!(found.unwrap(), expected);
            // What comes later is not touched: a container would be started.
            assert_eq!(looked.last(), Some(&expected));
        }
    }

    #[test]
    fn only_the_required_kind_is_used() {
        for kind in ServerKind::ALL {
            let (found, looked) = search(Some(kind), &ServerKind::ALL);
            assert_eq!(found.unwrap(), kind);
            assert_eq!(looked, [kind]);

            let others: Vec<_> = ServerKind::ALL
                .into_iter()
                .filter(|other| *other != kind)
                .collect();
            let (found, looked) = search(Some(kind), &others);
            assert!(matches!(found, Err(ServerError::Unavailable { .. })));
            assert_eq!(looked, [kind]);
        }
    }

    #[test]
    fn the_error_names_what_was_tried() {
        let (none, _) = search(None, &[]);
        assert_eq!(
            none.unwrap_err().to_string(),
            "no server for tests: Redis is not available (running: no running here; \
             program: no program here; container: no container here)"
        );
        let (excluded, _) = search(Some(ServerKind::Container), &[ServerKind::Program]);
        assert_eq!(
            excluded.unwrap_err().to_string(),
            "no server for tests: Redis is not available (running: excluded by VEXIL_SERVERS; \
             program: excluded by VEXIL_SERVERS; container: no container here)"
        );
    }

    #[test]
    fn a_server_that_fails_is_not_replaced() {
        let ended = || {
            Err(ServerError::Ended {
                program: "redis-server",
                output: "bad directive".to_owned(),
            })
        };
        let candidates: &[Candidate<'_, ()>] = &[
            (ServerKind::Program, &ended),
            (ServerKind::Container, &|| Ok(Found::Yes(()))),
        ];
        let found = first("Redis", None, candidates);
        assert!(matches!(found, Err(ServerError::Ended { .. })));
    }

    #[test]
    fn an_unknown_kind_is_an_error() {
        assert_eq!(ServerKind::parse("").unwrap(), None);
        for kind in ServerKind::ALL {
            assert_eq!(ServerKind::parse(kind.name()).unwrap(), Some(kind));
        }
        assert_eq!(
            ServerKind::parse("docker").unwrap_err().to_string(),
            "VEXIL_SERVERS is `docker`, expected running, program or container"
        );
    }
}
