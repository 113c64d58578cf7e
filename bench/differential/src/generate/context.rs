//! Generates contexts: single-kind, multi-kind, and the legacy user format.

use serde_json::{Map, Value, json};

use super::attribute::{self, Family};
use super::pool;
use crate::dice::Dice;
use crate::shape::Object;

/// The attributes that a context may have: name, family, and whether the value is a list.
const CARRIED: [(&str, Family, bool); 17] = [
    ("email", Family::Text, false),
    ("region", Family::Text, false),
    ("tags", Family::Text, true),
    ("/slash", Family::Text, false),
    ("a~b", Family::Text, false),
    ("path/like", Family::Text, false),
    ("age", Family::Number, false),
    ("scores", Family::Number, true),
    ("2", Family::Number, false),
    ("beta", Family::Truth, false),
    ("since", Family::Date, false),
    ("visits", Family::Date, true),
    ("build", Family::Version, false),
    ("builds", Family::Version, true),
    ("misc", Family::Misc, false),
    ("huge", Family::Huge, false),
    (attribute::BIG_INTEGER, Family::BigInteger, false),
];

/// Generates a context in one of the formats that every SDK reads.
pub(crate) fn context(dice: &mut Dice) -> Value {
    match dice.between(0, 9) {
        0 => old_user(dice),
        1..=5 => single(dice),
        _ => multi(dice),
    }
}

fn single(dice: &mut Dice) -> Value {
    let kind = dice.pick(pool::KINDS);
    let mut member = member(dice);
    member.insert("kind".into(), json!(kind));
    Value::Object(member)
}

fn multi(dice: &mut Dice) -> Value {
    let mut context = Map::new();
    context.insert("kind".into(), json!("multi"));
    for _ in 0..dice.between(1, 4) {
        let kind = dice.pick(pool::KINDS);
        context.insert(kind.into(), Value::Object(member(dice)));
    }
    Value::Object(context)
}

fn member(dice: &mut Dice) -> Object {
    let mut member = custom(dice);
    member.insert("key".into(), pool::key(dice));
    if dice.chance(50) {
        member.insert("name".into(), name(dice));
    }
    if dice.chance(30) {
        member.insert("anonymous".into(), json!(dice.chance(70)));
    }
    if dice.chance(10) {
        let meta =
            json!({ "privateAttributes": ["email", "/plan/tier"], "redactedAttributes": [] });
        member.insert("_meta".into(), meta);
    }
    member
}

/// Generates a context in the legacy user format, the only one that allows an empty key.
fn old_user(dice: &mut Dice) -> Value {
    let mut custom = custom(dice);
    custom.remove("email");
    let key = if dice.chance(15) {
        json!("")
    } else {
        pool::key(dice)
    };
    let mut user = json!({ "key": key, "custom": custom });
    if let Some(user) = user.as_object_mut() {
        if dice.chance(50) {
            user.insert("name".into(), name(dice));
        }
        if dice.chance(50) {
            user.insert("email".into(), pool::text(dice));
        }
        if dice.chance(30) {
            let anonymous = dice.pick([Value::Null, json!(true), json!(false)].each_ref());
            user.insert("anonymous".into(), anonymous.clone());
        }
        if dice.chance(20) {
            user.insert("secondary".into(), json!("second"));
        }
        if dice.chance(20) {
            user.insert("privateAttributeNames".into(), json!(["/a", "email"]));
        }
    }
    user
}

fn name(dice: &mut Dice) -> Value {
    if dice.chance(10) {
        return Value::Null;
    }
    pool::text(dice)
}

fn custom(dice: &mut Dice) -> Object {
    let mut custom = Map::new();
    for (name, family, is_list) in CARRIED {
        if dice.chance(45) {
            custom.insert(name.into(), carried(family, is_list, dice));
        }
    }
    if dice.chance(60) {
        custom.insert("plan".into(), plan(dice));
    }
    if dice.chance(50) {
        let is_list = dice.chance(30);
        custom.insert(
            attribute::MOMENT.into(),
            carried(Family::Moment, is_list, dice),
        );
    }
    custom
}

fn carried(family: Family, is_list: bool, dice: &mut Dice) -> Value {
    let may_stray = !matches!(family, Family::Huge | Family::Moment | Family::BigInteger);
    if may_stray && dice.chance(12) {
        return pool::anything(dice, 2);
    }
    if is_list {
        return Value::Array(dice.several(0, 4, |dice| attribute::value(family, dice)));
    }
    attribute::value(family, dice)
}

/// Generates an attribute with nested attributes.
fn plan(dice: &mut Dice) -> Value {
    if dice.chance(10) {
        return pool::anything(dice, 1);
    }
    json!({
        "tier": carried(Family::Text, false, dice),
        "seats": carried(Family::Number, false, dice),
        "deep": { "er": carried(Family::Text, false, dice) },
        "2": carried(Family::Number, false, dice),
        "s/t": pool::text(dice),
        "none": Value::Null,
    })
}
