//! The other SDKs as processes: `peer.py`, `node/peer.js` and `go/peer.go`.

use std::env;
use std::process::{Child, Command, Stdio};

use serde_json::Value as Json;

use crate::Database;

/// A client that stores the data streamed by a service, until it is ended.
pub(crate) struct Writer(Child);

impl Writer {
    pub(crate) fn start(database: &dyn Database, service: &str) -> Self {
        Self(
            command(&database.for_peer(), "write", service)
                .stdin(Stdio::piped())
                .spawn()
                .unwrap(),
        )
    }

    pub(crate) fn end(mut self) {
        // `wait` closes the standard input, which ends the process.
        let status = self.0.wait().unwrap();
        assert!(
            status.success(),
            "the Python SDK failed while writing: {status}"
        );
    }
}

/// Passes changes of single items to the store.
pub(crate) fn upsert(database: &dyn Database, changes: &Json) {
    let database = database.for_peer();
    run(command(&database, "upsert", &changes.to_string()));
}

/// Evaluates flags in daemon mode.
pub(crate) fn read(database: &dyn Database, evaluations: &Json) -> Json {
    let database = database.for_peer();
    let output = run(command(&database, "read", &evaluations.to_string()));
    serde_json::from_slice(&output).unwrap()
}

/// Evaluates flags with a data system that receives them from a service.
pub(crate) fn receive(system: &Json, evaluations: &Json) -> Json {
    let output = run(command(system, "receive", &evaluations.to_string()));
    serde_json::from_slice(&output).unwrap()
}

/// The SDKs beside Python's that are installed, by name, with the command that evaluates with each.
pub(crate) fn others() -> Vec<(&'static str, Command)> {
    let node = env::var_os("VEXIL_INTEROP_NODE_MODULES").map(|modules| {
        let mut command = Command::new("node");
        command
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/node/peer.js"))
            .env("NODE_PATH", modules);
        ("Node", command)
    });
    let go = env::var_os("VEXIL_INTEROP_GO").map(|program| ("Go", Command::new(program)));
    node.into_iter().chain(go).collect()
}

/// Evaluates flags in daemon mode with one of the [`others`].
pub(crate) fn read_with(mut peer: Command, database: &dyn Database, evaluations: &Json) -> Json {
    peer.args([
        &database.for_peer().to_string(),
        "read",
        &evaluations.to_string(),
    ]);
    serde_json::from_slice(&run(peer)).unwrap()
}

fn run(mut command: Command) -> Vec<u8> {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(
        output.status.success(),
        "{command:?} failed:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

fn command(origin: &Json, action: &str, argument: &str) -> Command {
    let python = env::var_os("VEXIL_INTEROP_PYTHON")
        .expect("VEXIL_INTEROP_PYTHON is set by scripts/interop");
    let mut command = Command::new(python);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/peer.py"));
    command.args([&origin.to_string(), action, argument]);
    command
}
