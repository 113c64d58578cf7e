//! The examples of README.md have the output that they show.

use std::path::Path;

use crate::support::{Folder, words};
use vexil_testing::servers::RedisServer;

/// Runs the command lines of all blocks of the language `console`. A line with `$ ` in front is a
/// command, and the lines below it are its output. Set `VEXIL_UPDATE_README` to write the output
/// into the file.
#[test]
fn the_examples_have_the_output_that_they_show() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = manifest.join("README.md");
    let text = std::fs::read_to_string(&readme).expect("README.md");
    let shop =
        std::fs::read_to_string(manifest.join("examples/shop.yaml")).expect("examples/shop.yaml");
    let server = RedisServer::start().expect("a Redis server");

    let folder = Folder::new();
    std::fs::create_dir(folder.path("examples")).expect("a folder");
    folder.write("examples/shop.yaml", &shop);
    let database = format!("{}?prefix=ld:shop", server.url());
    let filled = folder.vexil(&["mirror", "examples/shop.yaml", &database, "--yes"]);
    assert_eq!(filled.exit, vexil_cli::Exit::Done, "{}", filled.stderr);

    let updated = with_output(&text, |command| {
        let arguments = words(&command.replace("redis://localhost", &server.url()));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let ran = folder.vexil(&arguments[1..]);
        (ran.stdout + &ran.stderr).replace(&server.url(), "redis://localhost")
    });
    if std::env::var_os("VEXIL_UPDATE_README").is_some() {
        std::fs::write(&readme, &updated).expect("README.md can be written");
    } else {
        assert_eq!(text, updated, "VEXIL_UPDATE_README=1 updates the file");
    }
}

/// Returns the text with the output of its commands replaced.
fn with_output(text: &str, output_of: impl Fn(&str) -> String) -> String {
    let mut updated = String::new();
    let mut in_block = false;
    let mut ran = 0;
    for line in text.lines() {
        if line.starts_with("```") {
            in_block = line == "```console";
        } else if let Some(command) = line.strip_prefix("$ ").filter(|_| in_block) {
            ran += 1;
            updated += &format!("{line}\n{}", output_of(command));
            continue;
        } else if in_block {
            continue;
        }
        updated += line;
        updated.push('\n');
    }
    assert!(ran >= 6, "README.md has examples");
    updated
}
