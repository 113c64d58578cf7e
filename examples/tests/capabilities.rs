//! The table of capabilities is proved by tests that exist, and the README shows the same table.

#![cfg(test)]

use std::fs;
use std::path::Path;

/// A row of the table in `docs/capabilities.md`.
struct Row {
    /// The cells that the README shows, and the proof.
    cells: Vec<String>,
}

impl Row {
    /// The rows of all tables in a document, without their separators.
    fn all(document: &str) -> Vec<Self> {
        let rows = document.lines().filter(|line| line.starts_with("| "));
        let cells = |row: &str| {
            let row = row.trim_matches('|');
            row.split('|').map(|cell| cell.trim().to_owned()).collect()
        };
        rows.filter(|row| !row.contains("---"))
            .map(|row| Self { cells: cells(row) })
            .collect()
    }

    fn shown(&self) -> &[String] {
        &self.cells[..5]
    }

    /// Whether the row is about a capability that this SDK has, not a heading.
    fn is_claimed(&self) -> bool {
        !matches!(self.cells[1].as_str(), "" | "–" | "vexil")
    }

    /// What is wrong with the proof.
    fn problem(&self) -> Option<String> {
        let codes: Vec<_> = self.cells[5].split('`').skip(1).step_by(2).collect();
        let (path, test) = match codes[..] {
            [path] => (path, None),
            [path, test] => (path, Some(test)),
            _ => return Some("no proof".to_owned()),
        };
        let Ok(source) = fs::read_to_string(root().join(path)) else {
            return Some(format!("{path} is missing"));
        };
        let is_proved = match test {
            Some(test) => is_test(&source, test),
            // Each invocation of a suite is a module of tests.
            None => source.contains("_conformance!"),
        };
        (!is_proved).then(|| format!("{path} has no such test: {test:?}"))
    }
}

#[test]
fn a_test_proves_each_capability() {
    let rows = Row::all(&read("docs/capabilities.md"));
    let claimed: Vec<_> = rows.iter().filter(|row| row.is_claimed()).collect();
    assert!(claimed.len() > 25, "the table has {} rows", claimed.len());
    let problems: Vec<_> = claimed
        .iter()
        .filter_map(|row| Some((&row.cells[0], row.problem()?)))
        .collect();
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn the_readme_shows_the_same_table() {
    let readme = read("README.md");
    let section = readme
        .split("\n## ")
        .find(|section| section.starts_with("Capabilities\n"));
    let readme = Row::all(section.unwrap());
    let table = Row::all(&read("docs/capabilities.md"));
    let expected: Vec<_> = table.iter().map(Row::shown).collect();
    let shown: Vec<_> = readme.iter().map(Row::shown).collect();
    assert_eq!(shown, expected);
}

#[test]
fn a_missing_proof_is_found() {
    let row = |proof: &str| Row::all(&format!("| a | yes | – | – | – | {proof} |")).remove(0);
    let this = "`examples/tests/capabilities.rs`";
    assert!(
        row(&format!("{this} `a_missing_proof_is_found`"))
            .problem()
            .is_none()
    );
    // Functions that are no tests, and tests that are only mentioned.
    for proof in [
        String::new(),
        "`examples/tests/missing.rs` `a_missing_proof_is_found`".to_owned(),
        format!("{this} `is_test`"),
        format!("{this} `a_test_that_was_renamed`"),
    ] {
        assert!(row(&proof).problem().is_some(), "{proof}");
    }
}

/// Whether `source` has a test of this name.
fn is_test(source: &str, name: &str) -> bool {
    let mut attributes = Vec::new();
    for line in source.lines().map(str::trim) {
        if line.starts_with("#[") {
            attributes.push(line);
        } else if line.contains(&format!("fn {name}(")) {
            return attributes
                .iter()
                .any(|attribute| attribute.contains("test"));
        } else {
            attributes.clear();
        }
    }
    false
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}
