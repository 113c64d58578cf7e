//! Help, manual pages, completions and the exit statuses of wrong command lines.

use crate::support::Folder;
use vexil_cli::Exit;

const COMMANDS: [&str; 9] = [
    "eval",
    "explain",
    "generate",
    "list",
    "show",
    "config",
    "completions",
    "man",
    "help",
];

#[test]
fn each_command_has_three_examples() {
    let folder = Folder::new();
    for command in COMMANDS {
        let ran = folder.vexil(&["help", command]);
        let examples = ran
            .stdout
            .split("Examples:")
            .nth(1)
            .unwrap_or_else(|| panic!("{command} has no examples"));
        let lines = examples
            .lines()
            .filter(|line| line.starts_with(&format!("  vexil {command}")))
            .count();
        assert_eq!(lines, 3, "{command}: {examples}");
        let same = folder.vexil(&[command, "--help"]);
        assert!(
            same.exit == Exit::Done && same.stdout.contains("Examples:"),
            "{command}"
        );
    }
}

#[test]
fn the_topics_are_explained() {
    let folder = Folder::new();
    let statuses = folder.vexil(&["help", "exit-status"]).stdout;
    for status in ["0", "1", "2", "3", "4", "5", "6", "70", "130", "143"] {
        assert!(
            statuses
                .lines()
                .any(|line| line.trim_start().starts_with(&format!("{status} "))),
            "{status}"
        );
    }
    let sources = folder.vexil(&["help", "sources"]).stdout;
    for scheme in ["redis://", "dynamodb://", "service", "relay+http", "env:"] {
        assert!(sources.contains(scheme), "{scheme}");
    }
    let unknown = folder.vexil(&["help", "no-such-topic"]);
    assert_eq!(unknown.exit, Exit::Usage);
}

#[test]
fn a_wrong_command_line_is_an_error_of_usage() {
    let folder = Folder::new();
    for arguments in [
        &[][..],
        &["evla"],
        &["eval"],
        &["show", "flags.json"],
        &["list", "--sort", "colour", "x"],
    ] {
        let ran = folder.vexil(arguments);
        assert_eq!(
            (ran.exit, ran.stdout.as_str()),
            (Exit::Usage, ""),
            "{arguments:?}"
        );
        assert!(!ran.stderr.is_empty());
    }
    assert_eq!(
        folder.vexil(&["--version"]).stdout,
        concat!("vexil ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

#[test]
fn manual_pages_and_completions_are_written() {
    let folder = Folder::new();
    let ran = folder.vexil(&["man", "pages"]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (Exit::Done, ""));
    for command in COMMANDS {
        let page = folder.path("pages").join(format!("vexil-{command}.1"));
        let text = std::fs::read_to_string(&page)
            .unwrap_or_else(|error| panic!("{}: {error}", page.display()));
        assert!(text.contains(".SH SYNOPSIS"), "{command}");
    }
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ran = folder.vexil(&["completions", shell]);
        assert!(
            ran.exit == Exit::Done && ran.stdout.contains("explain"),
            "{shell}"
        );
    }
}

#[test]
fn the_settings_are_printed_without_secrets() {
    let settings =
        "[sources]\nlive = \"flags.json\"\n\n[check]\nallow = [\"theme:no-off-variation\"]\n";
    let folder = Folder::with(&[("vexil.toml", settings)]);
    let ran = folder.vexil(&["config"]);
    assert!(
        ran.stdout
            .ends_with("[check]\nallow = [\"theme:no-off-variation\"]\n"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("\nlive = "), "{}", ran.stdout);
    folder.write(
        "vexil.toml",
        "[sources]\nlive = 3\npassword = \"hunter2\"\n",
    );
    let wrong = folder.vexil(&["config"]);
    assert_eq!(wrong.exit, Exit::Usage);
    assert!(
        wrong.stderr.contains("line 2") && !wrong.stderr.contains("hunter2"),
        "{}",
        wrong.stderr
    );
}
