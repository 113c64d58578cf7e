//! `vexil mirror` writes a database that the SDKs of the field read with equal results: Python's,
//! Node's and Go's.

use std::env;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::data;
use crate::reading::{Evaluations, Results};
use crate::{Database, peer};

/// Flags of which no SDK but this one reads all: they omit what other readers require.
const MINIMAL_YAML: &str = "\
flags:
  banner: { on: true, variations: [old, new], fallthrough: { variation: 1 },
    rules: [{ id: staff, variation: 0, clauses: [{ op: segmentMatch, values: [staff] }] }] }
flagValues: { max-items: 12 }
segments: { staff: { included: [ada] } }
";

pub(crate) fn every_sdk_reads_what_mirror_wrote(database: &dyn Database) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("flags.json");
    std::fs::write(&file, data::environment()).unwrap();
    mirror(&file, database);
    let evaluations = Evaluations::about(&data::FLAGS).without_states();
    let results = evaluations.results(database);
    assert_read_alike(&evaluations, &results, database);
}

pub(crate) fn every_sdk_reads_a_minimal_file_that_mirror_wrote(database: &dyn Database) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("flags.yaml");
    std::fs::write(&file, MINIMAL_YAML).unwrap();
    mirror(&file, database);
    let evaluations = Evaluations::about(&["banner", "max-items"]).without_states();
    let results = evaluations.results(database);
    assert_eq!(
        (results.value(0, "banner"), results.value(1, "banner")),
        (&json!("old"), &json!("new"))
    );
    assert_eq!(results.value(0, "max-items"), &json!(12.0));
    assert_read_alike(&evaluations, &results, database);
}

/// Asserts that the other SDKs have the results that Python and this SDK have.
#[track_caller]
fn assert_read_alike(evaluations: &Evaluations<'_>, expected: &Results, database: &dyn Database) {
    for (name, command) in peer::others() {
        let found = peer::read_with(command, database, &evaluations.to_json());
        Evaluations::assert_same_details(expected, found, name);
    }
}

/// Runs `vexil mirror`.
#[track_caller]
fn mirror(file: &Path, database: &dyn Database) {
    let program =
        env::var_os("VEXIL_INTEROP_CLI").expect("VEXIL_INTEROP_CLI is set by scripts/interop");
    let output = Command::new(program)
        .args([
            "mirror",
            &file.display().to_string(),
            &database.for_command_line(),
            "--yes",
        ])
        // For DynamoDB Local, which accepts any.
        .envs([
            ("AWS_ACCESS_KEY_ID", "local"),
            ("AWS_SECRET_ACCESS_KEY", "local"),
        ])
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {stderr}", output.status);
}
