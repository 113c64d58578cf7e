//! Generates clauses: every operator, with suitable and unsuitable values.

use serde_json::{Value, json};

use super::attribute::{self, Family};
use super::{pool, rollout};
use crate::dice::Dice;

const OPERATORS: [&str; 17] = [
    "in",
    "startsWith",
    "endsWith",
    "contains",
    "matches",
    "lessThan",
    "lessThanOrEqual",
    "greaterThan",
    "greaterThanOrEqual",
    "before",
    "after",
    "semVerEqual",
    "semVerLessThan",
    "semVerGreaterThan",
    "no-such-op",
    "IN",
    "",
];

/// Generates a list of clauses; `segments` are the keys that `segmentMatch` may use.
pub(crate) fn clauses(dice: &mut Dice, segments: &[String]) -> Value {
    let (low, high) = if dice.chance(6) { (0, 0) } else { (1, 3) };
    let high = if dice.chance(60) { high.min(1) } else { high };
    Value::Array(dice.several(low, high, |dice| clause(dice, segments)))
}

fn clause(dice: &mut Dice, segments: &[String]) -> Value {
    let mut clause = if dice.chance(22) {
        segment_match(dice, segments)
    } else {
        attribute_match(dice)
    };
    if let Some(clause) = clause.as_object_mut()
        && dice.chance(25)
    {
        clause.insert("negate".into(), json!(true));
    }
    clause
}

fn segment_match(dice: &mut Dice, segments: &[String]) -> Value {
    let values = dice.several(1, 2, |dice| match dice.between(0, 19) {
        0 => json!("absent"),
        1 => pool::anything(dice, 1),
        // In bounds or missing: an index past the end yields the key of a nonexistent segment.
        throw => json!(
            segments
                .get(throw as usize % segments.len().max(1))
                .map_or("absent", String::as_str)
        ),
    });
    let mut clause =
        json!({ "attribute": "", "op": "segmentMatch", "values": values, "negate": false });
    if dice.chance(30)
        && let Some(clause) = clause.as_object_mut()
    {
        clause.insert("contextKind".into(), json!(rollout::kind(dice)));
    }
    clause
}

fn attribute_match(dice: &mut Dice) -> Value {
    let attribute = attribute::any(dice);
    let (operator, values) = test(attribute.family, dice);
    let mut clause = json!({ "op": operator, "values": values, "negate": false });
    let Some(object) = clause.as_object_mut() else {
        return clause;
    };
    let has_kind = dice.chance(60);
    if has_kind {
        object.insert("contextKind".into(), json!(rollout::kind(dice)));
    }
    let is_broken = dice.chance(2);
    let path = match (is_broken, has_kind) {
        (true, _) => dice.pick(pool::BAD_REFERENCES),
        (false, true) if dice.chance(75) => attribute.reference,
        _ => attribute.name,
    };
    object.insert("attribute".into(), json!(path));
    clause
}

/// Returns an operator with values for an attribute of this family.
fn test(family: Family, dice: &mut Dice) -> (&'static str, Vec<Value>) {
    let mut operator = match family {
        Family::Text | Family::Kind => dice.pick([
            "in",
            "in",
            "startsWith",
            "endsWith",
            "contains",
            "matches",
            "matches",
        ]),
        Family::Number => dice.pick([
            "in",
            "lessThan",
            "lessThanOrEqual",
            "greaterThan",
            "greaterThanOrEqual",
            "before",
            "after",
        ]),
        Family::Huge => dice.pick(["in", "lessThan", "lessThanOrEqual", "greaterThan"]),
        Family::Date => dice.pick(["before", "after", "before", "after", "in"]),
        Family::Moment => dice.pick(["before", "after"]),
        Family::Version => dice.pick(["semVerEqual", "semVerLessThan", "semVerGreaterThan", "in"]),
        Family::Truth | Family::Key | Family::Misc | Family::BigInteger => "in",
    };
    let may_stray = !matches!(family, Family::Huge | Family::Moment);
    if may_stray && dice.chance(12) {
        operator = dice.pick(OPERATORS);
    }
    let values = dice.several(0, 4, |dice| {
        if dice.chance(12) {
            return pool::anything(dice, 2);
        }
        match operator {
            "matches" => pool::pattern(dice),
            "startsWith" | "endsWith" | "contains" => pool::fragment(dice),
            "before" | "after" => pool::disputed_date(dice),
            _ => attribute::value(family, dice),
        }
    });
    (operator, values)
}
