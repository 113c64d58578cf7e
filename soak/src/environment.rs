//! [`Environment`]: flags and segments that change, and what has been published of them.
//!
//! The value of a flag is its key and its version, such as `flag-03@67`, so that an evaluation
//! shows which version it used. Versions of an item are congruent modulo [`STRIDE`], so that a
//! version belongs to one item only.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Map, Value, json};

/// Flags that always exist. Their shapes alternate: see [`Item::flag`].
const REGULAR: usize = 24;
/// A flag that is deleted and created again.
const TEMPORARY: usize = REGULAR;
/// A flag that depends on a big segment.
const LOUNGE: usize = REGULAR + 1;
const FLAGS: usize = REGULAR + 2;
const SEGMENTS: usize = 4;
/// The big segment.
const VIP: usize = FLAGS + SEGMENTS;
pub(crate) const ITEMS: usize = VIP + 1;

const STRIDE: u64 = 64;

/// How the big segment's memberships refer to it.
pub(crate) const VIP_REFERENCE: &str = "vip.g1";

/// Separates a key and a version in a value.
pub(crate) const AT: char = '@';
/// Ends a value that results from a missing segment, prerequisite, rule or membership.
pub(crate) const PART: char = '?';

/// A flag or a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Item(usize);

impl Item {
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..ITEMS).map(Self)
    }

    /// The flags that always exist.
    pub(crate) fn regular() -> impl Iterator<Item = Self> {
        (0..REGULAR).map(Self)
    }

    pub(crate) fn temporary() -> Self {
        Self(TEMPORARY)
    }

    pub(crate) fn lounge() -> Self {
        Self(LOUNGE)
    }

    pub(crate) fn of_flag(key: &str) -> Option<Self> {
        Self::all().find(|item| item.is_flag() && item.key() == key)
    }

    pub(crate) fn number(self) -> usize {
        self.0
    }

    pub(crate) fn is_flag(self) -> bool {
        self.0 < FLAGS
    }

    /// Whether it may be absent, because it is deleted and created again.
    pub(crate) fn is_temporary(self) -> bool {
        self.0 == TEMPORARY
    }

    /// The collection of the item in a database.
    pub(crate) fn collection(self) -> &'static str {
        if self.is_flag() {
            "features"
        } else {
            "segments"
        }
    }

    pub(crate) fn key(self) -> String {
        match self.0 {
            TEMPORARY => "temporary".to_owned(),
            LOUNGE => "lounge".to_owned(),
            VIP => "vip".to_owned(),
            number if number < FLAGS => format!("flag-{number:02}"),
            number => format!("segment-{}", number - FLAGS),
        }
    }

    /// The flag that this one requires, if it has a prerequisite.
    pub(crate) fn prerequisite(self) -> Option<Self> {
        (self.0 < REGULAR && self.0 % 4 == 2).then(|| Self(self.0 - 2))
    }

    /// Whether this version is a tombstone.
    pub(crate) fn is_deleted(self, version: u64) -> bool {
        self.is_temporary() && (version / STRIDE) % 2 == 1
    }

    /// The item as the service and the databases present it.
    pub(crate) fn json(self, version: u64) -> Value {
        let key = self.key();
        if self.is_deleted(version) {
            return json!({ "key": key, "version": version, "deleted": true });
        }
        if !self.is_flag() {
            return if self.0 == VIP {
                json!({ "key": key, "version": version, "unbounded": true, "generation": 1 })
            } else {
                let staff = json!([{ "attribute": "group", "op": "in", "values": ["staff"] }]);
                json!({ "key": key, "version": version, "included": ["ada"],
                    "rules": [{ "id": "staff", "clauses": staff }] })
            };
        }
        self.flag(key, version)
    }

    /// Every context of the soak test gets the first variation, as long as everything that the flag
    /// refers to is present.
    fn flag(self, key: String, version: u64) -> Value {
        let variations = json!([
            format!("{key}{AT}{version}"),
            format!("{key}{AT}{version}{PART}")
        ]);
        let rule = |attribute: &str, op: &str, value: &str| {
            let clause = json!({ "attribute": attribute, "op": op, "values": [value] });
            json!([{ "id": "rule", "variation": 0, "clauses": [clause] }])
        };
        let in_segment = |segment: usize| rule("", "segmentMatch", &Self(segment).key());
        let (rules, prerequisites) = match self.0 {
            LOUNGE => (in_segment(VIP), json!([])),
            TEMPORARY => (json!([]), json!([])),
            number => match number % 4 {
                1 => (in_segment(FLAGS + number / 4 % SEGMENTS), json!([])),
                2 => {
                    let other = Self(number - 2).key();
                    (json!([]), json!([{ "key": other, "variation": 0 }]))
                }
                3 => (rule("release", "semVerGreaterThan", "1.9.0"), json!([])),
                _ => (json!([]), json!([])),
            },
        };
        let otherwise = i32::from(rules.as_array().is_some_and(|rules| !rules.is_empty()));
        json!({ "key": key, "version": version, "on": true, "variations": variations,
            "offVariation": 1, "rules": rules, "prerequisites": prerequisites,
            "fallthrough": { "variation": otherwise } })
    }
}

/// The newest version of each item that has been published anywhere.
#[derive(Debug)]
pub(crate) struct Environment([AtomicU64; ITEMS]);

impl Environment {
    pub(crate) fn new() -> Self {
        let first = |number: usize| AtomicU64::new(2 * STRIDE + number as u64);
        Self(std::array::from_fn(first))
    }

    /// Makes the next version of an item the current one, which may be published from now on.
    pub(crate) fn change(&self, item: Item) {
        if let Some(version) = self.0.get(item.0) {
            version.fetch_add(STRIDE, Ordering::SeqCst);
        }
    }

    pub(crate) fn version(&self, item: Item) -> u64 {
        self.0
            .get(item.0)
            .map_or(0, |version| version.load(Ordering::SeqCst))
    }

    /// Whether the version of this item exists or has existed.
    pub(crate) fn has_had(&self, item: Item, version: u64) -> bool {
        version % STRIDE == item.0 as u64
            && version >= 2 * STRIDE
            && version <= self.version(item)
            && !item.is_deleted(version)
    }

    /// All items, as the service sends them.
    pub(crate) fn json(&self) -> String {
        let of = |collection: &str| {
            let items = Item::all().filter(|item| item.collection() == collection);
            let items = items.map(|item| (item, self.version(item)));
            let present = items.filter(|(item, version)| !item.is_deleted(*version));
            present
                .map(|(item, version)| (item.key(), item.json(version)))
                .collect::<Map<_, _>>()
        };
        json!({ "flags": of("features"), "segments": of("segments") }).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_belongs_to_one_item_and_exists_once_published() {
        let environment = Environment::new();
        let (first, second) = (Item(0), Item(1));
        let version = environment.version(first);
        assert!(environment.has_had(first, version) && !environment.has_had(second, version));
        assert!(!environment.has_had(first, version + STRIDE));
        environment.change(first);
        assert!(environment.has_had(first, version + STRIDE));
        assert!(environment.has_had(first, version));
        assert!(!environment.has_had(first, version + 1));
    }

    #[test]
    fn the_temporary_flag_comes_and_goes() {
        let (environment, item) = (Environment::new(), Item::temporary());
        assert!(environment.json().contains("temporary"));
        environment.change(item);
        assert!(!environment.json().contains("temporary"));
        assert!(!environment.has_had(item, environment.version(item)));
        environment.change(item);
        assert!(environment.json().contains("temporary"));
    }
}
