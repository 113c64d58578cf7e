//! Findings as SARIF 2.1.0, which code hosts show beside the lines.

use serde_json::{Value, json};

use super::finding::Finding;
use super::{Id, Report, Severity};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// Returns the document. `source` is named for findings that are in no file.
pub(crate) fn sarif(report: &Report, source: &str) -> Value {
    let rules: Vec<Value> = Id::ALL.iter().map(|id| rule(*id)).collect();
    let results: Vec<Value> = report
        .findings
        .iter()
        .map(|finding| result(finding, source))
        .collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "vexil",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(id: Id) -> Value {
    json!({
        "id": id.name(),
        "shortDescription": {"text": id.summary()},
        "fullDescription": {"text": id.summary()},
        "help": {"text": id.summary()},
        "defaultConfiguration": {"level": level(id.severity())},
    })
}

fn result(finding: &Finding, source: &str) -> Value {
    let item = match (finding.kind, &finding.key) {
        (Some(kind), Some(key)) => format!("{kind} \"{key}\""),
        _ => "document".to_owned(),
    };
    let mut text = format!("{item}{}: {}", at_pointer(finding), finding.message);
    if let Some(help) = &finding.help {
        text += &format!(" ({help})");
    }
    let (file, region) = match &finding.at {
        Some(at) => (
            at.file.as_str(),
            json!({"startLine": at.line, "startColumn": at.column}),
        ),
        None => (source, json!({"startLine": 1, "startColumn": 1})),
    };
    let mut location = json!({
        "physicalLocation": {"artifactLocation": {"uri": uri(file)}, "region": region},
    });
    if let (Some(kind), Some(key)) = (finding.kind, &finding.key) {
        let name = format!("{}/{key}{}", kind.namespace(), finding.pointer);
        location["logicalLocations"] = json!([{"fullyQualifiedName": name, "kind": "member"}]);
    }
    json!({
        "ruleId": finding.id.name(),
        "ruleIndex": Id::ALL.iter().position(|id| *id == finding.id),
        "level": level(finding.severity),
        "message": {"text": text},
        "locations": [location],
    })
}

fn at_pointer(finding: &Finding) -> String {
    if finding.pointer.is_empty() {
        String::new()
    } else {
        format!(", {}", finding.pointer)
    }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

/// Returns a file name as a URI.
fn uri(file: &str) -> String {
    let mut uri = String::with_capacity(file.len());
    for byte in file.bytes() {
        match byte {
            b'\\' => uri.push('/'),
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => uri.push(byte.into()),
            b'-' | b'.' | b'_' | b'~' | b'/' | b':' | b'@' | b'?' | b'=' | b'&' | b'+' => {
                uri.push(byte.into());
            }
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_becomes_a_uri() {
        assert_eq!(uri("my flags/é.yaml"), "my%20flags/%C3%A9.yaml");
        assert_eq!(uri("..\\flags.json"), "../flags.json");
    }
}
