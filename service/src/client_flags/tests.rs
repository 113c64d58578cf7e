use proptest::prelude::*;
use serde_json::{Value as Json, json};
use vexil_eval::model::DataKind::{Flag, Segment};

use super::events::MAX_CHANGES;
use super::*;
use crate::{Event, Items};

const PAYLOAD: &str = "p";

fn rules(items: &Items) -> Rules {
    let mut rules = Rules::default();
    rules.update(items).unwrap();
    rules
}

fn ada() -> Context {
    Context::new("ada").unwrap()
}

fn map(flags: &[(&str, Json)], family: SdkFamily, with_reasons: bool) -> Json {
    let mut items = Items::new(PAYLOAD);
    for (key, flag) in flags {
        items.put(Flag, key, flag.clone());
    }
    let flags = ClientFlags::new(&rules(&items), PAYLOAD, ada(), family, with_reasons);
    serde_json::from_slice(&flags.body()).unwrap()
}

#[test]
fn an_entry_has_the_members_that_it_needs() {
    let base =
        json!({"version": 5, "on": true, "variations": [true], "fallthrough": {"variation": 0}});
    let top = json!({
        "version": 4, "on": true, "variations": ["x"], "fallthrough": {"variation": 0},
        "prerequisites": [{"key": "base", "variation": 0}],
        "trackEvents": true, "debugEventsUntilDate": 1_795_999_999_000_u64,
    });
    let experiment = json!({
        "version": 3, "on": true, "variations": [1], "trackEventsFallthrough": true,
        "fallthrough": {"variation": 0},
    });
    let nothing = json!({"version": 2, "on": false, "variations": [1], "debugEventsUntilDate": 0});
    let flags = [
        ("base", base),
        ("top", top),
        ("experiment", experiment),
        ("nothing", nothing),
    ];
    let expected = json!({
        "base": {"value": true, "variation": 0, "version": 4, "flagVersion": 5},
        "top": {
            "value": "x", "variation": 0, "version": 4, "flagVersion": 4, "trackEvents": true,
            "debugEventsUntilDate": 1_795_999_999_000_u64, "prerequisites": ["base"],
        },
        "experiment": {
            "value": 1, "variation": 0, "version": 4, "flagVersion": 3, "trackEvents": true,
            "trackReason": true, "reason": {"kind": "FALLTHROUGH"},
        },
        "nothing": {"value": null, "version": 4, "flagVersion": 2},
    });
    assert_eq!(map(&flags, SdkFamily::Server, false), expected);
    let with_reasons = map(&flags, SdkFamily::Server, true);
    assert_eq!(with_reasons["nothing"]["reason"], json!({"kind": "OFF"}));
}

