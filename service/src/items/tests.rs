use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;
use vexil_eval::model::DataKind::{Flag, Segment};
use vexil_eval::model::{Item, ItemReader};

use super::*;
use crate::{Event, Rules, fdv1, fdv2};

fn set(items: &mut Items, text: Option<&str>) -> bool {
    items
        .update([(Flag, "f".to_owned(), text.map(Arc::from))])
        .unwrap()
}

fn version_of(items: &Items) -> Option<u64> {
    items.get(Flag, "f").map(VersionedItem::version)
}

#[test]
fn versions_follow_the_content() {
    let mut items = Items::new("p");
    let steps = [
        // The text, whether it is a change, and the version afterwards.
        (Some(r#"{"on":true}"#), true, 1),
        (Some(r#"{"on":true,"version":1}"#), false, 1),
        (Some(r#"{"on":false,"version":1}"#), true, 2),
        (Some(r#"{"on":false}"#), false, 2),
        (Some(r#"{ "version": 9, "on": false }"#), true, 9),
        (Some(r#"{"on":false,"version":3}"#), false, 9),
        (None, true, 10),
        (None, false, 10),
        (Some(r#"{"on":false,"version":9}"#), true, 11),
        (Some(r#"{"on":true,"version":40.0}"#), true, 40),
        (Some(r#"{"on":true,"version":4e3}"#), true, 4000),
        (Some(r#"{"on":false,"version":"9"}"#), true, 4001),
    ];
    for (text, is_change, version) in steps {
        let revision = items.revision();
        assert_eq!(set(&mut items, text), is_change, "{text:?}");
        assert_eq!(version_of(&items), Some(version), "{text:?}");
        assert_eq!(
            items.revision() - revision,
            u64::from(is_change),
            "{text:?}"
        );
    }
    assert!(!items.update([(Flag, "unknown".to_owned(), None)]).unwrap());
}

#[test]
fn several_items_are_one_change() {
    let mut items = Items::new("p");
    let item = |key: &str| (Flag, key.to_owned(), Some(Arc::from("{}")));
    assert!(items.update([item("a"), item("b")]).unwrap());
    assert_eq!(items.revision(), 1);
    assert_eq!(items.changed_after(0).count(), 2);
}

#[test]
fn a_text_that_is_no_object_changes_nothing() {
    let mut items = Items::new("p");
    let update = [
        (Flag, "good".to_owned(), Some(Arc::from("{}"))),
        (Segment, "bad".to_owned(), Some(Arc::from("[]"))),
    ];
    let error = items.update(update).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the segment \"bad\" is not a JSON object"
    );
    assert_eq!((items.revision(), items.iter().count()), (0, 0));
}

#[test]
fn sdks_receive_the_completed_text_with_its_version() {
    let mut items = Items::new("p");
    set(&mut items, Some(r#"{ "x": 1.50 }"#));
    let served = items.get(Flag, "f").and_then(VersionedItem::json).unwrap();
    assert!(
        served.starts_with(r#"{ "x": 1.50 ,"key":"f","version":1,"#),
        "{served}"
    );
}

/// Texts of items, which SDKs may or may not receive.
const TEXTS: [&str; 22] = [
    "{}",
    " \n{ } ",
    "",
    "[]",
    "[1]",
    "7",
    "{} {}",
    r#"{"on":}"#,
    r#"{"rules":[{]}"#,
    r#"{"salt":"\x"}"#,
    r#"{"salt":"\ud800"}"#,
    r#"{"\udc00":1,"rules":[{"\udc00":1}],"version":5}"#,
    r#"{"version":"5","on":true}"#,
    r#"{"version":null,"on":true}"#,
    r#"{"version":[1],"on":true}"#,
    r#"{"version":-5,"on":true}"#,
    r#"{"version":5.5,"on":true}"#,
    r#"{"version":5e0,"on":true}"#,
    r#"{"version":5,"version":6,"on":true}"#,
    r#"{"version":"5","on":7}"#,
    r#"{"version":5,"on":7}"#,
    r#"{"version":5,"variations":["a"],"prerequisites":[{"key":"p"}],"rules":[{"variation":0}]}"#,
];

#[test]
fn an_item_is_accepted_exactly_if_it_can_be_completed() {
    for text in TEXTS {
        for kind in [Flag, Segment] {
            let mut items = Items::new("p");
            let updated = items.update([(kind, "f".to_owned(), Some(text.into()))]);
            let Some(item) = items.get(kind, "f") else {
                let error = complete(kind, "f", 1, text).unwrap_err().to_string();
                let ItemsError::Item { source, .. } = updated.unwrap_err() else {
                    panic!("{text}");
                };
                assert_eq!(source.to_string(), error, "{text}");
                continue;
            };
            let completed = complete(kind, "f", item.version(), text).unwrap();
            assert_eq!(item.json(), Some(&*completed), "{text}");
        }
    }
}

#[test]
fn the_rules_are_those_of_the_completed_items() {
    for text in TEXTS {
        let mut items = Items::new("p");
        let Ok(true) = items.update([(Flag, "f".to_owned(), Some(text.into()))]) else {
            continue;
        };
        let item = items.get(Flag, "f").unwrap();
        let read = ItemReader::new(false).read(Flag, "f", item.json().unwrap());
        let mut rules = Rules::default();
        let updated = rules
            .update(&items)
            .map_err(|error| error.source.to_string());
        let flag = rules.get("f").map(|flag| format!("{flag:?}"));
        match read {
            Ok(Item::Flag(entry)) => {
                let expected = entry.present().map(|flag| format!("{flag:?}"));
                assert_eq!((updated, flag), (Ok(()), expected), "{text}");
            }
            Ok(Item::Segment(_)) => panic!("{text}"),
            Err(error) => assert_eq!(updated, Err(error.source.to_string()), "{text}"),
        }
    }
}

/// What one step of a random history does.
#[derive(Clone, Debug)]
enum Step {
    /// The keys and contents that change together. No content is a deletion.
    Update(Vec<(u8, Option<(u8, u64)>)>),
    /// A client that notes its state now, to ask for the difference later.
    Note,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let content = proptest::option::weighted(0.7, (0..3_u8, 0..6_u64));
    let update = proptest::collection::vec((0..4_u8, content), 1..4).prop_map(|changes| {
        let changes: BTreeMap<_, _> = changes.into_iter().collect();
        Step::Update(changes.into_iter().collect())
    });
    let step = prop_oneof![4 => update, 1 => Just(Step::Note)];
    proptest::collection::vec(step, 1..30)
}

fn kind_of(key: u8) -> DataKind {
    if key.is_multiple_of(2) { Flag } else { Segment }
}

/// The items of a client by kind and key, with their versions; tombstones have no JSON.
type Held = BTreeMap<(String, String), (u64, Option<Value>)>;

/// A client of the classic protocol: a `put` replaces everything, and single updates must have a
/// higher version.
fn receive_classic(held: &mut Held, event: &Event) {
    let data: Value = serde_json::from_str(event.data()).unwrap();
    if event.name() == "put" {
        held.clear();
        for kind in ["flags", "segments"] {
            for (key, item) in data["data"][kind].as_object().unwrap() {
                let version = item["version"].as_u64().unwrap();
                held.insert((kind.into(), key.clone()), (version, Some(item.clone())));
            }
        }
        return;
    }
    let mut path = data["path"].as_str().unwrap().splitn(3, '/').skip(1);
    let place = (
        path.next().unwrap().to_owned(),
        path.next().unwrap().to_owned(),
    );
    let (version, item) = match event.name() {
        "patch" => (
            data["data"]["version"].as_u64().unwrap(),
            Some(data["data"].clone()),
        ),
        "delete" => (data["version"].as_u64().unwrap(), None),
        other => panic!("{other}"),
    };
    assert!(
        held.get(&place).is_none_or(|(known, _)| version > *known),
        "an update is ignored"
    );
    held.insert(place, (version, item));
}

/// A client of the second protocol that ignores single updates without a higher version, as one SDK
/// does. Returns the selector.
fn receive_payloads(held: &mut Held, events: &[Event]) -> Option<String> {
    let mut selector = None;
    for event in events {
        let data: Value = serde_json::from_str(event.data()).unwrap();
        let place = || {
            let text = |name: &str| data[name].as_str().unwrap().to_owned();
            (format!("{}s", text("kind")), text("key"))
        };
        match event.name() {
            "server-intent" => {
                if data["payloads"][0]["intentCode"] == "xfer-full" {
                    held.clear();
                }
            }
            "payload-transferred" => selector = Some(data["state"].as_str().unwrap().to_owned()),
            name => {
                let version = data["version"].as_u64().unwrap();
                let object = (name == "put-object").then(|| data["object"].clone());
                if let Some(object) = &object {
                    assert_eq!(object["version"], version);
                }
                let known = held.get(&place()).map(|(known, _)| *known);
                assert!(
                    known.is_none_or(|known| version > known),
                    "an update is ignored"
                );
                held.insert(place(), (version, object));
            }
        }
    }
    selector
}

fn present(held: &Held) -> Held {
    let present = held.iter().filter(|(_, (_, item))| item.is_some());
    present
        .map(|(place, item)| (place.clone(), item.clone()))
        .collect()
}

proptest! {
    #[test]
    fn clients_that_replay_all_changes_have_the_same_items_as_new_ones(steps in steps()) {
        let mut items = Items::new("p");
        let (mut classic, mut payloads) = (Held::new(), Held::new());
        receive_classic(&mut classic, &fdv1::put(&items));
        let mut selector = receive_payloads(&mut payloads, &fdv2::payload(&items, None)).unwrap();
        let mut noted = vec![(payloads.clone(), selector.clone())];
        for step in steps {
            let Step::Update(changes) = step else {
                noted.push((payloads.clone(), selector.clone()));
                continue;
            };
            let before = items.clone();
            let texts = changes.iter().map(|(key, content)| {
                let text = content.map(|(salt, version)| {
                    json!({"salt": salt.to_string(), "version": version}).to_string().into()
                });
                (kind_of(*key), key.to_string(), text)
            });
            let is_changed = items.update(texts).unwrap();
            prop_assert_eq!(items.revision(), before.revision() + u64::from(is_changed));
            for (kind, key, item) in items.iter() {
                let Some(earlier) = before.get(kind, key) else { continue };
                let content = |item: &VersionedItem| item.json().map(|json| {
                    let mut json: Value = serde_json::from_str(json).unwrap();
                    json["version"].take();
                    json
                });
                if content(item) != content(earlier) || item.json() != earlier.json() {
                    prop_assert!(item.version() > earlier.version());
                } else {
                    prop_assert_eq!(item, earlier);
                }
            }
            if is_changed {
                let events = fdv1::changes(&items, before.revision());
                events.iter().for_each(|event| receive_classic(&mut classic, event));
                let events = fdv2::changes(&items, before.revision());
                selector = receive_payloads(&mut payloads, &events).unwrap();
            }
            prop_assert_eq!(&selector, &fdv2::selector(&items));
        }
        let mut fresh = Held::new();
        receive_classic(&mut fresh, &fdv1::put(&items));
        prop_assert_eq!(&present(&classic), &fresh);
        let mut fresh_payloads = Held::new();
        receive_payloads(&mut fresh_payloads, &fdv2::payload(&items, None));
        prop_assert_eq!(&fresh_payloads, &fresh);
        prop_assert_eq!(&present(&payloads), &fresh);
        // Clients that were away receive the difference.
        for (mut held, selector) in noted {
            let events = fdv2::payload(&items, Some(&selector));
            prop_assert!(events[0].data().contains("xfer-changes") || events[0].data().contains("none"));
            receive_payloads(&mut held, &events);
            prop_assert_eq!(&present(&held), &fresh);
        }
        // A service that was started again does not know them.
        items.set_payload_id("q");
        let events = fdv2::payload(&items, Some(&selector));
        prop_assert!(events[0].data().contains("xfer-full"));
    }
}
