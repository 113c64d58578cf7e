//! The references of clauses and rollouts, whose syntax depends on the kind beside them.

use super::*;

/// An object with two members, in either order.
fn in_both_orders(one: &str, other: &str) -> [String; 2] {
    [format!("{{{one}, {other}}}"), format!("{{{other}, {one}}}")]
}

fn attribute_of(by: &BucketBy) -> &Reference {
    match by {
        BucketBy::Attribute(reference) => reference,
        BucketBy::Key => panic!("the rollout buckets by the key"),
    }
}

// EVAL-2.3
#[test]
fn the_kind_decides_the_syntax_of_an_attribute_in_any_order_of_members() {
    let name = ["/a/b"].as_slice();
    let path = ["a", "b"].as_slice();
    for (kind, components) in [
        (r#""contextKind": "org""#, path),
        (r#""contextKind": "user""#, path),
        (r#""contextKind": """#, name),
        (r#""contextKind": null"#, name),
        (r#""anotherKind": "org""#, name),
    ] {
        for json in in_both_orders(kind, r#""attribute": "/a/b", "op": "in""#) {
            let json = format!(r#"{{"rules": [{{"clauses": [{json}]}}]}}"#);
            let flag: Flag = serde_json::from_str(&json).unwrap();
            let attribute = &flag.rules[0].clauses[0].attribute;
            assert_eq!(attribute.components(), components, "{json}");
        }
        for json in in_both_orders(kind, r#""bucketBy": "/a/b", "variations": [{}]"#) {
            let json = format!(r#"{{"fallthrough": {{"rollout": {json}}}}}"#);
            let flag: Flag = serde_json::from_str(&json).unwrap();
            let attribute = attribute_of(&rollout(&flag.fallthrough).by);
            assert_eq!(attribute.components(), components, "{json}");
        }
        let kind = kind.replace("contextKind", "rolloutContextKind");
        for json in in_both_orders(&kind, r#""bucketBy": "/a/b", "weight": 1"#) {
            let json = format!(r#"{{"rules": [{json}]}}"#);
            let segment: Segment = serde_json::from_str(&json).unwrap();
            let attribute = attribute_of(&segment.rules[0].rollout.as_ref().unwrap().by);
            assert_eq!(attribute.components(), components, "{json}");
        }
    }
}

// EVAL-2.3 and EVAL-4.11
#[test]
fn an_empty_bucket_by_means_the_key_for_every_kind() {
    for rollout_json in [
        json!({"bucketBy": "", "variations": [{}]}),
        json!({"bucketBy": "", "contextKind": "org", "variations": [{}]}),
        json!({"bucketBy": null, "contextKind": "org", "variations": [{}]}),
        json!({"kind": "experiment", "bucketBy": "a", "variations": [{}]}),
    ] {
        let flag = flag(json!({"fallthrough": {"rollout": rollout_json}}));
        let by = &rollout(&flag.fallthrough).by;
        assert!(matches!(by, BucketBy::Key), "{rollout_json}");
    }
}
