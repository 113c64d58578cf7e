//! Random valid flags and segments have no findings; with one fault, they have that of the fault.

use std::collections::BTreeSet;

use crate::support::Folder;
use serde_json::{Value, json};

const ROUNDS: u64 = 8;

/// A change of a valid set.
type Fault = fn(&mut Set);

/// A valid set of flags and segments, and random choices.
struct Set {
    random: fastrand::Rng,
    document: Value,
}

impl Set {
    /// Creates a set without findings.
    fn valid(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let count = random.usize(2..6);
        let mut flags = serde_json::Map::new();
        for number in 0..count {
            flags.insert(format!("flag-{number}"), flag(number, &mut random));
        }
        let segments = json!({
            "staff": {
                "key": "staff", "version": random.u16(..), "included": ["ada", "grace"],
                "excludedContexts": [{"contextKind": "org", "values": ["initech"]}],
            },
            "testers": {
                "key": "testers", "version": 1, "salt": "s",
                "rules": [
                    {"clauses": [clause("country", "in", json!(["no"]))], "weight": 5_000},
                    {"clauses": [clause("", "segmentMatch", json!(["staff"]))]},
                ],
            },
        });
        Self {
            random,
            document: json!({"flags": flags, "segments": segments}),
        }
    }

    /// Returns some flag.
    fn flag(&mut self) -> &mut Value {
        let count = self.document["flags"].as_object().expect("flags").len();
        let key = format!("flag-{}", self.random.usize(..count));
        &mut self.document["flags"][key]
    }

    /// Returns some flag that has an earlier one, and the key of that.
    fn dependent(&mut self) -> (&mut Value, String) {
        let count = self.document["flags"].as_object().expect("flags").len();
        let number = self.random.usize(1..count);
        let key = format!("flag-{number}");
        (
            &mut self.document["flags"][key],
            format!("flag-{}", number - 1),
        )
    }

    fn earlier(&mut self, key: &str) -> &mut Value {
        &mut self.document["flags"][key]
    }

    /// Returns some rule of some flag.
    fn rule(&mut self) -> &mut Value {
        let index = self.random.usize(..3);
        let flag = self.flag();
        &mut flag["rules"][index]
    }

    /// Returns some clause.
    fn clause(&mut self) -> &mut Value {
        &mut self.rule()["clauses"][0]
    }

    /// Replaces some clause.
    fn set_clause(&mut self, attribute: &str, op: &str, values: Value) {
        *self.clause() = clause(attribute, op, values);
    }

    fn segment(&mut self) -> &mut Value {
        let key = ["staff", "testers"][self.random.usize(..2)];
        &mut self.document["segments"][key]
    }

    /// Gives some flag a rollout.
    fn rollout(&mut self, weights: [i64; 2]) -> &mut Value {
        let rule = self.rule();
        rule.as_object_mut().expect("a rule").remove("variation");
        rule["rollout"] = json!({"variations": [
            {"variation": 0, "weight": weights[0]}, {"variation": 1, "weight": weights[1]},
        ]});
        &mut rule["rollout"]
    }

    /// Returns the ids of the findings.
    fn check(&self, folder: &Folder, options: &[&str]) -> BTreeSet<String> {
        folder.write("flags.json", &self.document.to_string());
        let command: Vec<&str> = ["check", "flags.json", "--json"]
            .iter()
            .chain(options)
            .copied()
            .collect();
        let ran = folder.vexil(&command);
        let document: Value =
            serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
        let findings = document["findings"].as_array().expect("findings").iter();
        findings
            .map(|finding| finding["id"].as_str().expect("an id").to_owned())
            .collect()
    }
}

fn clause(attribute: &str, op: &str, values: Value) -> Value {
    json!({"contextKind": "user", "attribute": attribute, "op": op, "values": values})
}

