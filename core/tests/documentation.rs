//! The documentation of the published crates: enough examples that run, and a front page that lists
//! the features.
//!
//! The source is read as text. That the examples pass is the business of `cargo test --doc`.

#![cfg(test)]

use std::fs;
use std::path::{Path, PathBuf};

/// For each 10,000 lines of source, without tests.
const EXAMPLES: usize = 100;

/// The crates that applications and components depend on.
const CRATES: &[&str] = &[
    "core",
    "derive",
    "eval",
    "testing",
    "cli",
    "service",
    "integrations/dynamodb",
    "integrations/file-data",
    "integrations/openfeature",
    "integrations/opentelemetry",
    "integrations/redis",
    "integrations/tower",
];

#[test]
fn the_client_has_100_examples_that_run_for_10_000_lines() {
    let mut files = source_files("core");
    let lines: usize = files.iter().map(|(_, code)| code.lines().count()).sum();
    let examples: usize = files.iter().map(|(_, code)| examples(code)).sum();
    assert!(lines > 10_000, "only {lines} lines were found");
    let needed = (lines * EXAMPLES).div_ceil(10_000);
    files.retain(|(_, code)| public_items(code) > self::examples(code));
    files.sort_by_key(|(_, code)| self::examples(code).abs_diff(public_items(code)));
    let lacking: Vec<_> = files
        .iter()
        .rev()
        .take(10)
        .map(|(path, code)| {
            let (items, examples) = (public_items(code), self::examples(code));
            format!("{}: {examples} for {items} public items", path.display())
        })
        .collect();
    assert!(
        examples >= needed,
        "{lines} lines have {examples} examples that run, {} too few. Most are missing in:\n{}",
        needed - examples,
        lacking.join("\n")
    );
}

#[test]
fn the_front_page_lists_each_feature_and_whether_it_is_a_default() {
    let mut missing = Vec::new();
    let mut found = 0;
    for name in CRATES {
        let manifest = read(&root().join(name).join("Cargo.toml"));
        let page = front_page(&read(&root().join(name).join("src/lib.rs")));
        for (feature, is_default) in features(&manifest) {
            found += 1;
            if !is_listed(&page, &feature, is_default) {
                let default = if is_default { " (default)" } else { "" };
                missing.push(format!("{name}: `{feature}`{default}"));
            }
        }
    }
    assert!(found > 20, "only {found} features were found");
    assert!(
        missing.is_empty(),
        "the front page does not list these features:\n{}",
        missing.join("\n")
    );
}

#[test]
fn only_examples_that_run_are_counted() {
    let code = "
        //! ```
        //! assert!(true);
        //! ```
        /// ```rust
        /// ```
        ///
        /// ```should_panic
        /// ```
        pub fn ran() {}
        /// ```no_run
        /// ```
        /// ```ignore
        /// ```
        /// ```text
        /// ```
        /// ```compile_fail,E0277
        /// ```
        pub async fn not_run() {}
        // ```
        // ```
        let text = \"```\";
        pub(crate) fn not_public() {}
    ";
    assert_eq!((examples(code), public_items(code)), (3, 2));
}

#[test]
fn features_are_found_with_their_defaults() {
    let manifest = "
[features]
default = [
    \"http\",
    \"zip\",
]
# Over the network.
http = [
    \"dep:hyper\",
]
zip = []
# For the fuzzer. Not part of the API.
fuzzing = []
metrics = [\"http\"]

[dependencies]
other = \"1\"
";
    let features = features(manifest);
    let expected = [("http", true), ("zip", true), ("metrics", false)];
    assert_eq!(features, expected.map(|(name, is)| (name.to_owned(), is)));

    let page = "- `http` (default): requests\n| `metrics` | numbers |\nand `zip` (default)";
    for (feature, is_default, expected) in [
        ("http", true, true),
        ("http", false, false),
        ("metrics", false, true),
        ("metrics", true, false),
        ("zip", true, false),
        ("none", false, false),
    ] {
        let is_listed = is_listed(page, feature, is_default);
        assert_eq!(is_listed, expected, "{feature} {is_default}");
    }
}

/// The number of code blocks in documentation that `cargo test --doc` runs.
fn examples(code: &str) -> usize {
    let (mut count, mut is_open) = (0, false);
    for line in code.lines().map(str::trim_start) {
        let text = line.strip_prefix("///").or(line.strip_prefix("//!"));
        let Some(text) = text else {
            is_open = false;
            continue;
        };
        if let Some(language) = text.trim_start().strip_prefix("```") {
            if !is_open {
                count += usize::from(matches!(language, "" | "rust" | "should_panic"));
            }
            is_open = !is_open;
        }
    }
    count
}

fn public_items(code: &str) -> usize {
    const ITEMS: [&str; 7] = [
        "pub fn ",
        "pub const fn ",
        "pub async fn ",
        "pub struct ",
        "pub enum ",
        "pub trait ",
        "pub type ",
    ];
    let is_public = |line: &&str| ITEMS.iter().any(|item| line.trim_start().starts_with(item));
    code.lines().filter(is_public).count()
}

/// The features that are part of the API, and whether they are on by default.
fn features(manifest: &str) -> Vec<(String, bool)> {
    let section = manifest.split("\n[features]").nth(1).unwrap_or_default();
    let section = section.split("\n[").next().unwrap_or_default();
    let defaults = section.split("\ndefault = [").nth(1).unwrap_or_default();
    let defaults = defaults.split(']').next().unwrap_or_default();
    let (mut features, mut comment) = (Vec::new(), String::new());
    for line in section.lines() {
        if let Some(text) = line.strip_prefix('#') {
            comment.push_str(text);
            continue;
        }
        if let Some((name, _)) = line.split_once(" = ")
            && name != "default"
            && !comment.contains("Not part of the API")
        {
            features.push((name.to_owned(), defaults.contains(&format!("\"{name}\""))));
        }
        comment.clear();
    }
    features
}

/// The text of a crate's first page.
fn front_page(code: &str) -> String {
    let lines = code.lines().filter_map(|line| line.strip_prefix("//! "));
    lines.map(|line| format!("{line}\n")).collect()
}

/// Whether an item of a list, or a row of a table, begins with this feature.
fn is_listed(page: &str, feature: &str, is_default: bool) -> bool {
    page.lines().any(|line| {
        let text = line.strip_prefix("- ").or(line.strip_prefix("| "));
        let rest = text.and_then(|text| text.strip_prefix(&format!("`{feature}`")));
        rest.is_some_and(|rest| rest.starts_with(" (default)") == is_default)
    })
}

/// Path and text of the source files of a crate, without tests.
fn source_files(name: &str) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    let mut folders = vec![root().join(name).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.extend((!path.ends_with("tests")).then_some(path));
            } else if !path.ends_with("tests.rs") {
                let code = read(&path);
                let code = code.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
                files.push((path, code.to_owned()));
            }
        }
    }
    assert!(files.len() > 10, "only {} files found", files.len());
    files
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
