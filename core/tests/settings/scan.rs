//! Finds the settings of all crates in their source.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

/// The folder of each crate, and the tests that use its settings. Each test names a setting as
/// `"Type::method"`.
const CRATES: &[(&str, &[&str])] = &[
    ("core", &["core/tests/settings"]),
    (
        "integrations/dynamodb",
        &["integrations/dynamodb/tests/dynamodb/settings.rs"],
    ),
    (
        "integrations/file-data",
        &["integrations/file-data/tests/settings.rs"],
    ),
    (
        "integrations/openfeature",
        &["integrations/openfeature/tests/provider/settings.rs"],
    ),
    ("integrations/opentelemetry", &[]),
    (
        "integrations/redis",
        &["integrations/redis/tests/redis/settings.rs"],
    ),
    ("testing", &["testing/tests/settings.rs"]),
];

/// Numbers and times that are data, not settings.
const DATA: &[&str] = &[
    // Versions of items, and other content of items and reports.
    "Flag::with_version",
    "Segment::with_version",
    "Entry::with_version",
    "Item::with_version",
    "Item::deleted",
    "StoredItem::with_version",
    "DynamoDbBigSegmentStore::write_last_synchronized",
    "RedisBigSegmentStore::write_last_synchronized",
    "MigrationOpTracker::latency",
    // Counts and indexes that are compared with what was delivered or recorded.
    "DeliveredEvents::evaluations",
    "EventFilter::assert_count",
    "EventFilter::variation",
    "EventFilter::wait_for",
    // Steps of a scripted server or connection.
    "Answer::content_length",
    "Answer::redirect",
    "Answer::status",
    "FaultProxy::cut_after",
    "FakeService::reset_connections",
    "FakeService::wait_for_streams",
    "Gate::let_through",
    "Point::bytes",
    "Point::events",
    "StoreCalls::reached",
    "RedisServerBuilder::max_clients",
    "RedisServerBuilder::max_memory",
    // Which database, which server.
    "RedisConnectionBuilder::database",
    "RedisSentinel::wait_for_other_primary",
];

#[test]
fn every_setting_of_every_crate_is_tested() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut missing = BTreeSet::new();
    let mut found = 0;
    for (folder, tests) in CRATES {
        let swept: String = tests
            .iter()
            .flat_map(|tests| files(&root.join(tests)))
            .map(|path| read(&path))
            .collect();
        for file in files(&root.join(folder).join("src")) {
            for setting in settings(&production_code(&read(&file))) {
                found += 1;
                if !DATA.contains(&setting.as_str()) && !swept.contains(&format!("\"{setting}\"")) {
                    missing.insert(format!("{folder}: {setting}"));
                }
            }
        }
    }
    assert!(found > 40, "only {found} settings were found");
    assert!(
        missing.is_empty(),
        "no test uses these settings:\n{missing:#?}"
    );
}

#[test]
fn a_setting_is_found_in_every_form() {
    let code = "
        impl Config {
            pub fn new() -> Self { Self { limit: Duration::from_secs(1) } }
            pub fn limit(mut self, limit: Duration) -> Self { self }
            pub async fn wait(&self, is_it: impl Fn(&Status) -> bool, timeout: std::time::Duration) -> bool { true }
            pub(crate) fn internal(&self, limit: Duration) {}
            pub fn len(&self) -> usize { 0 }
        }
        impl<S: Store> Configure<dyn Source> for Builder<S> {
            pub fn many(
                mut self,
                size: NonZeroUsize,
            ) -> Self { self }
        }
        pub enum Mode {
            Off,
            Ttl(Duration),
        }
        pub(crate) enum Internal {
            After(Duration),
        }
    ";
    let code: String = code
        .lines()
        .map(|line| format!("{}\n", line.strip_prefix("        ").unwrap_or(line)))
        .collect();
    assert_eq!(
        settings(&code),
        [
            "Config::limit",
            "Config::wait",
            "Builder::many",
            "Mode::Ttl"
        ]
    );
}

const NUMBER: &str = r"(?:std::time::)?(?:Duration|usize|u8|u16|u32|u64|NonZero\w*)(?-u:\b)";

/// The start of a relevant item: an `impl` block, an enum, a method, or a variant with a number.
static ITEM: LazyLock<Regex> = LazyLock::new(|| {
    let item = [
        r"^impl(?:<[^{]*?>)? (?:[^{\n]* for )?(?<owner>\w+)",
        r"^pub enum (?<of>\w+)",
        r"^(?<hidden>(?:pub\([a-z]+\) )?enum )",
        r"^    pub (?:async )?fn (?<name>\w+)(?<signature>[^{;]*)",
        &format!(r"^    (?<variant>[A-Z]\w*)\({NUMBER}\)"),
    ];
    // Without Unicode tables the test is seconds faster.
    Regex::new(&format!("(?m){}", item.join("|")).replace(r"\w", "[A-Za-z0-9_]")).unwrap()
});

static PARAMETER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(&format!(r"(?-u)\w+: {NUMBER}")).unwrap());

/// The settings in some code, as `Type::method` or `Type::Variant`.
fn settings(code: &str) -> Vec<String> {
    let (mut owner, mut found) = (String::new(), Vec::new());
    for item in ITEM.captures_iter(code) {
        if let Some(of) = item.name("owner").or_else(|| item.name("of")) {
            owner = of.as_str().to_owned();
        }
        if item.name("hidden").is_some() {
            owner.clear();
        }
        let method = item
            .name("name")
            .filter(|_| PARAMETER.is_match(&item["signature"]));
        if let Some(name) = method
            .or_else(|| item.name("variant"))
            .filter(|_| !owner.is_empty())
        {
            found.push(format!("{owner}::{}", name.as_str()));
        }
    }
    found
}

/// A file, or the files below a folder, except tests within the source.
fn files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let paths = entries.map(|entry| entry.unwrap().path());
    let paths = paths.filter(|path| {
        path.is_dir() || path.extension().is_some_and(|extension| extension == "rs")
    });
    paths.flat_map(|path| files(&path)).collect()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn production_code(code: &str) -> String {
    let code = code.split("#[cfg(test)]").next().unwrap_or_default();
    code.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .map(|line| format!("{line}\n"))
        .collect()
}
