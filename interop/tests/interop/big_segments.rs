//! Big segments written by a Relay Proxy: STO-4.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value as Json, json};
use vexil::model::DataKind::{Flag, Segment};

use crate::Database;
use crate::reading::Evaluations;

/// The hashes of the keys `user-key` and `user1`: STO-4.1.
const USER_KEY: &str = "CEXjZY7cHJG/ydFy7q4+YEFwVrG3/pkJwA4FAjrbfx0=";
const USER_1: &str = "CgQblGLKpKMbrDVn4Lbm/ZEAeH2yq0M9lvbReMq/zpA=";

const FLAGS: [&str; 3] = ["lounge", "hall", "attic"];

// STO-4.2: inclusion takes precedence over exclusion, and a missing record is not an error;
// STO-4.4: the statuses
pub(crate) fn big_segments_are_read_alike(database: &dyn Database) {
    fill(database);
    database.put_membership(USER_KEY, &["vip.g12", "team.g1"], &["vip.g12"]);
    database.put_membership(USER_1, &["vip.g11"], &["vip.g12"]);
    database.put_synchronized(milliseconds_ago(0));
    let results = evaluations().results(database);
    let lounge: Vec<_> = (0..4)
        .map(|context| results.value(context, "lounge").clone())
        .collect();
    // Included; excluded, although a rule of the segment matches; included by that rule; neither.
    assert_eq!(lounge, [true, false, true, false]);
    // The segment's context kind is a team, which only the last context has.
    let hall: Vec<_> = (0..4)
        .map(|context| results.value(context, "hall").clone())
        .collect();
    assert_eq!(hall, [false, false, false, true]);
    assert_eq!(*status(results.reason(0, "lounge")), "HEALTHY");
    assert_eq!(*status(results.reason(0, "hall")), Json::Null);
    // Its segment has no generation.
    assert_eq!(*status(results.reason(0, "attic")), "NOT_CONFIGURED");
}

// STO-4.2: not synchronized for a long time, or never: stale, but still used
pub(crate) fn stale_big_segments_are_read_alike(database: &dyn Database) {
    fill(database);
    database.put_membership(USER_KEY, &["vip.g12"], &[]);
    for time in [None, Some(milliseconds_ago(3_600_000))] {
        time.into_iter()
            .for_each(|time| database.put_synchronized(time));
        let results = evaluations().results(database);
        assert_eq!(*results.value(0, "lounge"), true);
        assert_eq!(*status(results.reason(0, "lounge")), "STALE");
    }
}

fn evaluations() -> Evaluations<'static> {
    let contexts = vec![
        json!({"kind": "user", "key": "user-key"}),
        json!({"kind": "user", "key": "user1", "staff": true}),
        json!({"kind": "user", "key": "user2", "staff": true}),
        json!({"kind": "team", "key": "user-key"}),
    ];
    Evaluations {
        contexts,
        flags: &FLAGS,
        states: true,
    }
}

fn fill(database: &dyn Database) {
    let staff =
        json!([{"id": "s", "clauses": [{"attribute": "staff", "op": "in", "values": [true]}]}]);
    let segments = [
        ("vip", json!({"generation": 12, "rules": staff})),
        (
            "team",
            json!({"generation": 1, "unboundedContextKind": "team"}),
        ),
        ("dust", json!({"rules": staff})),
    ];
    for (key, properties) in segments {
        let mut segment =
            json!({"key": key, "version": 1, "unbounded": true, "salt": "", "included": ["user2"]});
        let properties = properties.as_object().unwrap().clone();
        segment.as_object_mut().unwrap().extend(properties);
        database.put(Segment, key, 1, &segment.to_string());
    }
    for (flag, segment) in FLAGS.into_iter().zip(["vip", "team", "dust"]) {
        let clause = json!({"attribute": "", "op": "segmentMatch", "values": [segment]});
        let json = json!({
            "key": flag, "version": 1, "on": true, "salt": "", "variations": [false, true], "offVariation": 0,
            "fallthrough": {"variation": 0}, "rules": [{"id": "r", "variation": 1, "clauses": [clause]}],
        });
        database.put(Flag, flag, 1, &json.to_string());
    }
    database.mark();
}

fn status(reason: &Json) -> &Json {
    reason.get("bigSegmentsStatus").unwrap_or(&Json::Null)
}

fn milliseconds_ago(time: u64) -> u64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_millis();
    u64::try_from(now).unwrap() - time
}
