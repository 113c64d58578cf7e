//! The examples in the help of each command run.

use std::sync::Arc;

use crate::support::{Folder, until, words};
use vexil_cli::Exit;
use vexil_testing::FakeService;
use vexil_testing::servers::RedisServer;

/// Runs each example in a folder that has the files it names. Redis and the flag service are
/// replaced by local ones.
#[test]
fn the_examples_of_each_command_run() {
    let server = RedisServer::start().expect("a Redis server");
    let service = FakeService::builder().start().expect("a fake service");
    let mut folder = Folder::with(&[
        ("flags.yaml", include_str!("../../examples/shop.yaml")),
        ("ada.json", r#"{"kind": "user", "key": "ada"}"#),
        ("contexts.jsonl", "{\"kind\": \"user\", \"key\": \"ada\"}\n"),
    ]);
    let snapshot = folder.vexil(&["show", "flags.yaml", "--all"]).stdout;
    for name in [
        "flags.json",
        "old.json",
        "new.json",
        "shop.yaml",
        "admin.yaml",
    ] {
        folder.write(name, &snapshot);
    }
    std::fs::create_dir(folder.path("deploy")).expect("a folder");
    folder.write("deploy/vexil.toml", "[sources]\nlive = \"flags.yaml\"\n");
    folder
        .variables
        .insert("VEXIL_SDK_KEY".into(), "sdk-key".into());
    let filled = format!("{}?prefix=ld:shop:live", server.url());
    let mirrored = folder.vexil(&["mirror", "flags.yaml", &filled, "--yes"]);
    assert_eq!(mirrored.exit, Exit::Done, "{}", mirrored.stderr);

    let folder = Arc::new(folder);
    let mut ran = 0;
    for command in commands(&folder) {
        // Each command finds the database as it was filled.
        let filled = folder.vexil(&["mirror", "flags.yaml", &server.url(), "--yes"]);
        assert_eq!(filled.exit, Exit::Done, "{}", filled.stderr);
        let help = folder.vexil(&["help", &command]).stdout;
        let lines = help
            .lines()
            .filter_map(|line| line.strip_prefix("  vexil "));
        for line in lines.filter(|line| line.starts_with(&command)) {
            let line = line.split(['>', '&']).next().unwrap_or(line).trim();
            let local = line
                .replace("redis://localhost", &server.url())
                .replace(" service", &format!(" relay+{}", service.url()));
            let mut arguments = words(&local);
            if command == "serve" {
                serve(&folder, &mut arguments.iter().map(String::as_str).collect());
                ran += 1;
                continue;
            }
            if ["--follow", "watch"]
                .iter()
                .any(|word| local.contains(word))
            {
                // These run until they are stopped.
                arguments.extend(["--timeout".into(), "1ms".into()]);
            }
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let example = folder.vexil(&arguments);
            let failed = [Exit::Usage, Exit::Defect].contains(&example.exit)
                || (example.exit == Exit::Unreachable && !arguments.contains(&"--timeout"));
            assert!(
                !failed,
                "vexil {local}\n{:?}\n{}",
                example.exit, example.stderr
            );
            ran += 1;
        }
    }
    assert!(ran >= 30, "{ran} examples");
}

/// Runs a server on a free port, until it listens.
fn serve(folder: &Arc<Folder>, arguments: &mut Vec<&str>) {
    if !arguments.contains(&"--listen") {
        arguments.extend(["--listen", "127.0.0.1:0"]);
    }
    let server = folder.begin(arguments);
    let output = server.written.clone();
    until("the server listens", || {
        output.stdout.text().contains("listening on") || server.has_ended()
    });
    let ended = server.interrupt();
    assert_eq!(
        ended.exit,
        Exit::Interrupted,
        "vexil {arguments:?}\n{}",
        ended.stderr
    );
}

/// The commands that the help lists.
fn commands(folder: &Folder) -> Vec<String> {
    let help = folder.vexil(&["-h"]).stdout;
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = listed.take_while(|line| !line.is_empty());
    names
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .collect()
}