fn flag(number: usize, random: &mut fastrand::Rng) -> Value {
    let operands = [
        ("in", json!([format!("x{}", random.u8(..)), random.u8(..)])),
        ("startsWith", json!([format!("p{}", random.u8(..))])),
        ("matches", json!([format!("^a{{1,{}}}$", random.u8(1..))])),
        ("lessThan", json!([random.f64()])),
        ("after", json!([random.u32(..)])),
        (
            "semVerEqual",
            json!([format!("1.{}", random.u8(..)), "2.0.0-rc.1"]),
        ),
        ("segmentMatch", json!(["staff", "testers"])),
    ];
    let offset = random.usize(..7);
    let rules: Vec<Value> = (0..3)
        .map(|index| {
            let (op, values) = &operands[(offset + index * 2) % 7];
            let attribute = if *op == "segmentMatch" { "" } else { "country" };
            json!({
                "id": format!("rule-{index}"), "variation": index,
                "clauses": [
                    clause(attribute, op, values.clone()),
                    clause("plan", "in", json!([format!("plan-{index}")])),
                ],
            })
        })
        .collect();
    let variations = [
        json!(["light", "dark", "contrast"]),
        json!([1, 2.5, 3]),
        json!([{"a": 1}, {"a": [null]}, {}]),
    ];
    let mut flag = json!({
        "key": format!("flag-{number}"), "version": random.u16(..), "on": true, "salt": "s",
        "variations": variations[random.usize(..3)], "offVariation": random.u8(..3),
        "fallthrough": {"variation": random.u8(..3)}, "rules": rules,
        "targets": [{"variation": 1, "values": ["ada", "bob"]}],
        "contextTargets": [
            {"contextKind": "user", "variation": 1, "values": []},
            {"contextKind": "org", "variation": 2, "values": ["acme"]},
        ],
    });
    if number > 0 && random.bool() {
        let key = format!("flag-{}", number - 1);
        flag["prerequisites"] = json!([{"key": key, "variation": random.u8(..3)}]);
    }
    // Each segment is used.
    if number == 0 {
        let staff = clause("", "segmentMatch", json!(["staff", "testers"]));
        flag["rules"].as_array_mut().expect("rules").push(json!({
            "id": "staff", "variation": 0,
            "clauses": [staff, clause("age", "lessThan", json!([9]))],
        }));
    }
    flag
}

fn remove(value: &mut Value, name: &str) {
    value.as_object_mut().expect("an object").remove(name);
}

