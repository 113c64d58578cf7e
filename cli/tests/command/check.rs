//! `vexil check`: each finding has an example that shows it, and complete flags have no findings.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::support::{Folder, Ran};
use serde_json::Value;
use vexil_cli::Exit;
use vexil_testing::TestData;
use vexil_testing::servers::RedisServer;

/// The examples, in `tests/check`.
fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/check")
}

fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns the names of the files in a folder.
fn files(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).expect("the folder of examples");
    let files = entries
        .map(|entry| entry.expect("an entry"))
        .filter(|entry| entry.path().is_file());
    files
        .map(|file| file.file_name().into_string().expect("a name"))
        .collect()
}

/// Creates a folder with all examples.
fn folder() -> Folder {
    let folder = Folder::new();
    for inner in ["", "declared", "clean"] {
        std::fs::create_dir_all(folder.path(inner)).expect("a folder");
        let source = examples().join(inner);
        for file in files(&source) {
            let name = Path::new(inner).join(&file);
            folder.write(name.to_str().expect("a name"), &read(source.join(&file)));
        }
    }
    folder
}

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
}

/// Returns the ids that `--list` prints, with their entries.
fn listed() -> BTreeMap<String, Value> {
    let list = json(&Folder::new().vexil(&["check", "--list", "--json"]));
    let findings = list["findings"].as_array().expect("a list");
    let by_id = findings
        .iter()
        .map(|finding| (text(&finding["id"]), finding.clone()));
    by_id.collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Describes a finding as `expected.txt` does.
fn described(finding: &Value) -> String {
    let or_dash = |name: &str| match finding.get(name) {
        Some(Value::String(text)) if text.is_empty() => "\"\"".to_owned(),
        Some(Value::String(text)) => text.clone(),
        _ => "-".to_owned(),
    };
    let at = match finding.get("at") {
        Some(at) => format!("{}:{}", at["line"], at["column"]),
        None => "-".to_owned(),
    };
    let line = format!(
        "{} {} {} {} {at} {}",
        or_dash("severity"),
        or_dash("id"),
        or_dash("kind"),
        or_dash("key"),
        text(&finding["pointer"]),
    );
    line.trim_end().to_owned()
}

/// Reads `expected.txt`: for each command line, the findings.
fn expected() -> Vec<(String, Vec<String>)> {
    let mut expected: Vec<(String, Vec<String>)> = Vec::new();
    for line in read(examples().join("expected.txt")).lines() {
        match (line.strip_prefix("  "), expected.last_mut()) {
            (Some(finding), Some((_, findings))) => findings.push(finding.to_owned()),
            _ => expected.push((line.to_owned(), Vec::new())),
        }
    }
    expected
}

/// Returns the id that an example is for: its name without a number.
fn id_of(file: &str) -> String {
    let stem = file.split('.').next().unwrap_or_default();
    let id = stem.trim_end_matches(|last: char| last.is_ascii_digit());
    id.trim_end_matches('-').to_owned()
}

#[test]
fn each_finding_has_an_example_with_exactly_the_expected_findings() {
    let (folder, ids) = (folder(), listed());
    let mut unused: BTreeSet<String> = files(&examples());
    unused.remove("expected.txt");
    let mut shown = BTreeSet::new();
    for (command, findings) in expected() {
        let mut words = command.split(' ');
        let file = words.next().unwrap_or_default();
        let arguments = ["check", file, "--json", "--fail-on", "info"];
        let arguments: Vec<&str> = arguments.into_iter().chain(words).collect();
        let ran = folder.vexil(&arguments);
        let document = json(&ran);
        let found = document["findings"].as_array().expect("findings");
        let actual: Vec<String> = found.iter().map(described).collect();
        assert_eq!(actual, findings, "{command}");
        let id = id_of(file);
        assert!(ids.contains_key(&id), "{file} is named like no finding");
        assert!(found.iter().any(|finding| finding["id"] == *id), "{file}");
        let is_readable = document["findings"]
            .as_array()
            .is_some_and(|findings| findings.iter().all(|finding| finding.get("kind").is_some()));
        let exit = if is_readable {
            Exit::No
        } else {
            Exit::Unreadable
        };
        assert_eq!(ran.exit, exit, "{command}");
        for finding in found {
            for name in ["message", "severity"] {
                assert!(!text(&finding[name]).is_empty(), "{command}: {finding}");
            }
        }
        unused.remove(file);
        shown.insert(id);
    }
    assert_eq!(unused, BTreeSet::new(), "examples without expectations");
    let ids: BTreeSet<String> = ids.into_keys().collect();
    assert_eq!(shown, ids, "each finding has an example");
    // 73 kinds of faults, of which the comparison with declarations has three ids.
    assert_eq!(ids.len(), 75);
}

#[test]
fn complete_flags_of_all_features_have_no_findings() {
    let folder = folder();
    for file in ["clean/complete.json", "clean/complete.yaml"] {
        for uses in ["redis", "redis,dynamodb,php,mobile"] {
            let ran = folder.vexil(&["check", file, "--fail-on", "info", "--for", uses]);
            let expected = format!("{file}: 8 flags, 3 segments: 0 errors, 0 warnings, 0 infos\n");
            assert_eq!((ran.exit, ran.stdout), (Exit::Done, expected));
        }
    }
    let ran = folder.vexil(&["show", "clean/complete.json", "--all"]);
    assert_eq!(ran.exit, Exit::Done, "{}", ran.stderr);
}

#[test]
fn the_flag_builder_of_tests_writes_flags_without_findings() {
    let data = TestData::new();
    let flags = [
        data.flag("plain"),
        data.flag("off").on(false),
        data.flag("targets")
            .variation_for_user("ada", true)
            .variation_for_key("org", "acme", false)
            .variation_for_user("bob", false),
        data.flag("texts")
            .variations(["a", "b", "c"])
            .fallthrough_variation(2)
            .off_variation(0)
            .if_match("country", ["no", "se"])
            .and_not_match_context("org", "name", ["acme"])
            .then_return(1),
        data.flag("ratios")
            .sampling_ratio(10)
            .exclude_from_summaries(true),
        data.flag("stages")
            .variations(["off", "live"])
            .fallthrough_variation(1)
            .off_variation(0)
            .check_ratio(2),
    ];
    let flags: serde_json::Map<String, Value> = flags
        .into_iter()
        .map(|flag| flag.to_json())
        .map(|flag| (text(&flag["key"]), flag))
        .collect();
    let folder = Folder::new();
    folder.write(
        "flags.json",
        &serde_json::json!({"flags": flags}).to_string(),
    );
    let ran = folder.vexil(&["check", "flags.json", "--fail-on", "info"]);
    let expected = "flags.json: 6 flags, 0 segments: 0 errors, 0 warnings, 0 infos\n";
    assert_eq!((ran.exit, ran.stdout.as_str()), (Exit::Done, expected));
}

#[test]
fn the_documentation_describes_all_findings() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/findings.md");
    let documented: BTreeMap<String, (String, String)> = read(path)
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let cells: Vec<&str> = line.split(" | ").map(str::trim).collect();
            let [id, severity, meaning, example] = cells[..] else {
                panic!("four cells: {line}")
            };
            assert!(example.len() > 3, "an example: {line}");
            let id = id.trim_matches(['|', ' ', '`']).to_owned();
            (id, (severity.to_owned(), meaning.to_owned()))
        })
        .collect();
    let listed = listed().into_iter();
    let listed =
        listed.map(|(id, entry)| (id, (text(&entry["severity"]), text(&entry["summary"]))));
    assert_eq!(documented, listed.collect());
}

