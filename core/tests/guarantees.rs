//! Enforces that the guarantees of the documentation are proved by tests.
//!
//! `docs/guarantees.md` names tests for each guarantee, and `docs/guarantees/fault-tests.md` for
//! each fault row of `docs/protocol/`. A test is named by its file and function, as in
//! `core/tests/store.rs::a_new_store_is_empty_and_not_initialized`.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

const GUARANTEES: &str = "docs/guarantees.md";
const FAULTS: &str = "docs/guarantees/fault-tests.md";
const PROTOCOL: &str = "docs/protocol";

/// Clauses of the conformance suites are tests of each implementation that runs the suite.
const SUITES: &str = "testing/src/conformance/";

#[test]
fn each_guarantee_and_each_fault_of_the_protocol_names_tests_that_exist() {
    let problems = Repository::read().problems();
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn missing_tests_rows_and_citations_are_found() {
    let faults = "| id | tests |\n| --- | --- |\n| SRC-F1 | `a.rs::proves` |\n";
    let guarantees = "| fault | tests |\n| --- | --- |\n| silence | `a.rs::proves` |\n";
    let test = "// SRC-F1\n#[tokio::test(start_paused = true)]\nasync fn proves() {}\n";
    let problems = |change: &dyn Fn(&mut Repository)| {
        let mut repository = Repository::of(&[
            ("a.rs", test),
            (FAULTS, faults),
            (GUARANTEES, guarantees),
            (
                "docs/protocol/a.md",
                "## SRC-1 Words\n| SRC-F1 | silence |\n",
            ),
        ]);
        change(&mut repository);
        repository.problems()
    };
    assert_eq!(problems(&|_| {}), [""; 0]);

    let absent = problems(&|repository| repository.replace("a.rs", "proves", "proved"));
    assert_eq!(
        absent,
        [
            "docs/guarantees.md: a.rs has no test `proves`",
            "docs/guarantees/fault-tests.md: a.rs has no test `proves`",
        ]
    );
    let helper = problems(&|repository| repository.replace("a.rs", "tokio::test", "allow"));
    assert_eq!(helper, absent, "a function that is not a test");
    assert_eq!(
        problems(&|repository| repository.remove("a.rs")),
        [
            "docs/guarantees.md: no file a.rs",
            "docs/guarantees/fault-tests.md: no file a.rs",
        ]
    );
    assert_eq!(
        problems(&|repository| repository.replace("a.rs", "SRC-F1", "SRC-F11")),
        ["docs/guarantees/fault-tests.md: SRC-F1 is not cited above `a.rs::proves`"]
    );
    assert_eq!(
        problems(&|repository| repository.append("docs/protocol/a.md", "| SRC-F2 | noise |\n")),
        ["docs/guarantees/fault-tests.md: no row for SRC-F2"]
    );
    let unknown = "| SRC-F3 | `a.rs::proves` |\n";
    assert_eq!(
        problems(&|repository| repository.append(FAULTS, unknown)),
        [
            "docs/guarantees/fault-tests.md: SRC-F3 is not in docs/protocol",
            "docs/guarantees/fault-tests.md: SRC-F3 is not cited above `a.rs::proves`",
        ]
    );
    assert_eq!(
        problems(&|repository| repository.append(FAULTS, "| SRC-F1 | `a.rs::proves` |\n")),
        ["docs/guarantees/fault-tests.md: two rows for SRC-F1"]
    );
    assert_eq!(
        problems(&|repository| repository.replace(FAULTS, "`a.rs::proves`", "none")),
        ["docs/guarantees/fault-tests.md: SRC-F1 names no test"]
    );
    assert_eq!(
        problems(&|repository| repository.append(GUARANTEES, "| noise | soon |\n")),
        ["docs/guarantees.md: no test for \"noise\""]
    );
    let figures = "\n| fault | count |\n| --- | --- |\n| noise | 7 |\n";
    assert_eq!(
        problems(&|repository| repository.append(GUARANTEES, figures)),
        [""; 0],
        "a table without a column of tests"
    );
}

#[test]
fn a_clause_of_a_conformance_suite_is_a_test_if_the_suite_lists_it() {
    let clause = "testing/src/conformance/store/reads.rs::returns_a_row";
    let problems = |listed: &str| {
        let suite = format!("reads [\n    {listed}\n]");
        let guarantees = format!("| fault | tests |\n| --- | --- |\n| none | `{clause}` |\n");
        let repository = Repository::of(&[
            ("testing/src/conformance/store/mod.rs", &suite),
            (
                "testing/src/conformance/store/reads.rs",
                "pub async fn returns_a_row() {}",
            ),
            (FAULTS, ""),
            (GUARANTEES, &guarantees),
        ]);
        repository.problems().len()
    };
    assert_eq!(problems("returns_a_row"), 0);
    assert_eq!(problems("returns_a_row_twice"), 1);
}

/// The text of files by their path from the root of the repository.
struct Repository(BTreeMap<String, String>);

impl Repository {
    /// Reads the documents and the files that they name.
    fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut repository = Self(BTreeMap::new());
        let mut add = |path: &str| {
            if let Ok(text) = fs::read_to_string(root.join(path)) {
                repository.0.insert(path.to_owned(), text);
            }
        };
        add(GUARANTEES);
        add(FAULTS);
        for file in fs::read_dir(root.join(PROTOCOL)).unwrap() {
            let name = file.unwrap().file_name().into_string().unwrap();
            add(&format!("{PROTOCOL}/{name}"));
        }
        let named: BTreeSet<_> = [GUARANTEES, FAULTS]
            .into_iter()
            .flat_map(|document| named_tests(repository.text(document)))
            .flat_map(|(file, _)| [file.to_owned(), suite_of(file)])
            .collect();
        for path in named {
            if let Ok(text) = fs::read_to_string(root.join(&path)) {
                repository.0.insert(path, text);
            }
        }
        repository
    }

    fn of(files: &[(&str, &str)]) -> Self {
        let owned = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
        Self(files.iter().map(owned).collect())
    }

    fn replace(&mut self, path: &str, from: &str, to: &str) {
        let text = self.0.get_mut(path).unwrap();
        *text = text.replace(from, to);
    }

    fn append(&mut self, path: &str, more: &str) {
        self.0.get_mut(path).unwrap().push_str(more);
    }

    fn remove(&mut self, path: &str) {
        self.0.remove(path);
    }

    fn text(&self, path: &str) -> &str {
        self.0
            .get(path)
            .unwrap_or_else(|| panic!("there is no {path}"))
    }

    /// Everything that is wrong, one line each.
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for document in [GUARANTEES, FAULTS] {
            for (file, name) in named_tests(self.text(document)) {
                match self.0.get(file) {
                    None => problems.push(format!("{document}: no file {file}")),
                    Some(_) if self.comment_of_test(file, name).is_none() => {
                        problems.push(format!("{document}: {file} has no test `{name}`"));
                    }
                    Some(_) => {}
                }
            }
        }
        for row in rows_with_tests(self.text(GUARANTEES)) {
            if named_tests(row.text).is_empty() {
                problems.push(format!("{GUARANTEES}: no test for \"{}\"", row.first));
            }
        }
        self.check_faults(&mut problems);
        problems
    }

    fn check_faults(&self, problems: &mut Vec<String>) {
        let (mut faults, mut rules) = (BTreeSet::new(), BTreeSet::new());
        for (path, text) in &self.0 {
            if path.starts_with(PROTOCOL) {
                faults.extend(ids(&FAULT_ROW, text));
                rules.extend(ids(&RULE_HEADING, text));
            }
        }
        let mut mapped = BTreeSet::new();
        for row in rows_with_tests(self.text(FAULTS)) {
            let id = row.first;
            if !faults.contains(id) && !rules.contains(id) {
                problems.push(format!("{FAULTS}: {id} is not in {PROTOCOL}"));
            }
            if !mapped.insert(id) {
                problems.push(format!("{FAULTS}: two rows for {id}"));
            }
            let tests = named_tests(row.text);
            if tests.is_empty() {
                problems.push(format!("{FAULTS}: {id} names no test"));
            }
            for (file, name) in tests {
                if let Some(comment) = self.comment_of_test(file, name)
                    && !CITATION
                        .find_iter(comment)
                        .any(|cited| cited.as_str() == id)
                {
                    problems.push(format!(
                        "{FAULTS}: {id} is not cited above `{file}::{name}`"
                    ));
                }
            }
        }
        for id in faults.difference(&mapped) {
            problems.push(format!("{FAULTS}: no row for {id}"));
        }
    }

    /// The comments and attributes above a test; `None` if the file has no test of this name.
    fn comment_of_test(&self, file: &str, name: &str) -> Option<&str> {
        let text = self.0.get(file)?;
        let found = FUNCTION
            .captures_iter(text)
            .find(|function| &function["name"] == name)?;
        let above = found.name("above")?.as_str();
        let is_test = if file.starts_with(SUITES) {
            let suite = self.0.get(&suite_of(file))?;
            suite.lines().any(|line| line.trim() == name)
        } else {
            TEST_ATTRIBUTE.is_match(above)
        };
        is_test.then_some(above)
    }
}

