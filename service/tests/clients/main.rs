//! Whatever happens to the items, every kind of client ends with what a new client receives.

#![cfg(test)]

mod client;
mod world;

use std::collections::HashMap;

use proptest::prelude::*;
use serde_json::Value;
use vexil_eval::model::DataKind;
use vexil_service::{Answer, Items, Route, Rules, Served, ValueStream, answer};

use self::client::{Applies, Client};
use self::world::{Turn, World, turns};

/// `{"key":"ada"}`
const ADA: &str = "eyJrZXkiOiJhZGEifQ";
/// `{"kind":"multi","user":{"key":"bob"},"org":{"key":"o"}}`
const BOB: &str = "eyJraW5kIjoibXVsdGkiLCJ1c2VyIjp7ImtleSI6ImJvYiJ9LCJvcmciOnsia2V5IjoibyJ9fQ";

/// One client for each protocol, transport and version test.
fn clients() -> Vec<Client> {
    use Applies::{All, Newer};
    let client = |targets: &[&str], applies| {
        let named = |target: &&str| target.replace("ADA", ADA).replace("BOB", BOB);
        let targets: Vec<_> = targets.iter().map(named).collect();
        let targets: Vec<_> = targets.iter().map(String::as_str).collect();
        Client::new(&targets, applies)
    };
    vec![
        client(&["/all"], Newer),
        client(&["/flags"], Newer),
        client(&["/sdk/latest-all"], All),
        client(&["/sdk/stream"], All),
        client(&["/sdk/stream"], Newer),
        client(&["/sdk/poll"], All),
        client(&["/sdk/poll"], Newer),
        client(&["/sdk/poll", "/sdk/stream"], Newer),
        client(&["/meval/ADA"], Newer),
        client(&["/eval/shop/BOB?withReasons=true"], Newer),
        client(&["/eval/shop/ADA"], Newer),
        client(&["/mping"], Newer),
        client(&["/sdk/evalx/shop/contexts/BOB"], All),
        client(&["/sdk/stream/eval/ADA"], Newer),
        client(&["/sdk/stream/eval/BOB?auth=shop&withReasons=true"], All),
        client(&["/sdk/poll/eval/BOB"], Newer),
        client(&["/sdk/poll/eval/ADA?auth=shop"], All),
        // As the JavaScript SDK does: polls once, and then opens a stream from what it has.
        client(&["/sdk/poll/eval/ADA", "/sdk/stream/eval/ADA"], Newer),
    ]
}

fn bit(set: u32, index: usize) -> bool {
    set >> index & 1 == 1
}

fn converges(turns: &[Turn]) {
    let mut world = World::new();
    let mut clients = clients();
    for (number, turn) in turns.iter().enumerate() {
        world.take(&turn.step);
        let mut alone = world.without_groups();
        let is_last = number + 1 == turns.len();
        for (index, client) in clients.iter_mut().enumerate() {
            if bit(turn.disconnected, index) {
                client.disconnect();
            }
            if !bit(turn.receiving, index) && !is_last {
                continue;
            }
            client.receive(&mut world);
            let mut fresh = client.fresh();
            // A new client is alone in its group.
            alone.end_groups();
            fresh.receive(&mut alone);
            assert_eq!(client.items(), fresh.items(), "{}", client.name());
        }
    }
}

/// The content of each item without its version, and the version.
fn contents(world: &World) -> HashMap<(DataKind, String), (Option<Value>, u64)> {
    let of = |(kind, key, item): (DataKind, &str, &vexil_service::VersionedItem)| {
        let content = item.json().map(|json| {
            let mut content: Value = serde_json::from_str(json).unwrap();
            let version = content.as_object_mut().unwrap().remove("version").unwrap();
            assert_eq!(
                version.as_u64(),
                Some(item.version()),
                "two versions of {key}"
            );
            content
        });
        ((kind, key.to_owned()), (content, item.version()))
    };
    world.items().iter().map(of).collect()
}

