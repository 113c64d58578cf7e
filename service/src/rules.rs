//! [`Rules`]: the items, prepared for evaluation.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use vexil_eval::model::{Flag, Item, ItemReader, ReadError, Segment};
use vexil_eval::{Found, Lookup, MembershipAnswer};

use crate::Items;

/// The flags and segments of an environment, prepared for evaluation. Big segments are not
/// configured.
///
/// ```
/// use serde_json::json;
/// use vexil_eval::model::DataKind;
/// use vexil_eval::{Context, Outcome, evaluate};
/// use vexil_service::{Items, Rules};
///
/// let mut items = Items::new("shop-1f0c");
/// items.put(DataKind::Flag, "banner", json!({"variations": ["a", "b"], "offVariation": 1}));
/// let mut rules = Rules::default();
/// rules.update(&items)?;
///
/// let banner = rules.flags().next().expect("there is one flag");
/// let ada = Context::new("ada")?;
/// let Outcome::Done(evaluation) = evaluate(banner, &ada, &rules) else { unreachable!() };
/// assert_eq!(evaluation.variation, Some((1, &"b".into())));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Rules {
    flags: BTreeMap<String, Arc<Flag>>,
    segments: HashMap<String, Arc<Segment>>,
    revision: u64,
}

impl Rules {
    /// Returns the flags by key.
    pub fn flags(&self) -> impl Iterator<Item = &Flag> {
        self.flags.values().map(|flag| &**flag)
    }

    /// Returns the revision of the items.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Reads the items that have changed since the last call. They must be of the same history.
    ///
    /// # Errors
    /// Returns an error if an item cannot be read; then nothing is changed.
    pub fn update(&mut self, items: &Items) -> Result<(), ReadError<serde_json::Error>> {
        let mut reader = ItemReader::new(false);
        let mut changed = Vec::new();
        for (kind, key, item) in items.changed_after(self.revision) {
            changed.push(match item.json() {
                Some(json) => reader.read(kind, key, json)?,
                None => Item::deleted(kind, key, item.version()),
            });
        }
        for item in changed {
            let key = item.key().to_string();
            match item {
                Item::Flag(entry) => match entry.present() {
                    Some(flag) => drop(self.flags.insert(key, Arc::clone(flag))),
                    None => drop(self.flags.remove(&key)),
                },
                Item::Segment(entry) => match entry.present() {
                    Some(segment) => drop(self.segments.insert(key, Arc::clone(segment))),
                    None => drop(self.segments.remove(&key)),
                },
            }
        }
        self.revision = items.revision();
        Ok(())
    }
}

impl Lookup for Rules {
    fn flag(&self, key: &str) -> Found<&Flag> {
        self.flags.get(key).map(|flag| &**flag).into()
    }

    fn segment(&self, key: &str) -> Found<&Segment> {
        self.segments.get(key).map(|segment| &**segment).into()
    }

    fn membership(&self, _: &str) -> Found<&MembershipAnswer> {
        Found::Absent
    }
}
