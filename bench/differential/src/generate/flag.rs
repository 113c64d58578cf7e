//! Generates flags of every shape.

use serde_json::{Map, Value, json};

use super::{clause, pool, rollout};
use crate::dice::Dice;

/// Generates the flag `all[position]`. Its prerequisites are mostly later flags, so that cycles are
/// possible but rare.
pub(crate) fn flag(dice: &mut Dice, all: &[String], position: usize, segments: &[String]) -> Value {
    let key = all.get(position).map_or("", String::as_str);
    let count = if dice.chance(2) {
        0
    } else {
        dice.between(1, 4)
    };
    let off_variation = if dice.chance(15) {
        Value::Null
    } else {
        json!(rollout::variation(dice, count))
    };
    let mut fallthrough = Map::new();
    rollout::destination(dice, count, &mut fallthrough);
    let mut flag = json!({
        "key": key,
        "version": dice.between(1, 1 << 53),
        "on": dice.chance(85),
        "salt": dice.pick(pool::SALTS),
        "variations": (0..count).map(|at| outcome(dice, at)).collect::<Vec<_>>(),
        "offVariation": off_variation,
        "targets": targets(dice, count),
        "contextTargets": context_targets(dice, count),
        "prerequisites": prerequisites(dice, all, position),
        "rules": dice.several(0, 4, |dice| rule(dice, count, segments)),
        "fallthrough": fallthrough,
        "trackEvents": dice.chance(20),
        "trackEventsFallthrough": dice.chance(20),
        "debugEventsUntilDate": dice.pick([Value::Null, json!(0), json!(1_512_543_600_000_i64)].each_ref()),
        "clientSide": dice.chance(50),
        "deleted": dice.chance(2),
    });
    if let Some(flag) = flag.as_object_mut() {
        decorate(dice, flag);
    }
    flag
}

/// Adds members that do not affect evaluations, including an unknown one.
fn decorate(dice: &mut Dice, flag: &mut Map<String, Value>) {
    if dice.chance(20) {
        let visible = json!({ "usingMobileKey": true, "usingEnvironmentId": dice.chance(50) });
        flag.insert("clientSideAvailability".into(), visible);
    }
    if dice.chance(10) {
        flag.insert("samplingRatio".into(), json!(dice.between(0, 9)));
        flag.insert("migration".into(), json!({ "checkRatio": 2 }));
        flag.insert("excludeFromSummaries".into(), json!(true));
    }
    if dice.chance(10) {
        flag.insert("unheardOf".into(), pool::anything(dice, 2));
    }
}

/// Returns the value of a variation, distinct within the flag where the type allows.
fn outcome(dice: &mut Dice, at: i64) -> Value {
    match dice.between(0, 9) {
        0 => Value::Null,
        1 => json!({ "at": at, "list": [1, 1.5, "x", null] }),
        2 => json!([at, "x"]),
        3..=4 => json!(at % 2 == 1),
        5 => json!(at),
        6 => json!(at as f64 + 0.25),
        _ => json!(format!("value {at}")),
    }
}

fn targets(dice: &mut Dice, count: i64) -> Vec<Value> {
    let most = if dice.chance(50) { 3 } else { 0 };
    dice.several(0, most, |dice| {
        let mut target = json!({
            "variation": rollout::variation(dice, count),
            "values": dice.several(0, 3, pool::key),
        });
        if dice.chance(15)
            && let Some(target) = target.as_object_mut()
        {
            target.insert("contextKind".into(), json!(rollout::kind(dice)));
        }
        target
    })
}

fn context_targets(dice: &mut Dice, count: i64) -> Vec<Value> {
    let most = if dice.chance(40) { 4 } else { 0 };
    dice.several(0, most, |dice| {
        // An empty entry of kind `user` only refers to the user keys of `targets`.
        if dice.chance(50) {
            return json!({ "contextKind": "user", "values": [], "variation": rollout::variation(dice, count) });
        }
        json!({
            "contextKind": rollout::kind(dice),
            "values": dice.several(0, 3, pool::key),
            "variation": rollout::variation(dice, count),
        })
    })
}

fn prerequisites(dice: &mut Dice, all: &[String], position: usize) -> Vec<Value> {
    let most = if dice.chance(45) { 3 } else { 0 };
    dice.several(0, most, |dice| {
        let key = match dice.between(0, 99) {
            0..=3 => None,
            // Any flag including this one, which creates cycles.
            4..=9 => all.get(dice.between(0, all.len() as i64) as usize),
            _ => {
                let later = dice.between(
                    position as i64 + 1,
                    all.len() as i64 - 1 + i64::from(position + 1 == all.len()),
                );
                all.get(later as usize)
            }
        };
        json!({
            "key": key.map_or("absent", String::as_str),
            "variation": dice.pick([0, 0, 0, 1, 1, 2, 3, -1, 7]),
        })
    })
}

fn rule(dice: &mut Dice, count: i64, segments: &[String]) -> Value {
    let mut rule = Map::new();
    rule.insert("clauses".into(), clause::clauses(dice, segments));
    rule.insert("trackEvents".into(), json!(dice.chance(20)));
    if dice.chance(85) {
        rule.insert("id".into(), json!(dice.pick(["r-1", "r-2", ""])));
    }
    rollout::destination(dice, count, &mut rule);
    Value::Object(rule)
}
