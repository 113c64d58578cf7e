//! [`World`]: an environment as a server keeps it; [`Step`]: what happens to it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};
use vexil_eval::model::DataKind::{self, Flag, Segment};
use vexil_service::{ClientFlags, Items, Layers, Override, Overrides, Rules, Served, ValueStream};

const FLAGS: [&str; 4] = ["a", "b", "c", "d"];
const SEGMENTS: [&str; 3] = ["s", "t", "u"];
/// More than a stream of values sends one by one.
const CROWD: usize = 101;

/// An environment as a server keeps it.
pub(crate) struct World {
    layers: Layers,
    rules: Rules,
    /// The base: the JSON of each item.
    base: HashMap<(DataKind, String), Value>,
    /// The base and the overrides before the last step.
    before: (HashMap<(DataKind, String), Value>, Overrides),
    groups: BTreeMap<String, ClientFlags>,
}

/// Something that happens to the items.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// The source has other contents.
    Base(Vec<(DataKind, usize, Value)>),
    /// One item of the source is another.
    Edit(DataKind, usize, Value),
    /// One item of the source is gone.
    Delete(DataKind, usize),
    /// Many flags of the source are others.
    Crowd(u8),
    Set(DataKind, usize, Value),
    Remove(DataKind, usize),
    Replace(Vec<(DataKind, usize, Value)>),
    /// The step before is undone.
    Undo,
}

/// Which model clients receive after a step, and which have lost their connection.
#[derive(Clone, Debug)]
pub(crate) struct Turn {
    pub(crate) step: Step,
    pub(crate) receiving: u32,
    pub(crate) disconnected: u32,
}

fn served<'w>(layers: &'w Layers, rules: &'w Rules) -> Served<'w> {
    Served {
        items: layers.items(),
        rules,
        memberships: None,
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            layers: Layers::new("world-1f0c"),
            rules: Rules::default(),
            base: HashMap::new(),
            before: Default::default(),
            groups: BTreeMap::new(),
        }
    }

    pub(crate) fn items(&self) -> &Items {
        self.layers.items()
    }

    pub(crate) fn served(&self) -> Served<'_> {
        served(&self.layers, &self.rules)
    }

    /// Returns the values that all streams of the same context share, at the current revision.
    pub(crate) fn group(&mut self, stream: &ValueStream) -> &ClientFlags {
        let served = served(&self.layers, &self.rules);
        let flags = self
            .groups
            .entry(stream.view())
            .or_insert_with(|| stream.evaluate(served));
        flags.update(&self.rules);
        flags
    }

    /// Returns the groups that exist, each with a new evaluation of the same.
    pub(crate) fn groups(&mut self, streams: &[ValueStream]) -> Vec<(Value, Value)> {
        let both = streams.iter().filter_map(|stream| {
            let flags = self.groups.get_mut(&stream.view())?;
            flags.update(&self.rules);
            let fresh = stream.evaluate(served(&self.layers, &self.rules));
            Some((unversioned(flags), unversioned(&fresh)))
        });
        both.collect()
    }

    /// Returns the same environment without streams.
    pub(crate) fn without_groups(&self) -> Self {
        Self {
            layers: self.layers.clone(),
            rules: self.rules.clone(),
            base: HashMap::new(),
            before: Default::default(),
            groups: BTreeMap::new(),
        }
    }

    pub(crate) fn end_groups(&mut self) {
        self.groups.clear();
    }

    pub(crate) fn take(&mut self, step: &Step) {
        let now = (self.base.clone(), self.layers.overrides().clone());
        let before = std::mem::replace(&mut self.before, now);
        match step {
            Step::Undo => {
                let (base, overrides) = before;
                self.layers.set_overrides(overrides);
                self.base = base;
                self.set_base();
            }
            Step::Base(items) => {
                self.base = named(items).collect();
                self.set_base();
            }
            Step::Edit(kind, index, item) => {
                self.base.insert((*kind, key(*kind, *index)), item.clone());
                self.set_base();
            }
            Step::Delete(kind, index) => {
                self.base.remove(&(*kind, key(*kind, *index)));
                self.set_base();
            }
            Step::Crowd(value) => {
                for index in 0..CROWD {
                    let item = json!({"on": false, "variations": [value], "offVariation": 0});
                    self.base.insert((Flag, format!("crowd-{index}")), item);
                }
                self.set_base();
            }
            Step::Set(kind, index, form) => {
                let form = Override::from_json(form.clone()).unwrap();
                // An override that does not fit the item is refused, and changes nothing.
                let _ = self.layers.set_override(*kind, &key(*kind, *index), form);
            }
            Step::Remove(kind, index) => {
                self.layers.remove_override(*kind, &key(*kind, *index));
            }
            Step::Replace(forms) => {
                let mut overrides = Overrides::default();
                for ((kind, key), form) in named(forms) {
                    let form = Override::from_json(form).unwrap();
                    overrides.insert(kind, &key, form).unwrap();
                }
                self.layers.set_overrides(overrides);
            }
        }
        self.rules.update(self.layers.items()).unwrap();
    }

    fn set_base(&mut self) {
        let base = self.base.iter().map(|((kind, key), item)| {
            let text: Arc<str> = item.to_string().into();
            (*kind, key.clone(), text)
        });
        self.layers.set_base(base).unwrap();
    }

    /// Returns the version of an item in the base.
    pub(crate) fn base_version(&self, kind: DataKind, key: &str) -> Option<u64> {
        self.base.get(&(kind, key.to_owned()))?["version"].as_u64()
    }
}