const FAULTS: &[(&str, &[&str], Fault)] = &[
    ("wrong-type", &[], |set| set.flag()["on"] = json!(1)),
    ("wrong-type", &[], |set| {
        set.clause()["negate"] = json!("no")
    }),
    ("wrong-type", &[], |set| {
        set.segment()["included"] = json!("ada")
    }),
    ("key-mismatch", &[], |set| {
        set.flag()["key"] = json!("other")
    }),
    ("version-invalid", &[], |set| {
        set.flag()["version"] = json!("5")
    }),
    ("version-too-large", &[], |set| {
        set.segment()["version"] = json!(1_u64 << 40)
    }),
    ("unknown-property", &[], |set| {
        set.rule()["trackEvent"] = json!(true)
    }),
    ("missing-property", &[], |set| {
        remove(set.clause(), "attribute")
    }),
    ("missing-property", &["--for", "redis"], |set| {
        remove(set.flag(), "salt")
    }),
    ("deleted-item", &[], |set| {
        set.flag()["deleted"] = json!(true)
    }),
    ("no-variations", &[], |set| {
        set.flag()["variations"] = json!([])
    }),
    ("no-outcome", &[], |set| remove(set.rule(), "variation")),
    ("variation-out-of-range", &[], |set| {
        set.rule()["variation"] = json!(3)
    }),
    ("variation-out-of-range", &[], |set| {
        set.flag()["offVariation"] = json!(-1)
    }),
    ("no-off-variation", &[], |set| {
        remove(set.flag(), "offVariation")
    }),
    ("variation-and-rollout", &[], |set| {
        let rollout = set.rollout([1, 99_999]).clone();
        let rule = set.rule();
        rule["variation"] = json!(0);
        rule["rollout"] = rollout;
    }),
    ("mixed-types", &[], |set| {
        set.flag()["variations"][1] = json!(true)
    }),
    ("equal-variations", &[], |set| {
        let flag = set.flag();
        flag["variations"][2] = flag["variations"][0].clone();
    }),
    ("null-variation", &[], |set| {
        set.flag()["variations"][1] = json!(null)
    }),
    ("unreachable-variation", &[], |set| {
        let variations = set.flag()["variations"].as_array_mut().expect("variations");
        variations.push(json!("more"));
    }),
    ("empty-salt", &[], |set| {
        set.rollout([50_000, 50_000]);
        let flags = set.document["flags"].as_object_mut().expect("flags");
        flags.values_mut().for_each(|flag| flag["salt"] = json!(""));
    }),
    ("debug-date-past", &[], |set| {
        set.flag()["debugEventsUntilDate"] = json!(1_000)
    }),
    ("sampling-never", &[], |set| {
        set.flag()["samplingRatio"] = json!(-1)
    }),
    ("visibility-contradicts", &[], |set| {
        let flag = set.flag();
        flag["clientSide"] = json!(true);
        flag["clientSideAvailability"] = json!({"usingMobileKey": true});
    }),
    ("migration-values", &[], |set| {
        set.flag()["migration"] = json!({})
    }),
    ("unknown-prerequisite", &[], |set| {
        set.flag()["prerequisites"] = json!([{"key": "missing", "variation": 0}]);
    }),
    ("prerequisite-cycle", &[], |set| {
        let (flag, earlier) = set.dependent();
        let key = flag["key"].clone();
        flag["prerequisites"] = json!([{"key": earlier, "variation": 0}]);
        set.earlier(&earlier)["prerequisites"] = json!([{"key": key, "variation": 0}]);
    }),
    ("prerequisite-off", &[], |set| {
        let (flag, earlier) = set.dependent();
        flag["prerequisites"] = json!([{"key": earlier, "variation": 0}]);
        set.earlier(&earlier)["on"] = json!(false);
    }),
    ("prerequisite-variation", &[], |set| {
        let (flag, earlier) = set.dependent();
        flag["prerequisites"] = json!([{"key": earlier, "variation": 3}]);
    }),
    ("duplicate-prerequisite", &[], |set| {
        let (flag, earlier) = set.dependent();
        let one = json!({"key": earlier, "variation": 0});
        flag["prerequisites"] = json!([one, one]);
    }),
    ("duplicate-target", &[], |set| {
        set.flag()["contextTargets"][1]["values"] = json!(["acme", "acme"]);
    }),
    ("targets-ignored", &[], |set| {
        set.flag()["targets"][0]["variation"] = json!(0)
    }),
    ("empty-targets", &[], |set| {
        set.flag()["targets"][0]["values"] = json!([])
    }),
    ("user-keys-in-context-targets", &[], |set| {
        set.flag()["contextTargets"][0]["values"] = json!(["eve"]);
    }),
    ("rule-never", &[], |set| {
        let rule = set.rule();
        let mut opposite = rule["clauses"][0].clone();
        opposite["negate"] = json!(true);
        rule["clauses"]
            .as_array_mut()
            .expect("clauses")
            .push(opposite);
    }),
    ("rule-shadowed", &[], |set| {
        let rules = set.flag()["rules"].as_array_mut().expect("rules");
        let mut copy = rules[0].clone();
        copy["id"] = json!("copy");
        copy["clauses"]
            .as_array_mut()
            .expect("clauses")
            .insert(0, clause("age", "lessThan", json!([5])));
        rules.push(copy);
    }),
    ("rule-matches-all", &[], |set| {
        set.flag()["rules"][0]["clauses"] = json!([])
    }),
    ("duplicate-rule-id", &[], |set| {
        let flag = set.flag();
        flag["rules"][2]["id"] = flag["rules"][0]["id"].clone();
    }),
    ("rule-without-id", &[], |set| remove(set.rule(), "id")),
    ("duplicate-clause", &[], |set| {
        let rule = set.rule();
        let copy = rule["clauses"][1].clone();
        rule["clauses"].as_array_mut().expect("clauses").push(copy);
    }),
    ("rules-without-effect", &[], |set| {
        let flag = set.flag();
        flag["fallthrough"] = json!({"variation": 1});
        for rule in flag["rules"].as_array_mut().expect("rules") {
            rule["variation"] = json!(1);
        }
    }),
    ("unknown-operator", &[], |set| {
        set.clause()["op"] = json!("Matches")
    }),
    ("no-attribute", &[], |set| {
        set.set_clause("", "in", json!(["x"]))
    }),
    ("invalid-reference", &[], |set| {
        set.set_clause("/a//b", "in", json!(["x"]))
    }),
    ("literal-slash", &[], |set| {
        set.set_clause("/a/b", "in", json!(["x"]));
        let flags = set.document["flags"].as_object_mut().expect("flags");
        let rules = flags
            .values_mut()
            .flat_map(|flag| flag["rules"].as_array_mut());
        for rule in rules.flatten() {
            remove(&mut rule["clauses"][0], "contextKind");
        }
    }),
    ("broken-regex", &[], |set| {
        set.set_clause("a", "matches", json!(["x", "(?<!y)z"]))
    }),
    ("operand-type", &[], |set| {
        set.set_clause("a", "before", json!([5, "2026-01-01"]))
    }),
    ("operand-unusable", &[], |set| {
        set.set_clause("a", "in", json!([5, null]))
    }),
    ("no-operands", &[], |set| set.clause()["values"] = json!([])),
    ("segment-operand", &[], |set| {
        set.set_clause("", "segmentMatch", json!(["staff", 5]))
    }),
    ("several-limits", &[], |set| {
        set.set_clause("a", "greaterThan", json!([5, 6]))
    }),
    ("suspicious-text", &[], |set| {
        set.set_clause("a", "in", json!(["x ", "y"]))
    }),
    ("suspicious-text", &[], |set| {
        set.flag()["targets"][0]["values"] = json!(["Zo\u{eb}", "ZO\u{cb}"]);
    }),
    ("unknown-segment", &[], |set| {
        set.set_clause("", "segmentMatch", json!(["Staff"]))
    }),
    ("kind-attribute", &[], |set| {
        set.set_clause("kind", "in", json!(["user"]))
    }),
    ("segment-cycle", &[], |set| {
        let rule = json!({"clauses": [clause("", "segmentMatch", json!(["testers"]))]});
        set.document["segments"]["staff"]["rules"] = json!([rule]);
    }),
    ("included-and-excluded", &[], |set| {
        let segment = set.segment();
        segment["included"] = json!(["bob"]);
        segment["excludedContexts"] = json!([{"values": ["eve", "bob"]}]);
    }),
    ("empty-segment", &[], |set| {
        let segment = set.segment();
        for name in ["included", "excludedContexts", "rules"] {
            remove(segment, name);
        }
    }),
    ("unused-segment", &[], |set| {
        let copy = json!({"key": "copy", "version": 1, "included": ["x"]});
        set.document["segments"]["copy"] = copy;
    }),
    ("equal-segments", &[], |set| {
        let mut copy = set.document["segments"]["staff"].clone();
        copy["key"] = json!("copy");
        set.document["segments"]["copy"] = copy;
    }),
    ("big-without-generation", &[], |set| {
        set.segment()["unbounded"] = json!(true)
    }),
    ("big-with-lists", &[], |set| {
        let segment = &mut set.document["segments"]["staff"];
        segment["unbounded"] = json!(true);
        segment["generation"] = json!(0);
    }),
    ("weights-sum", &[], |set| {
        set.rollout([50_000, 49_999]);
    }),
    ("weights-in-percent", &[], |set| {
        set.rollout([10, 90]);
    }),
    ("weight-range", &[], |set| {
        set.rollout([-1, 100_001]);
    }),
    ("weight-range", &[], |set| {
        set.document["segments"]["testers"]["rules"][0]["weight"] = json!(100_001);
    }),
    ("rollout-kind", &[], |set| {
        set.rollout([1, 99_999])["kind"] = json!("other")
    }),
    ("bucket-by-ignored", &[], |set| {
        let rollout = set.rollout([1, 99_999]);
        rollout["kind"] = json!("experiment");
        rollout["bucketBy"] = json!("plan");
    }),
    ("bucket-by-invalid", &[], |set| {
        let rollout = set.rollout([1, 99_999]);
        rollout["contextKind"] = json!("org");
        rollout["bucketBy"] = json!("//");
    }),
    ("experiment-without-seed", &[], |set| {
        set.rollout([1, 99_999])["kind"] = json!("experiment");
    }),
    ("untracked-in-rollout", &[], |set| {
        set.rollout([1, 99_999])["variations"][0]["untracked"] = json!(true);
    }),
    ("same-seed", &[], |set| {
        let share = json!({"variation": 0, "weight": 100_000});
        let rollout = json!({"kind": "experiment", "seed": 5, "variations": [share]});
        for key in ["flag-0", "flag-1"] {
            set.document["flags"][key]["fallthrough"] = json!({"rollout": rollout});
        }
    }),
    ("too-large", &[], |set| {
        let keys: Vec<String> = (0..30_000).map(|number| format!("key-{number}")).collect();
        set.segment()["included"] = json!(keys);
    }),
    ("reserved-attribute", &[], |set| {
        set.set_clause("key", "in", json!([5]))
    }),
];

