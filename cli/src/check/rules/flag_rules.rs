//! Names of rules, and clauses that a rule contains twice.

use std::collections::BTreeMap;

use crate::check::finding::Found;
use crate::check::item::Item;
use crate::check::model::{Clause, Flag};
use crate::check::registry::Id;

pub(in crate::check) fn check(flag: &Flag<'_>, found: &mut Found) {
    let mut ids: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, rule) in flag.rules.iter().enumerate() {
        if rule.id.is_empty() {
            found
                .add(Id::UnnamedRule, flag.item, &rule.spot, "the rule has no id")
                .help("reports and events name rules by their ids");
            continue;
        }
        if let Some(first) = ids.get(rule.id) {
            let spot = rule.spot.member("id");
            let message = format!("rule {first} has the same id {:?}", rule.id);
            found.add(
                Id::RuleNamedTwice,
                flag.item,
                spot.as_ref().unwrap_or(&rule.spot),
                message,
            );
        } else {
            ids.insert(rule.id, index);
        }
    }
}

/// Finds clauses that occur twice in a rule.
pub(in crate::check) fn duplicate_clauses(item: &Item, clauses: &[Clause<'_>], found: &mut Found) {
    let meanings: Vec<_> = clauses.iter().map(Clause::meaning).collect();
    for (index, (clause, meaning)) in clauses.iter().zip(&meanings).enumerate() {
        let earlier = meanings.get(..index).unwrap_or_default();
        if let Some(first) = earlier.iter().position(|earlier| earlier == meaning) {
            let message = format!("the clause equals clause {first}");
            found.add(Id::DuplicateClause, item, &clause.spot, message);
        }
    }
}
