//! Generates segments: lists, rules with and without weight, nesting and cycles.

use serde_json::{Map, Value, json};

use super::{clause, pool, rollout};
use crate::dice::Dice;

/// Generates the segment `all[position]`. It mostly refers to later ones, so that cycles are
/// possible but rare.
pub(crate) fn segment(dice: &mut Dice, all: &[String], position: usize) -> Value {
    let key = all.get(position).map_or("", String::as_str);
    let reachable = if dice.chance(8) {
        all
    } else {
        all.get(position + 1..).unwrap_or_default()
    };
    let mut segment = json!({
        "key": key,
        "version": dice.between(1, 99),
        "included": keys(dice, 1),
        "excluded": keys(dice, 2),
        "includedContexts": members(dice),
        "excludedContexts": members(dice),
        "rules": dice.several(0, 3, |dice| rule(dice, reachable)),
        "salt": dice.pick(pool::SALTS),
        "deleted": dice.chance(2),
    });
    if dice.chance(8)
        && let Some(segment) = segment.as_object_mut()
    {
        segment.insert("unbounded".into(), json!(true));
        if dice.chance(60) {
            segment.insert("unboundedContextKind".into(), json!(rollout::kind(dice)));
        }
        if dice.chance(70) {
            segment.insert("generation".into(), json!(dice.between(0, 9)));
        }
    }
    segment
}

fn keys(dice: &mut Dice, most: i64) -> Vec<Value> {
    dice.several(0, most, pool::key)
}

fn members(dice: &mut Dice) -> Vec<Value> {
    dice.several(
        0,
        1,
        |dice| json!({ "contextKind": rollout::kind(dice), "values": keys(dice, 2) }),
    )
}

fn rule(dice: &mut Dice, reachable: &[String]) -> Value {
    let mut rule = Map::new();
    rule.insert("clauses".into(), clause::clauses(dice, reachable));
    if dice.chance(50) {
        rule.insert("id".into(), json!("rule"));
    }
    let weight = match dice.between(0, 9) {
        0..=2 => Some(json!(dice.between(0, 100_000))),
        3 => Some(json!(dice.pick([0, 1, 50_000, 100_000, 99_999]))),
        4 => Some(json!(dice.between(-50_000, -1))),
        5 => Some(Value::Null),
        _ => None,
    };
    if let Some(weight) = weight {
        rule.insert("weight".into(), weight);
        rollout::bucketing(dice, &mut rule, "rolloutContextKind");
    }
    Value::Object(rule)
}