/// Flags with findings of each severity, inside and outside of rules.
const FAULTY: &str = r#"flags:
  theme:
    key: theme
    version: 3
    on: true
    variations: [light, dark]
    fallthrough: {variation: 1}
    rules:
    - id: north
      variation: 0
      clauses:
      - {attribute: country, op: in, values: ["no"]}
    - id: big-screens
      variation: 4
      clauses:
      - {attribute: "w\u001b[31m", op: lessThan, values: [1, 2]}
segments:
  staff: {key: staff, version: 2, included: [ada]}
"#;

/// Compares an output with the file of this name in `tests/snapshots`.
fn assert_snapshot(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/snapshots")
        .join(name);
    if std::env::var_os("VEXIL_UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, actual).expect("the snapshot can be written");
    }
    let expected = read(&path);
    let differs = expected
        .lines()
        .zip(actual.lines())
        .position(|(a, b)| a != b);
    let line = differs.unwrap_or_else(|| expected.lines().count().min(actual.lines().count()));
    assert!(
        expected == actual,
        "line {}: expected {:?}, found {:?}",
        line + 1,
        expected.lines().nth(line),
        actual.lines().nth(line)
    );
}

#[test]
fn findings_are_printed_as_text() {
    let folder = Folder::with(&[("flags.yaml", FAULTY)]);
    let ran = folder.vexil(&["check", "flags.yaml"]);
    assert_eq!((ran.exit, ran.stderr.as_str()), (Exit::No, ""));
    assert_snapshot("check.txt", &ran.stdout);
    let ran = folder.vexil(&["check", "flags.yaml", "--color", "always"]);
    assert_snapshot("check-color.txt", &ran.stdout);
    let ran = folder.vexil(&["check", "--list"]);
    assert_eq!(ran.exit, Exit::Done);
    assert_snapshot("check-list.txt", &ran.stdout);
}