fn unversioned(flags: &ClientFlags) -> Value {
    let mut map: Value = serde_json::from_slice(&flags.body()).unwrap();
    for entry in map.as_object_mut().unwrap().values_mut() {
        entry.as_object_mut().unwrap().remove("version");
    }
    map
}

fn key(kind: DataKind, index: usize) -> String {
    match kind {
        Flag => FLAGS[index % FLAGS.len()],
        Segment => SEGMENTS[index % SEGMENTS.len()],
    }
    .to_owned()
}

fn named(
    items: &[(DataKind, usize, Value)],
) -> impl Iterator<Item = ((DataKind, String), Value)> + '_ {
    let named = |(kind, index, item): &(DataKind, usize, Value)| {
        ((*kind, key(*kind, *index)), item.clone())
    };
    items.iter().map(named)
}

/// Flags with a prerequisite, a rule with a segment, both, or neither.
fn flag() -> impl Strategy<Value = Value> {
    let rule = proptest::option::of((0..SEGMENTS.len(), 0..3));
    let prerequisite = proptest::option::of((0..FLAGS.len(), 0..3));
    let seen = proptest::option::of((any::<bool>(), any::<bool>()));
    let version = proptest::option::of(0..6_u64);
    (version, any::<bool>(), 0..3, rule, prerequisite, seen).prop_map(
        |(version, on, fallthrough, rule, prerequisite, seen)| {
            let mut flag = json!({
                "on": on,
                "variations": ["x", "y", {"z": 1}],
                "offVariation": 0,
                "fallthrough": {"variation": fallthrough},
            });
            if let Some(version) = version {
                flag["version"] = version.into();
            }
            if let Some((segment, variation)) = rule {
                let clause = json!({
                    "attribute": "", "op": "segmentMatch", "values": [SEGMENTS[segment]],
                });
                flag["rules"] = json!([{"clauses": [clause], "variation": variation}]);
            }
            if let Some((required, variation)) = prerequisite {
                flag["prerequisites"] = json!([{"key": FLAGS[required], "variation": variation}]);
            }
            if let Some((js, mobile)) = seen {
                flag["clientSideAvailability"] =
                    json!({"usingEnvironmentId": js, "usingMobileKey": mobile});
            }
            flag
        },
    )
}

fn segment() -> impl Strategy<Value = Value> {
    let included = proptest::sample::subsequence(vec!["ada", "bob"], 0..=2);
    let inner = proptest::option::of(0..SEGMENTS.len());
    let version = proptest::option::of(0..6_u64);
    (version, included, inner).prop_map(|(version, included, inner)| {
        let mut segment = json!({"included": included});
        if let Some(version) = version {
            segment["version"] = version.into();
        }
        if let Some(inner) = inner {
            let clause = json!({
                "attribute": "", "op": "segmentMatch", "values": [SEGMENTS[inner]],
            });
            segment["rules"] = json!([{"clauses": [clause]}]);
        }
        segment
    })
}

fn item() -> impl Strategy<Value = (DataKind, usize, Value)> {
    prop_oneof![
        (Just(Flag), 0..FLAGS.len(), flag()),
        (Just(Segment), 0..SEGMENTS.len(), segment()),
    ]
}

fn overridden() -> impl Strategy<Value = (DataKind, usize, Value)> {
    let of_flag = prop_oneof![
        any::<bool>().prop_map(|on| json!({"on": on})),
        (0..4).prop_map(|variation| json!({"variation": variation})),
        (0..3).prop_map(|value| json!({"value": value})),
        (0..3).prop_map(|variation| {
            json!({"for": [{"kind": "user", "key": "ada", "variation": variation}]})
        }),
        flag().prop_map(|flag| json!({"item": flag})),
        Just(json!({"missing": true})),
    ];
    let of_segment = prop_oneof![
        Just(json!({"include": ["ada"], "exclude": ["bob"]})),
        Just(json!({"exclude": ["ada"]})),
        segment().prop_map(|segment| json!({"item": segment})),
        Just(json!({"missing": true})),
    ];
    prop_oneof![
        2 => (Just(Flag), 0..FLAGS.len(), of_flag),
        1 => (Just(Segment), 0..SEGMENTS.len(), of_segment),
    ]
}

fn place() -> impl Strategy<Value = (DataKind, usize)> {
    prop_oneof![
        (Just(Flag), 0..FLAGS.len()),
        (Just(Segment), 0..SEGMENTS.len()),
    ]
}

pub(crate) fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let step = prop_oneof![
        4 => proptest::collection::vec(item(), 0..8).prop_map(Step::Base),
        8 => item().prop_map(|(kind, index, item)| Step::Edit(kind, index, item)),
        3 => place().prop_map(|(kind, index)| Step::Delete(kind, index)),
        1 => any::<u8>().prop_map(Step::Crowd),
        8 => overridden().prop_map(|(kind, index, form)| Step::Set(kind, index, form)),
        6 => place().prop_map(|(kind, index)| Step::Remove(kind, index)),
        2 => proptest::collection::vec(overridden(), 0..4).prop_map(Step::Replace),
        10 => Just(Step::Undo),
    ];
    let turn = (step, any::<u32>(), any::<u32>(), any::<u32>());
    let turn = turn.prop_map(|(step, receiving, a, b)| Turn {
        step,
        receiving,
        // Each one a quarter of the time.
        disconnected: a & b,
    });
    proptest::collection::vec(turn, 1..14)
}
