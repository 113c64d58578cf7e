//! Segments: defaults and properties.

use super::*;

// EVAL-2.4
#[test]
fn an_empty_segment_has_the_defaults_of_the_protocol() {
    let empty = segment(json!({}));
    assert_eq!((empty.key().as_str(), empty.version()), ("", 0));
    assert!(!empty.is_big());
    assert!(!empty.included.contain(|_| Some("")));
    assert!(!empty.excluded.contain(|_| Some("")));
    assert!(empty.rules.is_empty());

    let with_rule = segment(json!({"rules": [{}]}));
    assert!(with_rule.rules[0].clauses.is_empty());
    assert!(with_rule.rules[0].rollout.is_none());
}

// EVAL-2.4
#[test]
fn the_properties_of_a_segment_are_read() {
    let listed = segment(
        json!({"key": "s", "version": 3, "included": ["ada"], "excluded": ["bob"],
        "includedContexts": [{"contextKind": "org", "values": ["acme"]}, {"values": ["eve"]}],
        "rules": [{"weight": 50_000, "rolloutContextKind": "org"}]}),
    );
    assert_eq!((listed.key().as_str(), listed.version()), ("s", 3));
    let of_kind = |wanted: &'static str, key: &'static str| {
        move |kind: &Kind| (*kind == Kind::from(Text::from(wanted))).then_some(key)
    };
    for (kind, key, included, excluded) in [
        ("user", "ada", true, false),
        ("user", "eve", true, false),
        ("user", "bob", false, true),
        ("user", "acme", false, false),
        ("org", "acme", true, false),
        ("org", "ada", false, false),
    ] {
        let found = (
            listed.included.contain(of_kind(kind, key)),
            listed.excluded.contain(of_kind(kind, key)),
        );
        assert_eq!(found, (included, excluded), "{kind} {key}");
    }
    let rollout = listed.rules[0].rollout.as_ref().unwrap();
    assert_eq!(rollout.kind, Kind::from(Text::from("org")));
    assert_eq!(rollout.end.to_bits(), 0.5_f32.to_bits());
    assert_eq!(listed.with_version(4).version(), 4);
}

// EVAL-2.4 and EVAL-5
#[test]
fn a_big_segment_has_a_kind_and_a_reference() {
    for (json, kind, reference) in [
        (json!({"unbounded": true}), "user", None),
        (json!({"unbounded": true, "generation": null}), "user", None),
        (
            json!({"unbounded": true, "generation": 0}),
            "user",
            Some("k.g0"),
        ),
        (
            json!({"unbounded": true, "generation": 2.0}),
            "user",
            Some("k.g2"),
        ),
        (
            json!({"unbounded": true, "unboundedContextKind": "org", "generation": 100}),
            "org",
            Some("k.g100"),
        ),
        (
            json!({"unbounded": true, "unboundedContextKind": ""}),
            "user",
            None,
        ),
    ] {
        let data = data(&data_of(DataKind::Segment, &json)).unwrap();
        let segment = data.segments[0].present().unwrap();
        let big = segment.big.as_ref().unwrap();
        assert!(segment.is_big());
        assert_eq!(big.kind, Kind::from(Text::from(kind)), "{json}");
        assert_eq!(big.reference.as_deref(), reference, "{json}");
    }
}