#[test]
fn findings_are_printed_as_json() {
    let folder = Folder::with(&[("flags.yaml", FAULTY)]);
    let ran = folder.vexil(&["check", "flags.yaml", "--json"]);
    assert!(ran.stdout.starts_with("{\"schema\":\"vexil.check/1\","));
    let pretty = serde_json::to_string_pretty(&json(&ran)).expect("JSON") + "\n";
    assert_snapshot("check.json", &pretty);
}

#[test]
fn findings_are_printed_as_sarif() {
    let folder = Folder::with(&[("flags.yaml", FAULTY)]);
    let ran = folder.vexil(&["check", "flags.yaml", "--sarif"]);
    assert_eq!(ran.exit, Exit::No);
    let document = json(&ran);
    assert!(text(&document["$schema"]).contains("sarif-2.1.0"));
    assert_eq!(document["version"], "2.1.0");
    let run = &document["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    assert_eq!(run["tool"]["driver"]["name"], "vexil");
    assert_eq!(rules.len(), listed().len());
    for rule in rules {
        for name in ["shortDescription", "fullDescription", "help"] {
            assert!(!text(&rule[name]["text"]).is_empty(), "{rule}");
        }
    }
    let results = run["results"].as_array().expect("results");
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().expect("an index"));
        assert_eq!(rules[index.expect("an index")]["id"], result["ruleId"]);
        assert!(["error", "warning", "note"].contains(&text(&result["level"]).as_str()));
        assert!(!text(&result["message"]["text"]).is_empty());
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "flags.yaml");
        assert!(place["region"]["startLine"].as_u64() >= Some(1));
        assert!(place["region"]["startColumn"].as_u64() >= Some(1));
    }
    let without_rules = {
        let mut document = document.clone();
        document["runs"][0]["tool"]["driver"]["rules"] = Value::Array(rules[..2].to_vec());
        document["runs"][0]["tool"]["driver"]["version"] = "0".into();
        document
    };
    let pretty = serde_json::to_string_pretty(&without_rules).expect("JSON") + "\n";
    assert_snapshot("check.sarif", &pretty);
}

#[test]
fn the_severity_decides_the_exit_status() {
    let folder = folder();
    for (file, limit, exit) in [
        ("rule-without-id.json", "error", Exit::Done),
        ("rule-without-id.json", "warning", Exit::Done),
        ("rule-without-id.json", "info", Exit::No),
        ("rule-shadowed.json", "error", Exit::Done),
        ("rule-shadowed.json", "warning", Exit::No),
        ("no-outcome.json", "error", Exit::No),
        ("not-json.json", "error", Exit::Unreadable),
    ] {
        let ran = folder.vexil(&["check", file, "--fail-on", limit]);
        assert_eq!(ran.exit, exit, "{file} {limit}");
    }
}

#[test]
fn findings_are_allowed_by_id_and_by_key() {
    let folder = Folder::with(&[("flags.yaml", FAULTY)]);
    let ids = |arguments: &[&str]| {
        let command: Vec<&str> = ["check", "flags.yaml", "--json"]
            .iter()
            .chain(arguments)
            .copied()
            .collect();
        let document = json(&folder.vexil(&command));
        let findings = document["findings"].as_array().expect("findings").clone();
        let ids: Vec<String> = findings
            .iter()
            .map(|finding| text(&finding["id"]))
            .collect();
        (ids, document["counts"]["allowed"].clone())
    };
    let (all, _) = ids(&[]);
    let expected = [
        "no-off-variation",
        "variation-out-of-range",
        "several-limits",
        "unused-segment",
    ];
    assert_eq!(all, expected);
    let (left, allowed) = ids(&[
        "--allow",
        "no-off-variation",
        "--allow",
        "staff:unused-segment",
    ]);
    assert_eq!(left, ["variation-out-of-range", "several-limits"]);
    assert_eq!(allowed, 2);
    let (left, _) = ids(&["--allow", "other:no-off-variation"]);
    assert_eq!(left, all);
    let (left, _) = ids(&["--only", "several-limits", "--only", "unused-segment"]);
    assert_eq!(left, ["several-limits", "unused-segment"]);
    folder.write(
        "vexil.toml",
        "[check]\nallow = [\"theme:variation-out-of-range\", \"several-limits\"]\n",
    );
    let (left, _) = ids(&["--allow", "unused-segment"]);
    assert_eq!(left, ["no-off-variation"]);
    folder.write("vexil.toml", "[check]\nallow = [\"no-of-variation\"]\n");
    let ran = folder.vexil(&["check", "flags.yaml"]);
    assert_eq!(ran.exit, Exit::Usage);
    assert!(
        ran.stderr.contains("did you mean \"no-off-variation\"?"),
        "{}",
        ran.stderr
    );
    let ran = folder.vexil(&["check", "flags.yaml", "--only", "nothing"]);
    assert_eq!(ran.exit, Exit::Usage);
}

