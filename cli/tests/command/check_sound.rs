//! What `vexil check` calls certain holds for all contexts: compared with the evaluator.

use std::collections::HashMap;

use crate::support::Folder;
use serde_json::{Value, json};
use vexil::Context;
use vexil::eval::{Found, Lookup, Outcome, ReasonKind, evaluate};
use vexil::model::{DataSet, Flag, Segment};

const SETS: u64 = 100;
const CONTEXTS: usize = 1_000;

/// A snapshot of flags and segments, without big segments.
struct Snapshot {
    flags: HashMap<String, std::sync::Arc<Flag>>,
    segments: HashMap<String, std::sync::Arc<Segment>>,
}

impl Snapshot {
    fn new(set: &Value) -> Self {
        let data = DataSet::from_json(set.to_string().as_bytes()).expect("the set can be read");
        let flags = data.flags.iter().filter_map(|flag| flag.present());
        let segments = data.segments.iter().filter_map(|segment| segment.present());
        Self {
            flags: flags
                .map(|flag| (flag.key().to_string(), flag.clone()))
                .collect(),
            segments: segments
                .map(|segment| (segment.key().to_string(), segment.clone()))
                .collect(),
        }
    }

    /// Returns the index of the variation, and the reason.
    fn evaluate(&self, key: &str, context: &Context) -> (Option<usize>, ReasonKind) {
        let Outcome::Done(evaluation) = evaluate(&self.flags[key], context, self) else {
            panic!("all data is there");
        };
        let index = evaluation.variation.map(|(index, _)| index);
        (index, evaluation.reason().kind)
    }
}

impl Lookup for Snapshot {
    fn flag(&self, key: &str) -> Found<&Flag> {
        self.flags.get(key).map(AsRef::as_ref).into()
    }

    fn segment(&self, key: &str) -> Found<&Segment> {
        self.segments.get(key).map(AsRef::as_ref).into()
    }

    fn membership(&self, _: &str) -> Found<&vexil::eval::MembershipAnswer> {
        Found::Absent
    }
}

/// Random choices among few values, so that clauses often have something in common.
struct Random(fastrand::Rng);

