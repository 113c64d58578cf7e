//! Prerequisites: flags that a flag depends on.

use std::collections::BTreeMap;

use vexil::model::DataKind;

use crate::check::data::Data;
use crate::check::finding::Found;
use crate::check::graph::{Graph, path_text};
use crate::check::model::{Flag, Prerequisite};
use crate::check::registry::{Id, Severity};

/// Levels that SDKs evaluate safely, each in a function call.
const MAX_DEPTH: usize = 100;
/// Evaluations of prerequisites for one flag.
const MAX_VISITS: usize = 10_000;

/// Checks the prerequisites of all flags.
pub(in crate::check) fn check(data: &Data<'_>, found: &mut Found) {
    for flag in data.flags.values() {
        for (index, prerequisite) in flag.prerequisites.iter().enumerate() {
            let earlier = flag.prerequisites.get(..index).unwrap_or_default();
            if !duplicate(flag, prerequisite, earlier, found) {
                required(flag, prerequisite, data, found);
            }
        }
    }
    let all = graph(data, false);
    let blocking = graph(data, true).cycles();
    for (key, path) in all.cycles() {
        if let Some(flag) = data.flags.get(key) {
            cycle(
                flag,
                blocking.get(key).unwrap_or(&path),
                blocking.contains_key(key),
                found,
            );
        }
    }
    depth(data, &all, found);
}

/// Returns the graph of prerequisites. A flag that is off does not evaluate its prerequisites.
fn graph<'t>(data: &Data<'t>, only_on: bool) -> Graph<'t> {
    let flags = data.flags.iter();
    let edges = flags.filter(|(_, flag)| flag.on || !only_on);
    let edges = edges.flat_map(|(key, flag)| {
        let prerequisites = flag.prerequisites.iter();
        prerequisites.map(|prerequisite| (*key, prerequisite.key))
    });
    Graph::new(data.flags.keys().copied(), edges)
}

fn duplicate(
    flag: &Flag<'_>,
    prerequisite: &Prerequisite<'_>,
    earlier: &[Prerequisite<'_>],
    found: &mut Found,
) -> bool {
    let Prerequisite {
        spot,
        key,
        variation,
    } = prerequisite;
    let Some(first) = earlier.iter().find(|earlier| earlier.key == *key) else {
        return false;
    };
    if first.variation == *variation {
        let message = format!("{key:?} is required twice");
        found.add(Id::DuplicatePrerequisite, flag.item, spot, message);
    } else {
        let message = format!(
            "{key:?} is required with the variations {} and {variation}: the flag is never served",
            first.variation
        );
        found
            .add(Id::DuplicatePrerequisite, flag.item, spot, message)
            .severity(Severity::Error);
    }
    true
}

/// Checks the flag that a prerequisite names.
fn required(flag: &Flag<'_>, prerequisite: &Prerequisite<'_>, data: &Data<'_>, found: &mut Found) {
    let Prerequisite {
        spot,
        key,
        variation,
    } = prerequisite;
    let Some(other) = data.flags.get(key) else {
        if !data.exists(DataKind::Flag, key) {
            let place = spot.member("key");
            let message = format!("there is no flag {key:?}: the prerequisite always fails");
            found.add(
                Id::UnknownPrerequisite,
                flag.item,
                place.as_ref().unwrap_or(spot),
                message,
            );
        }
        return;
    };
    if !other.on {
        let message = format!("{key:?} is off: the prerequisite always fails");
        found
            .add(Id::PrerequisiteOff, flag.item, spot, message)
            .help("an off variation does not fulfil a prerequisite");
    }
    let count = other.variations.len();
    let place = spot.member("variation");
    let place = place.as_ref().unwrap_or(spot);
    let exists = usize::try_from(*variation).is_ok_and(|index| index < count);
    if !exists {
        let message = format!("{key:?} has no variation {variation}, only {count}");
        found
            .add(Id::PrerequisiteVariation, flag.item, place, message)
            .help("variations count from 0");
    } else if !other.may_serve(*variation) {
        let message = format!("nothing in {key:?} selects its variation {variation}");
        found
            .add(Id::PrerequisiteVariation, flag.item, place, message)
            .severity(Severity::Warning);
    }
}

fn cycle(flag: &Flag<'_>, path: &[&str], is_blocking: bool, found: &mut Found) {
    let next = path.get(1).copied().unwrap_or_default();
    let edge = flag
        .prerequisites
        .iter()
        .find(|prerequisite| prerequisite.key == next);
    let Some(edge) = edge else { return };
    let path = path_text(path);
    if is_blocking {
        let message = format!("the flag requires itself, and is malformed: {path}");
        found.add(Id::PrerequisiteCycle, flag.item, &edge.spot, message);
    } else {
        let message = format!("the flag requires itself, unless one of these is off: {path}");
        found
            .add(Id::PrerequisiteCycle, flag.item, &edge.spot, message)
            .severity(Severity::Warning);
    }
}

/// Reports the flags at which the limits are passed, not all those that depend on them.
fn depth(data: &Data<'_>, graph: &Graph<'_>, found: &mut Found) {
    let deep: BTreeMap<_, _> = graph
        .paths()
        .into_iter()
        .filter(|(_, (depth, visits))| *depth > MAX_DEPTH || *visits > MAX_VISITS)
        .collect();
    for (key, (depth, visits)) in &deep {
        let Some(flag) = data.flags.get(key) else {
            continue;
        };
        let depends_on_deep = flag
            .prerequisites
            .iter()
            .any(|prerequisite| deep.contains_key(prerequisite.key));
        if depends_on_deep {
            continue;
        }
        let message = format!(
            "the prerequisites are {depth} levels deep, and an evaluation may visit {visits} flags"
        );
        let root = flag.item.root();
        found
            .add_property(
                Id::PrerequisiteTooDeep,
                flag.item,
                &root,
                "prerequisites",
                message,
            )
            .help(format!(
                "at most {MAX_DEPTH} levels and {MAX_VISITS} flags are safe"
            ));
    }
}
