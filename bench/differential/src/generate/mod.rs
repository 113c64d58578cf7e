//! Generates a case from a seed.
//!
//! Most of the data is sensible, so that evaluations reach every stage; a small share of everything
//! is malformed, because that is where evaluators differ. Flags have all members that the published
//! evaluator requires, except in a few cases from which members are removed on purpose.

mod attribute;
mod clause;
mod context;
mod flag;
pub(crate) mod pool;
mod rollout;
mod segment;

pub(crate) use attribute::{BIG_INTEGER, MOMENT};

use serde_json::{Value, json};

use crate::case::Case;
use crate::dice::Dice;
use crate::shape::visit;

/// Returns the case of a seed.
#[must_use]
pub fn case(seed: u64) -> Case {
    let mut dice = Dice::new(seed);
    let flag_keys = names("flag", dice.between(1, 6));
    let segment_keys = names("segment", dice.between(0, 4));
    let mut case = Case {
        seed,
        flags: (0..flag_keys.len())
            .map(|at| flag::flag(&mut dice, &flag_keys, at, &segment_keys))
            .zip(&flag_keys)
            .map(|(flag, key)| (key.clone(), flag))
            .collect(),
        segments: (0..segment_keys.len())
            .map(|at| segment::segment(&mut dice, &segment_keys, at))
            .zip(&segment_keys)
            .map(|(segment, key)| (key.clone(), segment))
            .collect(),
        context: context::context(&mut dice),
    };
    match dice.between(0, 19) {
        0 => thin_out(&mut case, &mut dice),
        1 => write_integers_as_floats(&mut case, &mut dice),
        _ => {}
    }
    case
}

fn names(of: &str, count: i64) -> Vec<String> {
    (0..count).map(|at| format!("{of}-{at}")).collect()
}

/// Removes members, or makes them null, where a reader must assume a default.
fn thin_out(case: &mut Case, dice: &mut Dice) {
    visit(case, &mut |shape, object| {
        for (member, _) in shape.defaults() {
            if dice.chance(92) {
                continue;
            }
            if dice.chance(50) {
                object.remove(member);
            } else {
                object.insert(member.into(), Value::Null);
            }
        }
    });
}

/// Writes some whole numbers as `1.0`, as some JSON writers do.
fn write_integers_as_floats(case: &mut Case, dice: &mut Dice) {
    const EXACT: i64 = 1 << 53;
    visit(case, &mut |shape, object| {
        for member in shape.integers() {
            let Some(number) = object.get(*member).and_then(Value::as_i64) else {
                continue;
            };
            if (-EXACT..=EXACT).contains(&number) && dice.chance(20) {
                object.insert((*member).into(), json!(number as f64));
            }
        }
    });
}