/// The file that lists the clauses of a suite, beside those that contain them.
fn suite_of(file: &str) -> String {
    let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    format!("{folder}/mod.rs")
}

/// A row of a table whose last column is that of the tests.
struct Row<'t> {
    first: &'t str,
    text: &'t str,
}

fn rows_with_tests(text: &str) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    let (mut before, mut has_tests) = ("", false);
    for line in text.lines() {
        if !before.starts_with('|') {
            has_tests = line.starts_with('|') && line.trim_end().ends_with("| tests |");
        } else if has_tests && line.starts_with('|') && !line.starts_with("| ---") {
            let first = line[1..].split('|').next().unwrap_or_default().trim();
            rows.push(Row { first, text: line });
        }
        before = line;
    }
    rows
}

/// The file and the function of each test that a text names.
fn named_tests(text: &str) -> Vec<(&str, &str)> {
    let tests = NAMED_TEST.captures_iter(text);
    tests
        .filter_map(|test| Some((test.get(1)?.as_str(), test.get(2)?.as_str())))
        .collect()
}

fn ids<'t>(pattern: &'static Regex, text: &'t str) -> impl Iterator<Item = &'t str> {
    pattern
        .captures_iter(text)
        .filter_map(|found| Some(found.get(1)?.as_str()))
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap()
}

static NAMED_TEST: LazyLock<Regex> = LazyLock::new(|| regex(r"`([\w./-]+\.rs)::(\w+)`"));
static FAULT_ROW: LazyLock<Regex> = LazyLock::new(|| regex(r"(?m)^\| ([A-Z0-9]+-F\d+) \|"));
static RULE_HEADING: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?m)^#+ ([A-Z0-9]+-\d+(?:\.\d+)*) "));
static CITATION: LazyLock<Regex> = LazyLock::new(|| regex(r"\b[A-Z0-9]+-F?\d+(?:\.\d+)*\b"));
static TEST_ATTRIBUTE: LazyLock<Regex> = LazyLock::new(|| regex(r"#\[(?:\w+::)*test\b"));
static FUNCTION: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?m)^(?<above>(?:[ \t]*(?://|#\[).*\n)*)[ \t]*(?:pub(?:\([^)]*\))? )?(?:async )?fn (?<name>\w+)\b",
    )
});
