//! Rules that never match, or that decide for others. Only certain cases are reported: whatever the
//! context is.

use crate::check::data::Data;
use crate::check::finding::Found;
use crate::check::item::{Item, Spot};
use crate::check::model::{Clause, Flag, Meaning, Segment};
use crate::check::registry::Id;

/// A rule of a flag or segment.
struct Rule<'a, 't> {
    spot: &'a Spot<'t>,
    clauses: &'a [Clause<'t>],
    meanings: Vec<Meaning>,
    /// Whether it may pass by a context that matches all clauses.
    is_partial: bool,
}

impl<'a, 't> Rule<'a, 't> {
    fn new(spot: &'a Spot<'t>, clauses: &'a [Clause<'t>], is_partial: bool) -> Self {
        Self {
            spot,
            clauses,
            meanings: clauses.iter().map(Clause::meaning).collect(),
            is_partial,
        }
    }
}

pub(in crate::check) fn check_flag(flag: &Flag<'_>, data: &Data<'_>, found: &mut Found) {
    let rules: Vec<_> = flag
        .rules
        .iter()
        .map(|rule| Rule::new(&rule.spot, &rule.clauses, false))
        .collect();
    check(flag.item, &rules, data, found, |index| {
        let served = |index: usize| flag.rules.get(index).and_then(|rule| rule.outcome.single());
        // The last rule has no effect on others if the fallthrough serves the same.
        index + 1 < flag.rules.len()
            || served(index).is_none()
            || served(index) != flag.fallthrough.single()
    });
}

pub(in crate::check) fn check_segment(segment: &Segment<'_>, data: &Data<'_>, found: &mut Found) {
    let rules: Vec<_> = segment
        .rules
        .iter()
        .map(|rule| Rule::new(&rule.spot, &rule.clauses, rule.weight.is_some()))
        .collect();
    check(segment.item, &rules, data, found, |index| {
        index + 1 < segment.rules.len()
    });
}

/// `decides` returns whether it matters that a rule matches all contexts.
fn check(
    item: &Item,
    rules: &[Rule<'_, '_>],
    data: &Data<'_>,
    found: &mut Found,
    decides: impl Fn(usize) -> bool,
) {
    for (index, rule) in rules.iter().enumerate() {
        if let Some(reason) = never(rule, data) {
            found.add(Id::RuleNever, item, rule.spot, reason);
            continue;
        }
        let earlier = rules.get(..index).unwrap_or_default();
        let shadow = earlier.iter().find(|earlier| shadows(earlier, rule));
        if let Some(shadow) = shadow {
            let pointer = &shadow.spot.pointer;
            let message = format!("{pointer} matches whenever this rule does");
            found
                .add(Id::RuleShadowed, item, rule.spot, message)
                .help("remove the rule, or move it before the other one");
            continue;
        }
        if matches_all(rule, data) && decides(index) {
            let message = if rule.clauses.is_empty() {
                "the rule has no clauses: it matches all contexts, and what follows is ignored"
            } else {
                "the rule matches all contexts, and what follows is ignored"
            };
            found.add(Id::RuleMatchesAll, item, rule.spot, message);
        }
    }
}

/// Returns why no context matches the rule.
fn never(rule: &Rule<'_, '_>, data: &Data<'_>) -> Option<String> {
    for (index, clause) in rule.clauses.iter().enumerate() {
        if !clause.negate && !is_usable(clause, data) {
            return Some(format!("clause {index} never matches"));
        }
    }
    for (index, meaning) in rule.meanings.iter().enumerate() {
        let others = (0..).zip(&rule.meanings);
        for (other, excluded) in others {
            if other != index && meaning.excludes(excluded) {
                let (first, second) = (index.min(other), index.max(other));
                return Some(format!("clauses {first} and {second} exclude each other"));
            }
        }
    }
    None
}

/// Whether a clause that is not negated may match.
fn is_usable(clause: &Clause<'_>, data: &Data<'_>) -> bool {
    if clause.is_segment_match() {
        return clause
            .segments()
            .any(|(_, key)| !data.is_empty_segment(key));
    }
    clause.values.iter().any(|value| clause.can_use(value))
}

/// Whether an earlier rule matches all contexts that the later one matches.
fn shadows(earlier: &Rule<'_, '_>, later: &Rule<'_, '_>) -> bool {
    let is_implied = |wanted: &Meaning| later.meanings.iter().any(|has| has.implies(wanted));
    !earlier.is_partial && !earlier.clauses.is_empty() && earlier.meanings.iter().all(is_implied)
}

fn matches_all(rule: &Rule<'_, '_>, data: &Data<'_>) -> bool {
    let is_always = |clause: &Clause<'_>| {
        clause.is_segment_match() && clause.negate && !is_usable(clause, data)
    };
    !rule.is_partial && rule.clauses.iter().all(is_always)
}
