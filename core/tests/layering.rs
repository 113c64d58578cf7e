//! Enforces the order of the layers: a module imports only from those before it, and the seams do
//! not import one another.

#![cfg(test)]

use std::fs;
use std::path::{Path, PathBuf};

/// Each layer may import those before it. `ARCHITECTURE.md` has the same list.
const LAYERS: &[&[&str]] = &[
    &["drop_log", "url_text"],
    &["sync"],
    &[
        "bounds",
        "error_chain",
        "single_flight",
        "per_process",
        "per_thread",
        "tls",
        "watchdog",
    ],
    &["moment"],
    &["eval"],
    &["shards"],
    &["runtime"],
    &["store_error"],
    &["status"],
    &["meter"],
    &["http"],
    // The seams.
    &["store", "big_segments", "data_source", "events", "hooks"],
    &["daemon", "data_system"],
    &["config"],
    &["sink"],
    &["client"],
    &["migration", "global", "flags"],
    &["fuzzing"],
];

/// Pure layers, without I/O: bytes in, values out.
const PURE: &[&str] = &["url_text.rs", "http/wire"];

/// What the pure layers must not contain.
const IMPURE: &[&str] = &[
    "async ",
    "await",
    "tokio",
    "tracing",
    "Mutex",
    "RwLock",
    "SystemTime",
    "Instant::",
    "std::fs",
    "std::net",
    "crate::runtime",
    "crate::http::transport",
];

#[test]
fn modules_import_only_from_the_layers_before_them() {
    let mut violations = Vec::new();
    for (module, path, code) in production_files() {
        let own =
            layer(&module).unwrap_or_else(|| panic!("{module} has no layer: add it to LAYERS"));
        for imported in imports(&code) {
            let Some(other) = layer(&imported) else {
                continue;
            };
            if imported != module && other >= own {
                violations.push(format!("{}: {module} imports {imported}", path.display()));
            }
        }
    }
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

#[test]
fn the_architecture_has_the_same_layers() {
    let document = source().join("../../ARCHITECTURE.md");
    let document = fs::read_to_string(document).unwrap();
    let lines = LAYERS.iter().map(|layer| layer.join(" · "));
    let list = lines.collect::<Vec<_>>().join("\n");
    assert!(
        document.contains(&format!("```text\n{list}\n```")),
        "{list}"
    );
}

#[test]
fn the_pure_layers_use_no_task_clock_lock_or_log() {
    let mut violations = Vec::new();
    let source = source();
    for pure in PURE {
        assert!(source.join(pure).exists(), "{pure} does not exist");
    }
    for (_, path, code) in production_files() {
        if PURE.iter().any(|pure| path.starts_with(source.join(pure))) {
            let found = IMPURE.iter().filter(|word| code.contains(**word));
            violations.extend(found.map(|word| format!("{}: {word}", path.display())));
        }
    }
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

#[test]
fn only_the_runtime_spawns() {
    let spawning = ["tokio::spawn(", "thread::spawn(", "thread::Builder"];
    for (module, path, code) in production_files() {
        let spawns = spawning.iter().any(|word| code.contains(word));
        assert!(!spawns || module == "runtime", "{} spawns", path.display());
    }
}

/// The folder of the crate's source files.
fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Module, path and code of every file but the crate's root and the tests, without comments.
fn production_files() -> Vec<(String, PathBuf, String)> {
    let root = source();
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.extend((!path.ends_with("tests")).then_some(path));
                continue;
            }
            let name = path.strip_prefix(&root).unwrap().with_extension("");
            let module = name.iter().next().unwrap().to_str().unwrap().to_owned();
            if module != "lib" && !path.ends_with("tests.rs") {
                let code = fs::read_to_string(&path).unwrap();
                files.push((module, path, production_code(&code)));
            }
        }
    }
    assert!(files.len() > 30, "only {} files found", files.len());
    files
}

fn production_code(code: &str) -> String {
    let code = code.split("#[cfg(test)]").next().unwrap_or_default();
    code.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn imports(code: &str) -> Vec<String> {
    let names = code.split("crate::").skip(1);
    let names = names.map(|rest| {
        rest.chars()
            .take_while(|c| c.is_ascii_lowercase() || *c == '_')
            .collect::<String>()
    });
    names.filter(|name| !name.is_empty()).collect()
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}
