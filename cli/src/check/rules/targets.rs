//! Individual targets.

use std::collections::BTreeMap;

use crate::check::finding::Found;
use crate::check::model::{Flag, Target};
use crate::check::registry::Id;

const USER: &str = "user";

pub(in crate::check) fn check(flag: &Flag<'_>, found: &mut Found) {
    duplicates(flag, found);
    older_lists(flag, found);
    newer_lists(flag, found);
}

fn duplicates(flag: &Flag<'_>, found: &mut Found) {
    let mut seen: BTreeMap<(&str, &str), String> = BTreeMap::new();
    for target in flag.targets.iter().chain(&flag.context_targets) {
        for value in &target.values {
            let Some(key) = value.as_str() else { continue };
            if let Some(first) = seen.get(&(target.kind, key)) {
                let kind = target.kind;
                let message =
                    format!("{kind} {key:?} is targeted twice; the other place is {first}");
                found
                    .add(Id::DuplicateTarget, flag.item, value, message)
                    .help("the first list that counts decides");
            } else {
                seen.insert((target.kind, key), value.pointer.clone());
            }
        }
    }
}

/// The lists of `targets`. If there are lists for other kinds, an empty list among those stands for
/// the first one here with the same variation, and the others are ignored.
fn older_lists(flag: &Flag<'_>, found: &mut Found) {
    for (index, target) in flag.targets.iter().enumerate() {
        if target.values.is_empty() {
            empty(flag, target, found);
            continue;
        }
        let earlier = flag.targets.get(..index).unwrap_or_default();
        let is_first = !earlier
            .iter()
            .any(|other| other.variation == target.variation);
        let stands = flag
            .context_targets
            .iter()
            .any(|other| is_placeholder(other) && other.variation == target.variation);
        let counts = flag.context_targets.is_empty() || (is_first && stands);
        if !counts {
            let variation = target.variation;
            let message = "the list is ignored, because contextTargets has no empty list of users \
                           for it";
            found
                .add(Id::TargetsIgnored, flag.item, &target.spot, message)
                .help(format!(
                    "add {{\"contextKind\": \"user\", \"variation\": {variation}, \"values\": []}} \
                     to contextTargets, and keep one list for each variation"
                ));
        }
    }
}

fn newer_lists(flag: &Flag<'_>, found: &mut Found) {
    for target in &flag.context_targets {
        if target.values.is_empty() {
            let stands = flag
                .targets
                .iter()
                .any(|other| other.variation == target.variation);
            if !(is_placeholder(target) && stands) {
                empty(flag, target, found);
            }
        } else if target.kind == USER {
            let values = target.spot.member("values");
            let message = "Python, Node and Java ignore keys of users in contextTargets";
            found
                .add(
                    Id::UserKeysInContextTargets,
                    flag.item,
                    values.as_ref().unwrap_or(&target.spot),
                    message,
                )
                .help("move the keys to targets, and leave an empty list here");
        }
    }
}

fn is_placeholder(target: &Target<'_>) -> bool {
    target.kind == USER && target.values.is_empty()
}

fn empty(flag: &Flag<'_>, target: &Target<'_>, found: &mut Found) {
    found.add(
        Id::EmptyTargets,
        flag.item,
        &target.spot,
        "the list has no keys",
    );
}
