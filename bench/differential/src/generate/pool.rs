//! The small pools from which everything is drawn.
//!
//! They are small because two arbitrary random strings never match, and an evaluator without
//! matches exercises only its fallthrough.

use serde_json::{Value, json};

use crate::dice::Dice;

pub(crate) const KEYS: [&str; 9] = [
    "ada", "bob", "cy", "userKeyA", "userKeyB", "33333", "a:b%c", "ключ", "d/1",
];
/// Kinds that a context can have. `user` is repeated because it is the default everywhere.
pub(crate) const KINDS: [&str; 6] = ["user", "user", "user", "org", "device", "Zed"];
/// Kinds that occur only in flag data: no context can have them.
pub(crate) const UNUSABLE_KINDS: [&str; 5] = ["multi", "kind", "bad kind", "ключ", ""];
pub(crate) const SALTS: [&str; 5] = ["salt", "saltyA", "", "a.b", "ключ"];
pub(crate) const SEEDS: [i64; 6] = [0, 61, -3, 42, i64::MAX, i64::MIN];
pub(crate) const BAD_REFERENCES: [&str; 9] = [
    "",
    "/",
    "//",
    "/a//b",
    "/a/",
    "/a~2",
    "/a~",
    "/plan/tier~",
    "///",
];

const TEXTS: [&str; 14] = [
    "ada",
    "Ada",
    "x",
    "hello world",
    "emea",
    "apac",
    "",
    "a.b+c",
    "99",
    "true",
    "Zed",
    "ключ",
    "line\nbreak",
    "é",
];
const FRAGMENTS: [&str; 12] = [
    "a", "A", "", "hel", "world", "ea", "ada", "9", "o w", "ю", "é", "user",
];
const PATTERNS: [&str; 22] = [
    "a",
    "l+",
    "^hello",
    "world$",
    "^$",
    r"^\d+$",
    r"\w",
    r"\bworld\b",
    "(?i)ADA",
    "[ae]m?ea",
    ".*",
    "^.$",
    r"\p{Cyrillic}",
    "^[uo]",
    "a|x",
    "***bad",
    "(",
    "[",
    r"\",
    "(?=a)",
    r"(a)\1",
    "a{2,1}",
];
/// Whole milliseconds, fractions, negative numbers and edge cases; the peer can represent all of
/// them as dates.
const NUMBERS: [f64; 16] = [
    0.0,
    -0.0,
    1.0,
    2.0,
    -7.0,
    99.0,
    100.0,
    33333.0,
    0.5,
    1.5,
    99.999,
    -123_456.0,
    1e10,
    1_512_543_600_000.0,
    1_512_543_600_000.5,
    1_460_847_451_684.0,
];
/// Neighbouring integers with the same double, and values beyond every integer type.
const HUGE: [&str; 8] = [
    "9007199254740992",
    "9007199254740993",
    "9007199254740991",
    "-9007199254740993",
    "18446744073709551615",
    "1e300",
    "-1e300",
    "9223372036854775807",
];
const DATES: [&str; 16] = [
    "1970-01-01T00:00:00Z",
    "2016-04-16T22:57:31.684Z",
    "2016-04-16T17:09:12.759-07:00",
    "2016-04-16T17:09:12-07:00",
    "1969-12-31T23:57:56.544-00:00",
    "2017-12-06T00:00:00.000-07:00",
    "2017-12-06T07:00:00Z",
    "2017-12-06T07:00:00.0001Z",
    "2017-12-06T07:00:00.000000001Z",
    "2020-02-29T12:00:00+05:30",
    "2017-12-06t07:00:00z",
    "0000-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999999Z",
    "2017-12-06T07:00:00.5Z",
    "2017-12-06T12:30:00+05:30",
    "2000-02-29T00:00:00-23:59",
];
/// Rejected by both evaluators.
const NOT_DATES: [&str; 14] = [
    "2017-12-06",
    "00:00:00.000-07.00",
    "1512543600000",
    "badstring",
    "2017-12-06T07:00:00",
    "2017-12-06T07:00:00.Z",
    "2017-12-06X00:00:00.000-07:00",
    "2017-02-30T00:00:00Z",
    "2017-12-06T7:00:00Z",
    "2017-12-06T07:00Z",
    "2017-12-06T07:00:00+0530",
    "2017-13-06T07:00:00Z",
    "2017-12-06T07:00:00Z ",
    "2017-12-06T24:00:00Z",
];
/// Rejected by us, accepted by the peer: a space, a leap second, too many digits, a typographic
/// minus.
pub(crate) const LOOSE_DATES: [&str; 5] = [
    "2017-12-06 00:00:00.000-07:00",
    "2017-12-06 07:00:00Z",
    "2016-12-31T23:59:60Z",
    "2017-12-06T07:00:00.0000000001Z",
    "2017-12-06T07:00:00\u{2212}07:00",
];
/// Milliseconds beyond the peer's calendar, in ascending order.
pub(crate) const FAR_DATES: [&str; 6] = ["-1e300", "-9e18", "-1e16", "1e16", "9e18", "1e300"];
const VERSIONS: [&str; 28] = [
    "2",
    "2.1",
    "2.0",
    "2.0.0",
    "2.0.1",
    "2-rc",
    "2.0-rc",
    "2.0.0-rc",
    "2+build2",
    "2.0.0+b.01",
    "2.0.0-rc.01a",
    "10.0.1",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
    "2.0.0-rc.2.green",
    "2.0.0-rc.10.green",
    "2.0.0-99999999999999999999",
    "2.0.0-99999999999999999998",
    "2.0.0--",
    "0.0.0",
    "2.0-rc+b",
    "18446744073709551615.0.0",
];
const NOT_VERSIONS: [&str; 18] = [
    "02.0.0",
    "v2.0.0",
    "2.0.0.0",
    "2.",
    "2..0",
    "",
    " 2.0.0",
    "-1.0.0",
    "2.0.0-01",
    "2.0.0-",
    "2.0.0+",
    "2.0.0-a..b",
    "2.0.0-rc_1",
    "18446744073709551616",
    "2.0.0 ",
    "2.00",
    "٢.0.0",
    "2.0.x",
];

