//! The exit statuses, as `vexil help exit-status` documents them. Status 6 is tested with DynamoDB,
//! in `mirror_dynamodb.rs`.

use std::process::{Command, Stdio};
use std::sync::Arc;

use rustix::process::{Pid, Signal, kill_process};
use vexil_cli::Exit;
use vexil_testing::servers::RedisServer;

use crate::support::{Folder, until};

const FLAGS: &str = r#"{"flags": {"theme": {"version": 1, "variations": ["light"]}}}"#;

#[test]
fn each_end_has_its_status() {
    let statuses = [
        (Exit::Done, 0),
        (Exit::No, 1),
        (Exit::Usage, 2),
        (Exit::Unreachable, 3),
        (Exit::Unreadable, 4),
        (Exit::Refused, 5),
        (Exit::Incomplete, 6),
        (Exit::Defect, 70),
        (Exit::Interrupted, 130),
        (Exit::Terminated, 143),
    ];
    let documented = Folder::new().vexil(&["help", "exit-status"]).stdout;
    for (exit, code) in statuses {
        assert_eq!(exit.code(), code);
        assert!(documented.contains(&format!("\n  {code} ")), "{code}");
    }
}

#[test]
fn commands_end_with_the_documented_status() {
    let server = RedisServer::start().expect("a Redis server");
    let database = format!("{}?prefix=kept", server.url());
    let folder = Folder::with(&[
        ("flags.json", FLAGS),
        (
            "other.json",
            r#"{"flags": {"theme": {"version": 2, "variations": ["dark"]}}}"#,
        ),
        ("broken.json", "{\"flags\": "),
        ("empty.json", "{}"),
    ]);
    let filled = folder.vexil(&["mirror", "flags.json", &database, "--yes"]);
    assert_eq!(filled.exit, Exit::Done, "{}", filled.stderr);
    for (arguments, exit) in [
        (&["list", "flags.json"][..], Exit::Done),
        (&["diff", "flags.json", "flags.json"], Exit::Done),
        (&["diff", "flags.json", "other.json"], Exit::No),
        (&["check", "flags.json", "--fail-on", "info"], Exit::No),
        (
            &["eval", "flags.json", "--key", "ada", "--strict"],
            Exit::No,
        ),
        (&["list", "flags.json", "--sort", "colour"], Exit::Usage),
        (&["list", "redis://ada:secret@127.0.0.1"], Exit::Usage),
        (&["list", "redis://127.0.0.1:1"], Exit::Unreachable),
        (&["list", "broken.json"], Exit::Unreadable),
        (&["list", "missing.json"], Exit::Unreadable),
        (&["show", "flags.json", "no-such-flag"], Exit::Unreadable),
        (&["mirror", "empty.json", &database, "--yes"], Exit::Refused),
    ] {
        let ran = folder.vexil(arguments);
        assert_eq!(ran.exit, exit, "{arguments:?}: {}", ran.stderr);
        let needs_help = ![Exit::Done, Exit::No].contains(&exit) && !arguments.contains(&"--sort");
        assert!(
            !needs_help || ran.stderr.contains("\nhelp: "),
            "{arguments:?}: {}",
            ran.stderr
        );
    }
    let folder = Arc::new(folder);
    let watching = folder.begin(&["watch", "flags.json"]);
    until("the state is shown", || {
        !watching.written.stdout.text().is_empty()
    });
    assert_eq!(watching.interrupt().exit, Exit::Interrupted);
}

#[cfg(unix)]
#[test]
fn a_terminated_process_says_so() {
    let folder = Folder::with(&[("flags.json", FLAGS)]);
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let mut watching = Command::new(env!("CARGO_BIN_EXE_vexil"))
            .args(["watch", "flags.json"])
            .current_dir(folder.path(""))
            .stdout(Stdio::piped())
            .spawn()
            .expect("the command starts");
        let mut stdout = watching.stdout.take().expect("standard output is piped");
        // The first byte is written after the handlers of signals were installed.
        std::io::Read::read_exact(&mut stdout, &mut [0]).expect("the state is shown");
        kill_process(Pid::from_child(&watching), signal).expect("the signal is sent");
        assert_eq!(
            watching.wait().expect("the command ends").code(),
            Some(code),
            "{signal:?}"
        );
    }
}

#[test]
fn a_reader_that_needs_no_more_is_no_error() {
    let many: Vec<String> = (0..20_000).map(|n| format!("\"flag-{n}\":{{}}")).collect();
    let folder = Folder::with(&[(
        "flags.json",
        &format!("{{\"flags\":{{{}}}}}", many.join(",")),
    )]);
    let mut listing = Command::new(env!("CARGO_BIN_EXE_vexil"))
        .args(["list", "flags.json"])
        .current_dir(folder.path(""))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    drop(listing.stdout.take());
    let output = listing.wait_with_output().expect("the command ends");
    assert_eq!(
        (output.status.code(), output.stderr.as_slice()),
        (Some(0), &b""[..])
    );
}
