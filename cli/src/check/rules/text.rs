//! Texts that look like mistakes.

use std::collections::BTreeMap;

use icu_normalizer::ComposingNormalizerBorrowed;

use crate::check::finding::Found;
use crate::check::item::{Item, Spot};
use crate::check::model::{Clause, Flag, Segment};
use crate::check::registry::Id;

/// Operators whose operands are whole texts, or the beginning or end of one.
const WHOLE_TEXTS: [&str; 4] = ["in", "segmentMatch", "startsWith", "endsWith"];

pub(in crate::check) fn check_operands(item: &Item, clause: &Clause<'_>, found: &mut Found) {
    if WHOLE_TEXTS.contains(&clause.op) {
        list(item, &clause.values, found);
    }
}

pub(in crate::check) fn check_targets(flag: &Flag<'_>, found: &mut Found) {
    for target in flag.targets.iter().chain(&flag.context_targets) {
        list(flag.item, &target.values, found);
    }
}

pub(in crate::check) fn check_keys(segment: &Segment<'_>, found: &mut Found) {
    for keys in segment.included.iter().chain(&segment.excluded) {
        list(segment.item, &keys.keys, found);
    }
}

fn list(item: &Item, values: &[Spot<'_>], found: &mut Found) {
    let normalizer = ComposingNormalizerBorrowed::new_nfc();
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for value in values {
        let Some(text) = value.as_str() else { continue };
        if text.trim() != text {
            let message = format!("{text:?} has spaces at an end");
            found.add(Id::SuspiciousText, item, value, message);
        }
        let folded = normalizer.normalize(&text.to_lowercase()).into_owned();
        match seen.get(&folded) {
            Some(other) if *other != text => {
                let difference = if other.to_lowercase() == text.to_lowercase() {
                    "case"
                } else {
                    "Unicode form"
                };
                let message = format!("{text:?} and {other:?} differ in {difference} only");
                found
                    .add(Id::SuspiciousText, item, value, message)
                    .help("texts are compared byte by byte");
            }
            Some(_) => {}
            None => drop(seen.insert(folded, text)),
        }
    }
}
