//! The attributes of contexts and clauses.
//!
//! Each belongs to a family that determines suitable values and operators, so that most clauses are
//! sensible and may match; the generator then breaks some of them on purpose.

use serde_json::{Value, json};

use super::pool;
use crate::dice::Dice;

/// The usual type of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Text,
    Number,
    Truth,
    Date,
    Version,
    Key,
    Kind,
    Misc,
    /// Numbers near the limits of integers and doubles, for equality and order only.
    Huge,
    /// Dates that the peer reads differently. Only date operators may test them, so that correcting
    /// the peer's copy of the context does not affect other operators.
    Moment,
    /// Integers too large for the peer's bucketing. Only `bucketBy` may use them.
    BigInteger,
}

/// An attribute, as a name and as a reference.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attribute {
    pub(crate) family: Family,
    pub(crate) name: &'static str,
    pub(crate) reference: &'static str,
}

const fn attribute(family: Family, name: &'static str, reference: &'static str) -> Attribute {
    Attribute {
        family,
        name,
        reference,
    }
}

pub(crate) const MOMENT: &str = "moment";
pub(crate) const BIG_INTEGER: &str = "bigint";

const ATTRIBUTES: [Attribute; 30] = [
    attribute(Family::Text, "name", "/name"),
    attribute(Family::Text, "email", "/email"),
    attribute(Family::Text, "region", "region"),
    attribute(Family::Text, "tags", "/tags"),
    attribute(Family::Text, "/slash", "/~1slash"),
    attribute(Family::Text, "a~b", "/a~0b"),
    attribute(Family::Text, "path/like", "/path~1like"),
    attribute(Family::Text, "plan", "/plan/tier"),
    attribute(Family::Text, "/plan/tier", "/plan/deep/er"),
    attribute(Family::Text, "absent", "/plan/absent"),
    attribute(Family::Text, "/tags/0", "/tags/0"),
    attribute(Family::Text, "~01", "/plan/s~1t"),
    attribute(Family::Number, "age", "/age"),
    attribute(Family::Number, "scores", "/scores"),
    attribute(Family::Number, "plan/seats", "/plan/seats"),
    attribute(Family::Number, "2", "/plan/2"),
    attribute(Family::Truth, "beta", "/beta"),
    attribute(Family::Truth, "anonymous", "/anonymous"),
    attribute(Family::Date, "since", "/since"),
    attribute(Family::Date, "visits", "/visits"),
    attribute(Family::Version, "build", "/build"),
    attribute(Family::Version, "builds", "/builds"),
    attribute(Family::Key, "key", "/key"),
    attribute(Family::Key, "key", "key"),
    attribute(Family::Kind, "kind", "kind"),
    attribute(Family::Kind, "kind", "/kind"),
    attribute(Family::Misc, "misc", "/misc"),
    attribute(Family::Misc, "misc", "misc"),
    attribute(Family::Huge, "huge", "/huge"),
    attribute(Family::Moment, MOMENT, "/moment"),
];

/// Returns any attribute that a clause may test.
pub(crate) fn any(dice: &mut Dice) -> Attribute {
    dice.pick(ATTRIBUTES)
}

/// Returns an attribute to bucket by, in the requested syntax.
pub(crate) fn to_bucket_by(dice: &mut Dice, as_reference: bool) -> &'static str {
    let attribute = match dice.between(0, 9) {
        0..=3 => attribute(Family::BigInteger, BIG_INTEGER, "/bigint"),
        _ => any(dice),
    };
    match attribute.family {
        Family::Moment | Family::Huge => "key",
        _ if as_reference => attribute.reference,
        _ => attribute.name,
    }
}

/// Returns a suitable value for the family.
pub(crate) fn value(family: Family, dice: &mut Dice) -> Value {
    match family {
        Family::Text => pool::text(dice),
        Family::Number => pool::number(dice),
        Family::Truth => json!(dice.chance(50)),
        Family::Date => pool::date(dice),
        Family::Version => pool::version(dice),
        Family::Key => pool::key(dice),
        Family::Kind => json!(dice.pick(pool::KINDS)),
        Family::Misc if dice.chance(75) => pool::structure(dice),
        Family::Misc => pool::anything(dice, 2),
        Family::Huge => pool::huge(dice),
        Family::Moment => pool::disputed_date(dice),
        Family::BigInteger => pool::literal(dice.pick([
            "9007199254740991",
            "9007199254740992",
            "-9007199254740992",
            "1152921504606846976",
            "33333.0",
            "-0.0",
        ])),
    }
}
