//! Generates the outcomes of rules and fallthroughs: variations, rollouts, experiments and defects.

use serde_json::{Map, Value, json};

use super::{attribute, pool};
use crate::dice::Dice;
use crate::shape::Object;

/// Returns a kind for flag data, occasionally one that no context can have.
pub(crate) fn kind(dice: &mut Dice) -> &'static str {
    if dice.between(0, 199) == 0 {
        return dice.pick(pool::UNUSABLE_KINDS);
    }
    dice.pick(pool::KINDS)
}

/// Returns a variation index, occasionally out of range on either side.
pub(crate) fn variation(dice: &mut Dice, count: i64) -> i64 {
    if count == 0 || dice.chance(3) {
        return dice.pick([-1, count, count + 3, 99]);
    }
    dice.between(0, count - 1)
}

/// Adds a variation or a rollout, both or neither to the object.
pub(crate) fn destination(dice: &mut Dice, count: i64, object: &mut Object) {
    match dice.between(0, 99) {
        0..=54 => {
            object.insert("variation".into(), json!(variation(dice, count)));
        }
        55..=90 => {
            object.insert("rollout".into(), rollout(dice, count));
            if dice.chance(20) {
                object.insert("variation".into(), Value::Null);
            }
        }
        91..=93 => {
            object.insert("variation".into(), json!(variation(dice, count)));
            object.insert("rollout".into(), rollout(dice, count));
        }
        94..=95 => {
            object.insert("variation".into(), json!(variation(dice, count)));
            object.insert("rollout".into(), Value::Null);
        }
        96..=97 => {
            object.insert("rollout".into(), json!({ "variations": [] }));
        }
        _ => {}
    }
}

/// Generates a rollout with a share that ends exactly at the bucket of a key.
fn edge(dice: &mut Dice, count: i64) -> Value {
    let (seed, weight) = dice.pick(pool::EDGES);
    let first = if dice.chance(50) {
        0
    } else {
        dice.between(0, weight)
    };
    let weights = [first, weight - first, 100_000 - weight];
    let variations =
        weights.map(|weight| json!({ "variation": variation(dice, count), "weight": weight }));
    json!({ "seed": seed, "variations": variations })
}

fn rollout(dice: &mut Dice, count: i64) -> Value {
    if dice.chance(8) {
        return edge(dice, count);
    }
    let mut rollout = Map::new();
    match dice.between(0, 19) {
        0..=8 => {
            rollout.insert("kind".into(), json!("experiment"));
        }
        9..=15 => {
            rollout.insert("kind".into(), json!("rollout"));
        }
        16 => {
            rollout.insert("kind".into(), json!(dice.pick(["blend", "", "Experiment"])));
        }
        17 => {
            rollout.insert("kind".into(), Value::Null);
        }
        _ => {}
    }
    bucketing(dice, &mut rollout, "contextKind");
    match dice.between(0, 9) {
        0..=2 => {
            rollout.insert("seed".into(), json!(dice.pick(pool::SEEDS)));
        }
        3 => {
            rollout.insert("seed".into(), Value::Null);
        }
        _ => {}
    }
    rollout.insert("variations".into(), weighted_variations(dice, count));
    Value::Object(rollout)
}

/// Adds the attribute and kind to bucket by.
pub(crate) fn bucketing(dice: &mut Dice, object: &mut Object, kind_member: &str) {
    let has_kind = dice.chance(60);
    if has_kind {
        object.insert(kind_member.into(), json!(kind(dice)));
    }
    match dice.between(0, 19) {
        0..=6 => {
            let attribute = attribute::to_bucket_by(dice, has_kind);
            object.insert("bucketBy".into(), json!(attribute));
        }
        7 => {
            object.insert("bucketBy".into(), json!(dice.pick(pool::BAD_REFERENCES)));
        }
        8 => {
            object.insert("bucketBy".into(), Value::Null);
        }
        _ => {}
    }
}

fn weighted_variations(dice: &mut Dice, count: i64) -> Value {
    let style = dice.between(0, 9);
    let mut rest = 100_000;
    let mut list = dice.several(1, 4, |dice| {
        let weight = match style {
            // A random part of the remaining weight.
            0..=5 => dice.between(0, rest),
            // Too little, so that the last share takes the rest.
            6 => dice.between(0, 9_000),
            // Too much.
            7 => dice.between(0, 200_000),
            // Negative weights, which are simply added up.
            8 => dice.between(-50_000, 60_000),
            _ => dice.pick([0, 100_000, 50_000, -5, 10, 99_995, 1]),
        };
        rest -= weight.clamp(0, rest);
        let mut one = json!({ "variation": variation(dice, count), "weight": weight });
        if dice.chance(20)
            && let Some(one) = one.as_object_mut()
        {
            one.insert("untracked".into(), json!(dice.chance(80)));
        }
        one
    });
    if style <= 5
        && let Some(Value::Object(last)) = list.last_mut()
    {
        let weight = last.get("weight").and_then(Value::as_i64).unwrap_or(0);
        last.insert("weight".into(), json!(weight + rest));
    }
    Value::Array(list)
}
