//! Files with flag data, in JSON and in YAML.

use std::collections::HashSet;

use vexil::model::Item;
use vexil_file_data::fuzzing::load;

use crate::evaluations;
use crate::inputs::{item as shown, items_in};

/// JSON is what begins with a brace.
pub(super) fn json(file: &[u8]) {
    if begins_with_brace(file) {
        target(file);
    }
}

pub(super) fn yaml(file: &[u8]) {
    if !begins_with_brace(file) {
        target(file);
    }
}

fn begins_with_brace(file: &[u8]) -> bool {
    let file = file.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(file);
    file.trim_ascii_start().starts_with(b"{")
}

fn target(file: &[u8]) {
    let data = match load(file) {
        Ok(data) => data,
        Err(error) => {
            let lines = file.iter().filter(|byte| b"\r\n".contains(byte)).count() + 1;
            assert!(error.line().is_none_or(|line| line <= lines + 1), "{error}");
            return;
        }
    };
    let all = items_in(&data);
    let keys: HashSet<_> = all.iter().map(|item| (item.kind(), item.key())).collect();
    assert_eq!(keys.len(), all.len(), "each key is unique");
    all.iter().for_each(evaluations::holds);

    // A file in JSON with the same items is read as the same data.
    let section = |entries: Vec<&Item>| {
        let member = |item: &Item| {
            let json = item.json()?;
            let json = str::from_utf8(&json).ok()?;
            Some(format!(
                "{}:{json}",
                serde_json::Value::from(item.key().as_str())
            ))
        };
        entries
            .into_iter()
            .filter_map(member)
            .collect::<Vec<_>>()
            .join(",")
    };
    let (flags, segments) = all.iter().partition(|item| matches!(item, Item::Flag(_)));
    let again = format!(
        r#"{{"flags":{{{}}},"segments":{{{}}}}}"#,
        section(flags),
        section(segments)
    );
    let again = load(again.as_bytes()).expect("the text of items is a file");
    let again = items_in(&again);
    let present = all.iter().filter(|item| !item.is_deleted()).map(shown);
    assert_eq!(
        again.iter().map(shown).collect::<HashSet<_>>(),
        present.collect()
    );
}