/// A seed, and a weight so close to the bucket of a key that single and double precision disagree.
/// One or two for each of [`KEYS`], found by search.
pub(crate) const EDGES: [(i64, i64); 18] = [
    (875, 89_655),
    (1163, 65_591),
    (54, 85_514),
    (851, 73_577),
    (136, 72_977),
    (1875, 25_957),
    (779, 89_848),
    (1185, 32_332),
    (129, 89_152),
    (380, 49_029),
    (83, 99_284),
    (860, 65_656),
    (122, 68_451),
    (160, 98_590),
    (183, 48_316),
    (341, 34_247),
    (1196, 88_919),
    (1572, 18_372),
];

pub(crate) fn text(dice: &mut Dice) -> Value {
    json!(dice.pick(TEXTS))
}

pub(crate) fn fragment(dice: &mut Dice) -> Value {
    json!(dice.pick(FRAGMENTS))
}

pub(crate) fn pattern(dice: &mut Dice) -> Value {
    json!(dice.pick(PATTERNS))
}

pub(crate) fn key(dice: &mut Dice) -> Value {
    json!(dice.pick(KEYS))
}

/// Returns a number, sometimes written as an integer if possible.
pub(crate) fn number(dice: &mut Dice) -> Value {
    let number = dice.pick(NUMBERS);
    let is_whole = number.fract() == 0.0 && number.is_sign_positive();
    if is_whole && dice.chance(70) {
        // Exact: every whole number of the pool is far below 2^53.
        return json!(number as i64);
    }
    json!(number)
}

pub(crate) fn huge(dice: &mut Dice) -> Value {
    literal(dice.pick(HUGE))
}

pub(crate) fn date(dice: &mut Dice) -> Value {
    match dice.between(0, 9) {
        0..=1 => number(dice),
        2 => json!(dice.pick(NOT_DATES)),
        _ => json!(dice.pick(DATES)),
    }
}

/// Returns a date that the peer and the specification may read differently.
pub(crate) fn disputed_date(dice: &mut Dice) -> Value {
    match dice.between(0, 9) {
        0..=1 => json!(dice.pick(LOOSE_DATES)),
        2..=3 => literal(dice.pick(FAR_DATES)),
        _ => date(dice),
    }
}

pub(crate) fn version(dice: &mut Dice) -> Value {
    if dice.chance(20) {
        return json!(dice.pick(NOT_VERSIONS));
    }
    json!(dice.pick(VERSIONS))
}

/// Returns one of a few structures, so that equal ones occur.
pub(crate) fn structure(dice: &mut Dice) -> Value {
    match dice.between(0, 5) {
        0 => Value::Null,
        1 => json!({}),
        2 => json!({ "tier": "x" }),
        3 => json!([{}, null, "x", [1]]),
        4 => json!([[1], { "tier": "x" }]),
        _ => json!([]),
    }
}

/// Returns any value without disputed parts.
pub(crate) fn anything(dice: &mut Dice, depth: u32) -> Value {
    match dice.between(0, if depth == 0 { 7 } else { 11 }) {
        0 => Value::Null,
        1 => json!(dice.chance(50)),
        2..=3 => text(dice),
        4..=5 => number(dice),
        6 => json!(dice.pick(DATES)),
        7 => version(dice),
        8..=9 => Value::Array(dice.several(0, 3, |dice| anything(dice, depth - 1))),
        _ => json!({ "tier": anything(dice, depth - 1) }),
    }
}

/// Parses a number literal; null if it is invalid.
pub(crate) fn literal(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}