fn versions_rise_with_each_change(turns: &[Turn]) {
    let mut world = World::new();
    for turn in turns {
        let (before, revision) = (contents(&world), world.items().revision());
        world.take(&turn.step);
        let after = contents(&world);
        let is_changed = before != after;
        assert_eq!(world.items().revision(), revision + u64::from(is_changed));
        for ((kind, key), (content, version)) in &after {
            let Some((known, known_version)) = before.get(&(*kind, key.clone())) else {
                continue;
            };
            let given = world.base_version(*kind, key).unwrap_or_default();
            match content == known {
                false => assert!(version > known_version, "{kind} {key}"),
                // The source has raised the version.
                true if *version == given => assert!(version >= known_version, "{kind} {key}"),
                true => assert_eq!(version, known_version, "{kind} {key}"),
            }
        }
        // Tombstones stay.
        assert!(before.keys().all(|key| after.contains_key(key)));
    }
}

/// The groups that streams share are evaluated again only where a change may have an effect.
fn updates_equal_new_evaluations(turns: &[Turn]) {
    let streams: Vec<ValueStream> = [
        "/meval/ADA",
        "/eval/shop/BOB?withReasons=true",
        "/eval/shop/ADA",
    ]
    .iter()
    .map(|target| {
        let target = target.replace("ADA", ADA).replace("BOB", BOB);
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let route = Route::find("GET", path, Some(query)).unwrap();
        let (items, rules) = (Items::new("p"), Rules::default());
        let served = Served {
            items: &items,
            rules: &rules,
            memberships: None,
        };
        match answer(&route, b"", served, None).unwrap() {
            Answer::Values(stream) => stream,
            other => unreachable!("{other:?}"),
        }
    })
    .collect();
    let mut world = World::new();
    for stream in &streams {
        world.group(stream);
    }
    for turn in turns {
        world.take(&turn.step);
        for (updated, fresh) in world.groups(&streams) {
            assert_eq!(updated, fresh);
        }
    }
}

/// A selector is good for its own history, context, family and choice of reasons.
fn bases_of_others_get_everything(turns: &[Turn]) {
    let mut world = World::new();
    turns.iter().for_each(|turn| world.take(&turn.step));
    let views = [
        "/sdk/poll?",
        "/sdk/poll/eval/ADA?",
        "/sdk/poll/eval/BOB?",
        "/sdk/poll/eval/ADA?withReasons=true",
        "/sdk/poll/eval/ADA?auth=shop",
    ];
    let poll = |view: &str, basis: Option<&str>, served: Served<'_>| -> Value {
        let target = view.replace("ADA", ADA).replace("BOB", BOB);
        let (path, query) = target.split_once('?').unwrap();
        let query = format!("{query}&basis={}", basis.unwrap_or_default());
        let route = Route::find("GET", path, Some(&query)).unwrap();
        match answer(&route, b"", served, None).unwrap() {
            Answer::Body(body) => serde_json::from_slice(&body).unwrap(),
            other => unreachable!("{other:?}"),
        }
    };
    let intent = |body: &Value| body["events"][0]["data"]["payloads"][0]["intentCode"].clone();
    let bases: Vec<String> = views
        .iter()
        .map(|view| {
            let body = poll(view, None, world.served());
            let last = body["events"].as_array().unwrap().last().unwrap().clone();
            assert_eq!(last["event"], "payload-transferred");
            last["data"]["state"].as_str().unwrap().to_owned()
        })
        .collect();
    for (asked, view) in views.iter().enumerate() {
        for (of, basis) in bases.iter().enumerate() {
            let expected = if asked == of { "none" } else { "xfer-full" };
            let body = poll(view, Some(basis), world.served());
            assert_eq!(intent(&body), expected, "{view} with {basis}");
        }
        // The server has started again with the same contents.
        let mut items = world.items().clone();
        items.set_payload_id("world-77d2");
        let served = Served {
            items: &items,
            ..world.served()
        };
        let body = poll(view, Some(&bases[asked]), served);
        assert_eq!(intent(&body), "xfer-full", "{view}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 1 } else { 96 }))]

    #[test]
    fn all_clients_end_with_the_same_flags(turns in turns()) {
        converges(&turns);
    }

    #[test]
    fn a_version_rises_with_each_change_and_only_then(turns in turns()) {
        versions_rise_with_each_change(&turns);
    }

    #[test]
    fn values_that_were_updated_equal_those_of_a_new_evaluation(turns in turns()) {
        updates_equal_new_evaluations(&turns);
    }

    #[test]
    fn a_basis_of_another_view_or_server_gets_everything(turns in turns()) {
        bases_of_others_get_everything(&turns);
    }
}