#[test]
fn valid_sets_have_no_findings() {
    let folder = Folder::new();
    for seed in 0..ROUNDS * 10 {
        let set = Set::valid(seed);
        let found = set.check(&folder, &[]);
        assert_eq!(found, BTreeSet::new(), "set {seed}: {}", set.document);
    }
}

#[test]
fn each_fault_is_found_in_random_sets() {
    let folder = Folder::new();
    for seed in 0..ROUNDS {
        for (id, options, fault) in FAULTS {
            let mut set = Set::valid(seed);
            fault(&mut set);
            let found = set.check(&folder, options);
            assert!(
                found.contains(*id),
                "set {seed}, {id}: {found:?} in {}",
                set.document
            );
        }
    }
}

/// The findings that need more than a change of a flag or segment; `check.rs` shows them.
const WITHOUT_FAULT: [&str; 7] = [
    "not-json",
    "duplicate-member",
    "empty-key",
    "prerequisite-too-deep",
    "undeclared",
    "missing-flag",
    "declared-type",
];

#[test]
fn there_is_a_fault_for_each_finding() {
    let ran = Folder::new().vexil(&["check", "--list", "--json"]);
    let list: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let ids = list["findings"].as_array().expect("findings").iter();
    let ids: BTreeSet<&str> = ids.filter_map(|finding| finding["id"].as_str()).collect();
    let faults = FAULTS.iter().map(|(id, ..)| *id);
    assert_eq!(faults.chain(WITHOUT_FAULT).collect::<BTreeSet<_>>(), ids);
}
