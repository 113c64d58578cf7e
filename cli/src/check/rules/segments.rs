//! Segments, and the clauses that refer to them.

use std::collections::{BTreeMap, BTreeSet};

use vexil::model::DataKind;

use crate::check::data::Data;
use crate::check::finding::Found;
use crate::check::graph::{Graph, path_text};
use crate::check::item::Item;
use crate::check::model::{Clause, Segment};
use crate::check::registry::{Id, Severity};

/// Checks a segment by itself.
pub(in crate::check) fn check(segment: &Segment<'_>, found: &mut Found) {
    let root = segment.item.root();
    let has_excluded = segment.excluded.iter().any(|list| !list.keys.is_empty());
    if segment.is_empty() && !has_excluded {
        let message = "the segment has no keys and no rules";
        found.add(Id::EmptySegment, segment.item, &root, message);
    }
    if segment.is_big {
        if root.member("generation").is_none() {
            let message = "the big segment has no generation: it contains no context";
            found
                .add_property(
                    Id::BigWithoutGeneration,
                    segment.item,
                    &root,
                    "generation",
                    message,
                )
                .help("an older SDK may have removed it on the way through a database");
        }
        let mut lists = segment.included.iter().chain(&segment.excluded);
        if let Some(list) = lists.find(|list| !list.keys.is_empty()) {
            let message =
                "the lists of a big segment are in a store of their own: these are ignored";
            found.add_property(
                Id::BigWithLists,
                segment.item,
                &root,
                list.property,
                message,
            );
        }
    } else {
        included_and_excluded(segment, found);
    }
}

fn included_and_excluded(segment: &Segment<'_>, found: &mut Found) {
    let included: BTreeSet<_> = segment
        .included
        .iter()
        .flat_map(|list| list.keys.iter().map(|key| (list.kind, key.as_str())))
        .collect();
    for list in &segment.excluded {
        for key in &list.keys {
            if included.contains(&(list.kind, key.as_str())) {
                let (kind, text) = (list.kind, key.as_str().unwrap_or_default());
                let message = format!("{kind} {text:?} is included too: it is in the segment");
                found.add(Id::IncludedAndExcluded, segment.item, key, message);
            }
        }
    }
}

/// Checks the segments that a clause names.
pub(in crate::check) fn operands(
    item: &Item,
    clause: &Clause<'_>,
    data: &Data<'_>,
    found: &mut Found,
) {
    let has_known = clause
        .segments()
        .any(|(_, key)| data.exists(DataKind::Segment, key));
    for value in &clause.values {
        let Some(key) = value.as_str() else {
            let message = format!(
                "expected the key of a segment, found {}",
                value.node.type_name()
            );
            found.add(Id::SegmentOperand, item, value, message);
            continue;
        };
        if data.exists(DataKind::Segment, key) {
            continue;
        }
        let message = format!("there is no segment {key:?}");
        let finding = found.add(Id::UnknownSegment, item, value, message);
        if has_known {
            finding.severity(Severity::Warning);
        }
    }
}

/// Checks how segments relate to each other and to flags.
pub(in crate::check) fn check_all(data: &Data<'_>, found: &mut Found) {
    let segment_clauses = |segment: &Segment<'_>| -> Vec<String> {
        let clauses = segment.rules.iter().flat_map(|rule| &rule.clauses);
        clauses
            .flat_map(|clause| clause.segments().map(|(_, key)| key.to_owned()))
            .collect()
    };
    let of_segments: BTreeMap<&str, Vec<String>> = data
        .segments
        .iter()
        .map(|(key, segment)| (*key, segment_clauses(segment)))
        .collect();
    let edges = of_segments
        .iter()
        .flat_map(|(key, used)| used.iter().map(move |used| (*key, used.as_str())));
    for (key, path) in Graph::new(data.segments.keys().copied(), edges).cycles() {
        if let Some(segment) = data.segments.get(key) {
            cycle(segment, &path, found);
        }
    }
    unused(data, &of_segments, found);
    equal(data, found);
}

fn cycle(segment: &Segment<'_>, path: &[&str], found: &mut Found) {
    let next = path.get(1).copied().unwrap_or_default();
    let clauses = segment.rules.iter().flat_map(|rule| &rule.clauses);
    let clause = clauses
        .filter(|clause| clause.segments().any(|(_, key)| key == next))
        .map(|clause| &clause.spot)
        .next();
    if let Some(spot) = clause {
        let message = format!(
            "the segment refers to itself, and flags that use it are malformed: {}",
            path_text(path)
        );
        found.add(Id::SegmentCycle, segment.item, spot, message);
    }
}

fn unused(data: &Data<'_>, of_segments: &BTreeMap<&str, Vec<String>>, found: &mut Found) {
    let flag_clauses = data
        .flags
        .values()
        .flat_map(|flag| &flag.rules)
        .flat_map(|rule| &rule.clauses);
    let used: BTreeSet<&str> = flag_clauses
        .flat_map(|clause| clause.segments().map(|(_, key)| key))
        .chain(of_segments.values().flatten().map(String::as_str))
        .collect();
    for (key, segment) in &data.segments {
        if !used.contains(key) {
            let message = "no flag or segment refers to the segment";
            found.add_item(Id::UnusedSegment, segment.item, message);
        }
    }
}

/// Finds segments with the same contents. Rules for a share of the contexts depend on the key, so
/// that segments with such rules differ.
fn equal(data: &Data<'_>, found: &mut Found) {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for (key, segment) in &data.segments {
        let is_partial = segment.rules.iter().any(|rule| rule.weight.is_some());
        let has_nothing = !segment.has_lists() && segment.rules.is_empty();
        if segment.is_big || is_partial || has_nothing {
            continue;
        }
        let contents = contents(segment);
        if let Some(first) = seen.get(&contents) {
            let message = format!("the segment has the same lists and rules as {first:?}");
            found.add_item(Id::EqualSegments, segment.item, message);
        } else {
            seen.insert(contents, key);
        }
    }
}

/// Returns a text that segments with the same contents share.
fn contents(segment: &Segment<'_>) -> String {
    let lists = [&segment.included, &segment.excluded].map(|lists| {
        let keys = lists
            .iter()
            .flat_map(|list| list.keys.iter().map(|key| (list.kind, key.as_str())));
        keys.collect::<BTreeSet<_>>()
    });
    let rules: Vec<_> = segment
        .rules
        .iter()
        .map(|rule| rule.clauses.iter().map(Clause::meaning).collect::<Vec<_>>())
        .collect();
    format!("{lists:?}{rules:?}")
}