impl Random {
    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.0.usize(..of.len())].clone()
    }

    fn value(&mut self) -> Value {
        let values = [
            json!("a"),
            json!("b"),
            json!("ab"),
            json!(""),
            json!(1),
            json!(2.5),
            json!(true),
            json!(false),
            json!(null),
            json!(["a"]),
            json!("1.2"),
            json!("2020-01-01T00:00:00Z"),
            json!("org"),
            json!("(?=a)"),
        ];
        self.one(&values)
    }

    fn clause(&mut self) -> Value {
        let operators = [
            "in",
            "in",
            "in",
            "startsWith",
            "endsWith",
            "contains",
            "matches",
            "lessThan",
            "greaterThanOrEqual",
            "before",
            "after",
            "semVerEqual",
            "semVerLessThan",
            "near",
            "segmentMatch",
            "segmentMatch",
        ];
        let op = self.one(&operators);
        let count = self.0.usize(0..4);
        let values: Vec<Value> = (0..count)
            .map(|_| match op {
                "segmentMatch" => {
                    json!(self.one(&["listed", "ruled", "void", "excluding", "missing", "nested"]))
                }
                _ => self.value(),
            })
            .collect();
        json!({
            "op": op,
            "attribute": self.one(&["x", "x", "y", "/x", "/y/z", "kind", "anonymous", "key", ""]),
            "contextKind": self.one(&["", "user", "user", "org"]),
            "negate": self.0.u8(0..3) == 0,
            "values": values,
        })
    }

    fn clauses(&mut self) -> Vec<Value> {
        let count = self.0.usize(0..4);
        (0..count).map(|_| self.clause()).collect()
    }

    /// Returns clauses of which some are those of an earlier rule, maybe with other values.
    fn related(&mut self, earlier: &[Value]) -> Vec<Value> {
        let mut clauses = self.clauses();
        if !earlier.is_empty() && self.0.u8(0..3) > 0 {
            clauses.truncate(1);
        }
        if let Some(rule) = earlier.get(self.0.usize(0..=earlier.len())) {
            for clause in rule["clauses"].as_array().expect("clauses") {
                let mut clause = clause.clone();
                if self.0.u8(0..10) == 0 {
                    clause["negate"] = json!(clause["negate"] == false);
                }
                let values = clause["values"].as_array_mut().expect("values");
                match self.0.u8(0..6) {
                    0 => values.push(json!("a")),
                    1 => drop(values.pop()),
                    _ => {}
                }
                clauses.push(clause);
            }
        }
        self.0.shuffle(&mut clauses);
        clauses
    }

    fn outcome(&mut self) -> Value {
        if self.0.u8(0..4) > 0 {
            return json!({"variation": self.0.u8(0..5)});
        }
        let count = self.0.usize(1..4);
        let shares: Vec<Value> = (0..count)
            .map(|_| {
                let weight = self.one(&[0, 0, 1, 40_000, 60_000, 100_000, -5]);
                json!({"variation": self.0.u8(0..5), "weight": weight})
            })
            .collect();
        json!({"rollout": {
            "contextKind": self.one(&["user", "org"]),
            "kind": self.one(&["rollout", "experiment"]),
            "variations": shares,
        }})
    }

    fn flag(&mut self) -> Value {
        let mut rules: Vec<Value> = Vec::new();
        for index in 0..self.0.usize(1..6) {
            let mut rule = self.outcome();
            rule["clauses"] = self.related(&rules).into();
            rule["id"] = json!(format!("rule-{index}"));
            rules.push(rule);
        }
        let mut flag = json!({
            "on": true,
            "variations": [0, 1, 2, 3, 4],
            "fallthrough": self.outcome(),
            "rules": rules,
            "salt": "salt",
        });
        if self.0.bool() {
            flag["offVariation"] = json!(self.0.u8(0..5));
            flag["targets"] = json!([{"variation": self.0.u8(0..5), "values": ["key-1"]}]);
        }
        flag
    }

    fn segments(&mut self) -> Value {
        let mut ruled: Vec<Value> = Vec::new();
        for _ in 0..3 {
            let mut rule = json!({"clauses": self.related(&ruled)});
            if self.0.u8(0..3) == 0 {
                rule["weight"] = json!(self.one(&[0, 50_000]));
            }
            ruled.push(rule);
        }
        // Segments that name each other would make most flags malformed.
        for rule in &mut ruled {
            let clauses = rule["clauses"].as_array_mut().expect("clauses");
            clauses.retain(|clause| clause["op"] != "segmentMatch");
        }
        json!({
            "listed": {"included": ["key-1", "key-2"], "excluded": ["key-3"]},
            "ruled": {"rules": ruled, "salt": "s"},
            "void": {"included": []},
            "excluding": {"excluded": ["key-1"]},
            "nested": {"rules": [{"clauses": [{"op": "segmentMatch", "values": ["ruled", "void"]}]}]},
        })
    }

    fn context(&mut self) -> Context {
        let mut parts = Vec::new();
        for kind in ["user", "org"] {
            if self.0.u8(0..3) > 0 {
                let key = format!("key-{}", self.0.u8(1..60));
                let mut context = Context::builder(key.as_str()).kind(kind);
                for name in ["x", "y", "/x"] {
                    if self.0.u8(0..4) > 0 {
                        let value = match self.0.u8(0..4) {
                            0 => json!([self.value(), self.value()]),
                            1 => json!({"z": self.value()}),
                            _ => self.value(),
                        };
                        context = context.set(name, vexil::Value::from(value));
                    }
                }
                parts.push(context.anonymous(self.0.bool()).build().expect("a context"));
            }
        }
        match parts.len() {
            0 => Context::new("key-0").expect("a context"),
            1 => parts.remove(0),
            _ => Context::multi(parts).expect("a context"),
        }
    }
}

