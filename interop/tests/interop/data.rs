//! The data that both SDKs receive, and texts that reveal any change to them.

use serde_json::json;

/// A flag with unusual property order, whitespace, numbers and escapes, which no serializer would
/// produce, and with unknown properties. It has all properties that readers require.
pub(crate) const PECULIAR: &str = "{ \"variations\": [\"plain\", {\"b\":1e2, \"a\":[1.50,null]}] ,\"version\":5,\t\"key\":\"peculiar\",\
    \"shadow\" : {\"z\":[], \"y\": 0.10, \"x\":\"\\u00e9é\\/\"},\"on\":true, \"prerequisites\":[],\"salt\":\"\\u0073\",\n \
    \"targets\":[{\"values\":[\"bob\"],\"variation\":0}],\"rules\":[],\"fallthrough\":{\"variation\":1}, \
    \"offVariation\":null,\"deleted\":false, \"trackEvents\":false,\"debugEventsUntilDate\":null, \"unknown-property\":1 }";

pub(crate) const SWITCH: &str = r#"{"key":"switch","version":2,"on":true,"prerequisites":[],"salt":"a1","targets":[],"rules":[],"fallthrough":{"variation":0},"offVariation":1,"variations":[true,false],"deleted":false}"#;

/// Rules, segments, a prerequisite.
pub(crate) const RULED: &str = r#"{"key":"ruled","version":9,"on":true,"prerequisites":[{"key":"switch","variation":0}],"salt":"b2","targets":[],"contextTargets":[{"contextKind":"org","values":["acme"],"variation":2}],"rules":[{"id":"members","variation":1,"clauses":[{"attribute":"","op":"segmentMatch","values":["staff","few"]}]},{"id":"abroad","variation":2,"clauses":[{"contextKind":"user","attribute":"country","op":"in","values":["GB"],"negate":true}]}],"fallthrough":{"variation":0},"offVariation":0,"variations":["none","member","abroad"],"trackEvents":true,"deleted":false}"#;

pub(crate) const ROLLOUT: &str = r#"{"key":"rollout","version":1,"on":true,"prerequisites":[],"salt":"c3","targets":[],"rules":[],"fallthrough":{"rollout":{"contextKind":"user","variations":[{"variation":0,"weight":33000},{"variation":1,"weight":33000},{"variation":2,"weight":34000}]}},"offVariation":0,"variations":[0,1,2],"deleted":false}"#;

pub(crate) const ODD_KEY: &str = "ключ / 50% \u{1f6a9}";

pub(crate) const ODD: &str = r#"{"key":"ключ / 50% 🚩","version":1,"on":false,"prerequisites":[],"salt":"","targets":[],"rules":[],"fallthrough":{"variation":0},"offVariation":0,"variations":["off"],"deleted":false}"#;

/// Omits all optional properties.
pub(crate) const MINIMAL: &str =
    r#"{"key":"minimal","version":3,"on":true,"variations":["yes"],"fallthrough":{"variation":0}}"#;

/// Before and after a change.
pub(crate) const CHANGED: [&str; 2] = [
    r#"{"key":"changed","version":1,"on":false,"prerequisites":[],"salt":"d4","targets":[],"rules":[],"fallthrough":{"variation":0},"offVariation":0,"variations":["before"],"deleted":false}"#,
    r#"{"key":"changed","version":2, "on":false,"prerequisites":[],"salt":"d4","targets":[],"rules":[],"fallthrough":{"variation":0},"offVariation":0,"variations":["after"],"deleted":false,"new":[1.0]}"#,
];

/// Deleted by version 7.
pub(crate) const GONE: &str = r#"{"key":"gone","version":6,"on":true,"prerequisites":[],"salt":"e5","targets":[],"rules":[],"fallthrough":{"variation":0},"offVariation":0,"variations":["alive"],"deleted":false}"#;

pub(crate) const STAFF: &str = "{ \"version\":4, \"included\":[\"ada\"],\"excluded\":[],\"salt\":\"f6\",\"rules\":[],\
    \"includedContexts\":[], \"unknown\":{\"a\": 1.0}, \"deleted\":false,\"key\":\"staff\"}";

/// Omits all optional properties.
pub(crate) const FEW: &str = r#"{"key":"few","version":1,"included":["bob"]}"#;

/// Deleted by version 4.
pub(crate) const OLD: &str = r#"{"key":"old","version":3,"included":["ada"],"excluded":[],"salt":"g7","rules":[],"deleted":false}"#;

/// Items that are stored exactly as sent, because they lack no required property.
pub(crate) const COMPLETE_FLAGS: [(&str, &str); 6] = [
    ("peculiar", PECULIAR),
    ("switch", SWITCH),
    ("ruled", RULED),
    ("rollout", ROLLOUT),
    (ODD_KEY, ODD),
    ("changed", CHANGED[1]),
];

/// The keys of all flags that are evaluated.
pub(crate) const FLAGS: [&str; 9] = [
    "peculiar",
    "switch",
    "ruled",
    "rollout",
    ODD_KEY,
    "minimal",
    "changed",
    "gone",
    "never-there",
];

/// Returns the events of a stream: all data, then a change and two deletions.
pub(crate) fn events() -> [(&'static str, String); 4] {
    let flags = [
        ("peculiar", PECULIAR),
        ("switch", SWITCH),
        ("ruled", RULED),
        ("rollout", ROLLOUT),
        (ODD_KEY, ODD),
        ("minimal", MINIMAL),
        ("changed", CHANGED[0]),
        ("gone", GONE),
    ];
    let segments = [("staff", STAFF), ("few", FEW), ("old", OLD)];
    let data = format!(
        r#"{{"flags":{},"segments":{}}}"#,
        object(&flags),
        object(&segments)
    );
    [
        ("put", format!(r#"{{"path":"/","data":{data}}}"#)),
        (
            "patch",
            format!(r#"{{"path":"/flags/changed","data":{}}}"#, CHANGED[1]),
        ),
        (
            "delete",
            json!({"path": "/flags/gone", "version": 7}).to_string(),
        ),
        (
            "delete",
            json!({"path": "/segments/old", "version": 4}).to_string(),
        ),
    ]
}

/// Returns all data before the change, as a service holds it.
pub(crate) fn environment() -> String {
    let [(_, put), ..] = events();
    let put: serde_json::Value = serde_json::from_str(&put).unwrap();
    put["data"].to_string()
}

/// Concatenates text, so that the items are not changed.
fn object(items: &[(&str, &str)]) -> String {
    let items: Vec<_> = items
        .iter()
        .map(|(key, text)| format!("{}:{text}", json!(key)))
        .collect();
    format!("{{{}}}", items.join(","))
}
