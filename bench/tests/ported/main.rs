//! The program of the guide for the official SDK, and its port, at the same service.

#![cfg(test)]

mod differences;
mod official;
#[path = "../../../examples/ported/shop.rs"]
mod ported;

use std::collections::BTreeMap;
use std::error::Error;

use serde_json::Value;
use vexil_testing::FakeService;

const FLAGS: &str = include_str!("../../../examples/ported/flags.json");
const PAGE: &str = include_str!("../../../docs/guide/coming-from/rust.md");

/// Chooses the cryptography provider of the official SDK, which cannot choose between two.
fn choose_provider() {
    // An error means that another test has chosen it.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// Number of events of each kind.
fn kinds(service: &FakeService) -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    for event in service.events() {
        let kind = event["kind"].as_str().unwrap_or_default();
        *kinds.entry(kind.to_owned()).or_default() += 1;
    }
    kinds
}

/// The lines, with the JSON ones parsed: the order of members may differ.
fn parsed(lines: Vec<String>) -> Vec<Value> {
    let parse = |line: String| serde_json::from_str(&line).unwrap_or(Value::String(line));
    lines.into_iter().map(parse).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_port_shows_the_same_and_reports_the_same() -> Result<(), Box<dyn Error>> {
    choose_provider();
    let before = FakeService::builder().data(FLAGS).start()?;
    let shown_before = official::serve("sdk-key", &before.url()).await?;
    let after = FakeService::builder().data(FLAGS).start()?;
    let shown_after = ported::serve("sdk-key", &after.url()).await?;
    assert_eq!(parsed(shown_before), parsed(shown_after));
    assert_eq!(kinds(&before), kinds(&after));
    Ok(())
}

#[test]
fn the_guide_shows_both_programs() {
    for program in [
        include_str!("official.rs"),
        include_str!("../../../examples/ported/shop.rs"),
    ] {
        assert!(PAGE.contains(program), "the guide differs from the program");
    }
}
