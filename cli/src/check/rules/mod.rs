//! The rules, one idea per file. Each looks at a typed view of an item, or at all of them.

mod clauses;
mod flag_rules;
pub(super) mod identity;
mod operands;
mod order;
mod outcomes;
mod prerequisites;
mod rollouts;
mod segments;
mod settings;
pub(super) mod structure;
mod targets;
mod text;
mod variations;

use super::data::Data;
use super::finding::Found;

/// Checks all items that can be read.
pub(super) fn check(data: &Data<'_>, found: &mut Found) {
    let flags = data.flags.values();
    for flag in flags.filter(|flag| !flag.item.is_value) {
        variations::check(flag, found);
        outcomes::check(flag, found);
        settings::check(flag, data, found);
        targets::check(flag, found);
        text::check_targets(flag, found);
        flag_rules::check(flag, found);
        order::check_flag(flag, data, found);
        rollouts::check_flag(flag, found);
        for rule in &flag.rules {
            clauses::check(flag.item, &rule.clauses, data, found);
            flag_rules::duplicate_clauses(flag.item, &rule.clauses, found);
        }
    }
    for segment in data.segments.values() {
        segments::check(segment, found);
        text::check_keys(segment, found);
        order::check_segment(segment, data, found);
        rollouts::check_segment(segment, found);
        for rule in &segment.rules {
            clauses::check(segment.item, &rule.clauses, data, found);
            flag_rules::duplicate_clauses(segment.item, &rule.clauses, found);
        }
    }
    prerequisites::check(data, found);
    segments::check_all(data, found);
    rollouts::check_seeds(data, found);
}