#[test]
fn wrong_declarations_are_a_usage_error() {
    let folder = Folder::with(&[
        ("flags.yaml", FAULTY),
        ("type.json", r#"{"flags": {"theme": {"type": "text"}}}"#),
        (
            "default.json",
            r#"{"flags": {"theme": {"type": "string", "default": 5}}}"#,
        ),
    ]);
    for file in ["type.json", "default.json", "missing.json"] {
        let ran = folder.vexil(&["check", "flags.yaml", "--declared", file]);
        assert_eq!(ran.exit, Exit::Usage, "{file}");
        assert!(ran.stderr.contains("help: expected"), "{}", ran.stderr);
    }
}

#[test]
fn an_empty_yaml_file_has_no_findings() {
    let folder = Folder::with(&[("flags.yaml", "# nothing yet\n"), ("flags.json", "null")]);
    let ran = folder.vexil(&["check", "flags.yaml", "--fail-on", "info"]);
    assert_eq!(ran.exit, Exit::Done, "{}", ran.stdout);
}

#[test]
fn several_files_are_checked_together() {
    let (flags, segments) = (
        r#"{"flags": {"theme": {"rules": [{"clauses": [{"op": "segmentMatch", "values": ["staff"]}]}]}}}"#,
        r#"{"staff": {"included": ["ada"]}}"#,
    );
    let folder = Folder::with(&[("flags.json", flags), ("segments.json", segments)]);
    let only = [
        "--only",
        "unknown-segment",
        "--only",
        "duplicate-member",
        "--json",
    ];
    let ids = |arguments: &[&str]| {
        let command: Vec<&str> = ["check"]
            .iter()
            .chain(arguments)
            .chain(&only)
            .copied()
            .collect();
        let document = json(&folder.vexil(&command));
        let findings = document["findings"].as_array().expect("findings").iter();
        findings.map(described).collect::<Vec<_>>()
    };
    let unknown = "error unknown-segment flag theme 1:79 /rules/0/clauses/0/values/0";
    assert_eq!(ids(&["flags.json"]), [unknown]);
    let both = [
        "flags.json",
        "--also",
        "file:segments.json?section=segments",
    ];
    assert!(ids(&both).is_empty());
    let twice = [
        "file:segments.json?section=segments",
        "--also",
        "file:segments.json?section=segments",
    ];
    assert_eq!(ids(&twice), ["error duplicate-member segment staff 1:2"]);
    let last: Vec<&str> = twice.into_iter().chain(["--duplicates", "last"]).collect();
    assert!(ids(&last).is_empty());
}

#[test]
fn the_items_of_a_database_are_checked() {
    let server = RedisServer::start().expect("a Redis server");
    for [kind, key, item] in [
        [
            "features",
            "theme",
            r#"{"key": "theme", "version": 3, "on": "yes"}"#,
        ],
        [
            "features",
            "gone",
            r#"{"key": "$deleted", "version": 5, "deleted": true, "on": 7}"#,
        ],
        ["features", "cut", r#"{"key": "cut", "vers"#],
        [
            "segments",
            "staff",
            r#"{"key": "staff", "version": 1, "included": []}"#,
        ],
    ] {
        let hash = format!("launchdarkly:{kind}");
        server
            .command(["HSET", &hash, key, item])
            .expect("a command");
    }
    let ran = Folder::new().vexil(&["check", &server.url(), "--json"]);
    let document = json(&ran);
    let findings = document["findings"].as_array().expect("findings").iter();
    let found: Vec<String> = findings.map(described).collect();
    let expected = [
        "error not-json flag cut -",
        "error wrong-type flag theme - /on",
        "info missing-property flag theme - /variations",
        "warning empty-segment segment staff -",
        "info unused-segment segment staff -",
    ];
    assert_eq!(found, expected);
    assert_eq!(ran.exit, Exit::No);
}