/// A finding: its id, the kind and the key of the item, and the number in its pointer.
struct Certain {
    id: String,
    is_flag: bool,
    key: String,
    index: usize,
}

fn certain(folder: &Folder, set: &Value) -> Vec<Certain> {
    folder.write("flags.json", &set.to_string());
    let mut command = vec!["check", "flags.json", "--json"];
    for id in [
        "unreachable-variation",
        "rule-never",
        "rule-shadowed",
        "rule-matches-all",
    ] {
        command.extend(["--only", id]);
    }
    let ran = folder.vexil(&command);
    let document: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let findings = document["findings"].as_array().expect("findings").iter();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    findings
        .map(|finding| Certain {
            id: text(&finding["id"]),
            is_flag: finding["kind"] == "flag",
            key: text(&finding["key"]),
            index: text(&finding["pointer"])
                .rsplit('/')
                .next()
                .and_then(|index| index.parse().ok())
                .expect("an index"),
        })
        .collect()
}

#[test]
fn what_is_certain_holds_for_random_contexts() {
    let folder = Folder::new();
    let mut counts: HashMap<String, usize> = HashMap::new();
    for seed in 0..SETS {
        let mut random = Random(fastrand::Rng::with_seed(seed));
        let flags: serde_json::Map<String, Value> = (0..4)
            .map(|number| (format!("flag-{number}"), random.flag()))
            .collect();
        let set = json!({"flags": flags, "segments": random.segments()});
        let findings = certain(&folder, &set);
        // A segment without the rules that never decide contains the same contexts.
        let mut reduced = set.clone();
        let removed: Vec<&Certain> = findings.iter().filter(|finding| !finding.is_flag).collect();
        for finding in removed.iter().rev() {
            let rules = reduced["segments"][&finding.key]["rules"].as_array_mut();
            let rules = rules.expect("rules");
            if finding.id == "rule-matches-all" {
                rules.truncate(finding.index + 1);
            } else if finding.index < rules.len() {
                rules.remove(finding.index);
            }
        }
        let (snapshot, reduced) = (Snapshot::new(&set), Snapshot::new(&reduced));
        for finding in &findings {
            *counts.entry(finding.id.clone()).or_default() += 1;
        }
        *counts.entry("segments".to_owned()).or_default() += removed.len();
        for _ in 0..CONTEXTS {
            let context = random.context();
            for key in snapshot.flags.keys() {
                let (variation, reason) = snapshot.evaluate(key, &context);
                // A rule that never matches may have a malformed clause.
                let is_malformed = matches!(reason, ReasonKind::Error(_));
                assert!(
                    is_malformed || reduced.evaluate(key, &context) == (variation, reason.clone()),
                    "set {seed}: a rule of a segment decides that should not: {context:?}"
                );
                let rule = match &reason {
                    ReasonKind::RuleMatch { rule_index, .. } => Some(*rule_index),
                    ReasonKind::Fallthrough { .. } => Some(usize::MAX),
                    _ => None,
                };
                let of_flag = findings
                    .iter()
                    .filter(|finding| finding.is_flag && finding.key == *key);
                for Certain { id, index, .. } in of_flag {
                    let holds = match id.as_str() {
                        "unreachable-variation" => variation != Some(*index),
                        "rule-matches-all" => rule.is_none_or(|rule| rule <= *index),
                        _ => rule != Some(*index),
                    };
                    assert!(
                        holds,
                        "set {seed}, {key}, {id} {index}: {reason:?} {variation:?} for {context:?}"
                    );
                }
            }
        }
    }
    // The test has something to contradict.
    for (name, least) in [
        ("unreachable-variation", 50),
        ("rule-never", 50),
        ("rule-shadowed", 50),
        ("rule-matches-all", 50),
        ("segments", 50),
    ] {
        let count = counts.get(name).copied().unwrap_or_default();
        assert!(count >= least, "{name}: {count} of {counts:?}");
    }
}