#[test]
fn each_family_sees_its_flags() {
    let available = |mobile: bool, environment: bool| json!({"clientSideAvailability": {"usingMobileKey": mobile, "usingEnvironmentId": environment}});
    let flags = [
        ("neither", available(false, false)),
        ("mobile", available(true, false)),
        ("web", available(false, true)),
        ("old-web", json!({"clientSide": true})),
        ("default", json!({})),
    ];
    let keys = |family| {
        let map = map(&flags, family, false);
        map.as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(keys(SdkFamily::Server).len(), 5);
    assert_eq!(keys(SdkFamily::Mobile), ["default", "mobile", "old-web"]);
    assert_eq!(keys(SdkFamily::JavaScript), ["old-web", "web"]);
}

#[test]
fn a_prerequisite_is_named_although_the_client_does_not_see_it() {
    let web = json!({"usingMobileKey": false, "usingEnvironmentId": true});
    let flags = [
        (
            "hidden",
            json!({"on": true, "variations": [1], "fallthrough": {"variation": 0}}),
        ),
        (
            "seen",
            json!({
                "on": true, "variations": [1], "fallthrough": {"variation": 0}, "clientSideAvailability": web,
                "prerequisites": [{"key": "hidden", "variation": 0}],
            }),
        ),
    ];
    let map = map(&flags, SdkFamily::JavaScript, false);
    assert_eq!(map["seen"]["prerequisites"], json!(["hidden"]));
    assert!(map.get("hidden").is_none());
}

#[test]
fn a_selector_belongs_to_its_context_family_reasons_and_service() {
    let mut items = Items::new(PAYLOAD);
    items.put(Flag, "f", json!({}));
    let rules = rules(&items);
    let flags = ClientFlags::new(&rules, PAYLOAD, ada(), SdkFamily::Mobile, false);
    let code = |basis: &str| {
        let events = flags.payload(Some(basis));
        let intent: Json = serde_json::from_str(events[0].data()).unwrap();
        intent["payloads"][0]["intentCode"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(code(&flags.selector()), "none");
    let eve = Context::new("eve").unwrap();
    for other in [
        ClientFlags::new(&rules, PAYLOAD, eve, SdkFamily::Mobile, false),
        ClientFlags::new(&rules, PAYLOAD, ada(), SdkFamily::JavaScript, false),
        ClientFlags::new(&rules, PAYLOAD, ada(), SdkFamily::Mobile, true),
        ClientFlags::new(&rules, "q", ada(), SdkFamily::Mobile, false),
    ] {
        assert_eq!(code(&other.selector()), "xfer-full", "{}", other.selector());
    }
    for malformed in ["", "(p:p:1)", "(c:p:1)", "(c:p:x:1)", "(c:p:99:1)"] {
        assert_eq!(code(malformed), "xfer-full", "{malformed}");
    }
    // The order of attributes makes no difference.
    let context = |json: &str| json.parse::<Context>().unwrap();
    let one = context(r#"{"kind": "user", "key": "a", "x": 1, "y": 2}"#);
    let two = context(r#"{"y": 2, "x": 1, "key": "a", "kind": "user"}"#);
    let selector =
        |context| ClientFlags::new(&rules, PAYLOAD, context, SdkFamily::Mobile, false).selector();
    assert_eq!(selector(one), selector(two));
}

#[test]
fn many_changes_are_sent_as_everything() {
    let mut items = Items::new(PAYLOAD);
    for index in 0..=MAX_CHANGES {
        items.put(Flag, &index.to_string(), json!({}));
    }
    let mut flags = ClientFlags::new(&rules(&items), PAYLOAD, ada(), SdkFamily::Server, false);
    let (revision, basis) = (items.revision(), flags.selector());
    for index in 0..MAX_CHANGES {
        items.put(
            Flag,
            &index.to_string(),
            json!({"variations": [1], "offVariation": 0}),
        );
    }
    flags.update(&rules(&items));
    assert_eq!(flags.changes(revision).len(), MAX_CHANGES);
    items.delete(Flag, &MAX_CHANGES.to_string());
    flags.update(&rules(&items));
    assert_eq!(flags.changes(revision)[0].name(), "put");
    assert_eq!(flags.payload_changes(revision)[0].name(), "server-intent");
    let payload = flags.payload(Some(&basis));
    let intents: Vec<_> = payload
        .iter()
        .filter(|event| event.name() == "server-intent")
        .collect();
    assert_eq!(intents.len(), 1);
    assert!(intents[0].data().contains("xfer-full"));
}

#[test]
fn the_debug_form_has_no_personal_data() {
    let flags = ClientFlags::new(&Rules::default(), PAYLOAD, ada(), SdkFamily::Mobile, false);
    assert!(!format!("{flags:?}").contains("ada"));
}

#[derive(Clone, Debug)]
enum Step {
    Flag(u8, bool, bool, usize),
    DeleteFlag(u8),
    Segment(bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..3_u8, any::<bool>(), any::<bool>(), 0..2_usize)
            .prop_map(|(key, on, visible, variation)| Step::Flag(key, on, visible, variation)),
        1 => (0..3_u8).prop_map(Step::DeleteFlag),
        2 => any::<bool>().prop_map(Step::Segment),
    ];
    proptest::collection::vec(step, 1..30)
}

/// The entries of a client by key, and the versions of those that are gone.
type Held = BTreeMap<String, (u64, Option<Json>)>;

/// A client that ignores updates without a higher version.
fn apply(held: &mut Held, key: &Json, version: &Json, entry: Option<Json>) {
    let (key, version) = (key.as_str().unwrap(), version.as_u64().unwrap());
    let known = held.get(key).map(|(known, _)| *known);
    assert!(
        known.is_none_or(|known| version > known),
        "an update is ignored"
    );
    held.insert(key.to_owned(), (version, entry));
}

fn receive(held: &mut Held, events: &[Event]) {
    for event in events {
        let mut data: Json = serde_json::from_str(event.data()).unwrap();
        match event.name() {
            "put" => {
                held.clear();
                for (key, entry) in data.as_object().unwrap() {
                    apply(
                        held,
                        &key.as_str().into(),
                        &entry["version"],
                        Some(entry.clone()),
                    );
                }
            }
            "patch" => {
                let key = data.as_object_mut().unwrap().remove("key").unwrap();
                apply(held, &key, &data["version"].clone(), Some(data));
            }
            "delete" | "delete-object" => apply(held, &data["key"], &data["version"], None),
            "put-object" => {
                assert_eq!(data["kind"], "flag-eval");
                assert_eq!(data["version"], data["object"]["version"]);
                apply(
                    held,
                    &data["key"],
                    &data["version"],
                    Some(data["object"].clone()),
                );
            }
            "server-intent" => {
                if data["payloads"][0]["intentCode"] == "xfer-full" {
                    held.clear();
                }
            }
            "payload-transferred" => {}
            other => panic!("{other}"),
        }
    }
}

/// The entries without versions, which differ between a client that was there and a new one.
fn values(held: &Held) -> BTreeMap<String, Json> {
    let present = held.iter().filter_map(|(key, (_, entry))| {
        let mut entry = entry.clone()?;
        entry.as_object_mut().unwrap().remove("version");
        Some((key.clone(), entry))
    });
    present.collect()
}

proptest! {
    #[test]
    fn clients_that_replay_all_changes_have_the_values_of_new_ones(steps in steps()) {
        let mut items = Items::new(PAYLOAD);
        let mut rules = Rules::default();
        rules.update(&items).unwrap();
        let new = |rules: &Rules| ClientFlags::new(rules, PAYLOAD, ada(), SdkFamily::JavaScript, true);
        let mut flags = new(&rules);
        let (mut classic, mut payloads) = (Held::new(), Held::new());
        receive(&mut classic, &[flags.put()]);
        receive(&mut payloads, &flags.payload(None));
        let (first, first_selector) = (payloads.clone(), flags.selector());
        for step in steps {
            let revision = items.revision();
            match step {
                Step::Flag(key, on, visible, variation) => items.put(Flag, &key.to_string(), json!({
                    "on": on, "variations": [0, 1], "offVariation": 0, "clientSide": visible,
                    "fallthrough": {"variation": variation},
                    "prerequisites": if key == 0 { json!([]) } else { json!([{"key": (key - 1).to_string(), "variation": 1}]) },
                    "rules": [{"variation": 1, "clauses": [{"op": "segmentMatch", "values": ["s"]}]}],
                })),
                Step::DeleteFlag(key) => items.delete(Flag, &key.to_string()),
                Step::Segment(is_in) => {
                    let included: &[&str] = if is_in { &["ada"] } else { &[] };
                    items.put(Segment, "s", json!({"included": included}));
                }
            }
            rules.update(&items).unwrap();
            let is_changed = flags.update(&rules);
            let (changes, payload_changes) = (flags.changes(revision), flags.payload_changes(revision));
            prop_assert_eq!(changes.is_empty(), !is_changed);
            prop_assert_eq!(payload_changes.is_empty(), !is_changed);
            receive(&mut classic, &changes);
            receive(&mut payloads, &payload_changes);
            let mut fresh = Held::new();
            receive(&mut fresh, &[new(&rules).put()]);
            prop_assert_eq!(values(&classic), values(&fresh));
            prop_assert_eq!(values(&payloads), values(&fresh));
            let mut back = first.clone();
            receive(&mut back, &flags.payload(Some(&first_selector)));
            prop_assert_eq!(values(&back), values(&fresh));
        }
    }
}

#[test]
fn a_segment_that_is_replaced_by_another_affects_its_flags() {
    let clause = json!({"op": "segmentMatch", "attribute": "", "values": ["staff"]});
    let flag = json!({
        "on": true, "variations": [0, 1], "fallthrough": {"variation": 0},
        "rules": [{"clauses": [clause], "variation": 1}],
    });
    let mut items = Items::new(PAYLOAD);
    items.put(Flag, "f", flag);
    items.put(Segment, "staff", json!({"included": ["ada"]}));
    let mut rules = rules(&items);
    let mut flags = ClientFlags::new(&rules, PAYLOAD, ada(), SdkFamily::Mobile, false);
    // Both at once: as many items have changed as there are.
    items
        .update([
            (Segment, "staff".to_owned(), None),
            (Segment, "other".to_owned(), Some("{}".into())),
        ])
        .unwrap();
    rules.update(&items).unwrap();
    assert!(flags.update(&rules));
}

#[test]
fn a_selector_of_a_revision_that_was_skipped_is_unknown() {
    let flag = |value: u8| json!({"on": false, "variations": [value], "offVariation": 0});
    let mut items = Items::new(PAYLOAD);
    items.put(Flag, "f", flag(0));
    let mut shared = ClientFlags::new(&rules(&items), PAYLOAD, ada(), SdkFamily::Mobile, false);
    items.put(Flag, "f", flag(1));
    let polled = ClientFlags::new(&rules(&items), PAYLOAD, ada(), SdkFamily::Mobile, false);
    items.put(Flag, "f", flag(0));
    // The value is the one that the shared evaluation has seen before, not the one that was polled.
    shared.update(&rules(&items));
    let answer = shared.payload(Some(&polled.selector()));
    assert_eq!(answer, shared.everything("cant-catchup"));
}
