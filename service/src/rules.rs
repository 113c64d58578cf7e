//! [`Rules`]: the items, prepared for evaluation.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use vexil_eval::model::{DataKind, Flag, Item, ItemReader, ReadError, Segment};
use vexil_eval::{Found, Lookup, MembershipAnswer, Text};

use crate::parallel::by_chunks;
use crate::{Items, VersionedItem};

/// The flags and segments of an environment, prepared for evaluation. Evaluations that need big segments
/// have no store, unless [`Memberships`](crate::Memberships) are added.
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
    flags: BTreeMap<Text, KnownFlag>,
    segments: HashMap<Text, Arc<Segment>>,
    revision: u64,
}

/// A flag that exists or has existed.
#[derive(Clone, Debug)]
struct KnownFlag {
    flag: Option<Arc<Flag>>,
    /// The revision at which the flag, or an item that it depends on, has changed last.
    affected: u64,
}

impl Rules {
    /// Returns the flags by key.
    pub fn flags(&self) -> impl Iterator<Item = &Flag> {
        self.flags
            .values()
            .filter_map(|known| known.flag.as_deref())
    }

    /// Returns a flag.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Flag> {
        self.flags.get(key)?.flag.as_deref()
    }

    /// Returns the items that an item uses directly: its prerequisites and segments.
    #[must_use]
    pub fn uses(&self, kind: DataKind, key: &str) -> Vec<(DataKind, Text)> {
        let segments = |keys: &mut dyn Iterator<Item = &Text>| -> Vec<_> {
            keys.map(|key| (DataKind::Segment, key.clone())).collect()
        };
        match kind {
            DataKind::Flag => self.get(key).map_or_else(Vec::new, |flag| {
                let prerequisites = flag
                    .prerequisites()
                    .map(|key| (DataKind::Flag, key.clone()));
                prerequisites
                    .chain(segments(&mut flag.segments()))
                    .collect()
            }),
            DataKind::Segment => {
                let segment = self.segments.get(key);
                segment.map_or_else(Vec::new, |segment| segments(&mut segment.segments()))
            }
        }
    }

    /// Whether there is a segment whose lists are in a big-segment store.
    #[must_use]
    pub fn has_big_segments(&self) -> bool {
        self.segments.values().any(|segment| segment.is_big())
    }

    /// Returns the revision of the items.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Returns the keys of the flags whose results may have changed after a revision, because the
    /// flag, one of its prerequisites or one of its segments has changed. A flag that was deleted has
    /// no value.
    ///
    /// ```
    /// use serde_json::json;
    /// use vexil_eval::model::DataKind::{Flag, Segment};
    /// use vexil_service::{Items, Rules};
    ///
    /// let mut items = Items::new("shop-1f0c");
    /// let clause = json!({"op": "segmentMatch", "attribute": "", "values": ["staff"]});
    /// items.put(Flag, "banner", json!({"rules": [{"clauses": [clause], "variation": 0}]}));
    /// items.put(Flag, "theme", json!({}));
    /// items.put(Segment, "staff", json!({}));
    /// let mut rules = Rules::default();
    /// rules.update(&items)?;
    ///
    /// items.put(Segment, "staff", json!({"included": ["ada"]}));
    /// rules.update(&items)?;
    /// let affected: Vec<_> = rules.affected_after(3).map(|(key, _)| key).collect();
    /// assert_eq!(affected, ["banner"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn affected_after(&self, revision: u64) -> impl Iterator<Item = (&Text, Option<&Flag>)> {
        self.flags
            .iter()
            .filter(move |(_, known)| known.affected > revision)
            .map(|(key, known)| (key, known.flag.as_deref()))
    }

    /// Returns all flags, also those that have no value because they were deleted.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&Text, Option<&Flag>)> {
        self.flags
            .iter()
            .map(|(key, known)| (key, known.flag.as_deref()))
    }

    /// Reads the items that have changed since the last call. They must be of the same history.
    ///
    /// # Errors
    /// Returns an error if an item cannot be read; then nothing is changed.
    pub fn update(&mut self, items: &Items) -> Result<(), ReadError<serde_json::Error>> {
        let wanted: Vec<_> = items.changed_after(self.revision).collect();
        let mut changed = Vec::new();
        for chunk in by_chunks(&wanted, read) {
            changed.extend(chunk?);
        }
        let mut affected: HashSet<_> = changed
            .iter()
            .map(|item| (item.kind(), item.key().clone()))
            .collect();
        // Also the dependents of the items as they were: they may depend on something else now.
        self.add_dependents(&mut affected);
        for item in changed {
            let key = item.key().clone();
            match item {
                Item::Flag(entry) => {
                    let known = KnownFlag {
                        flag: entry.present().cloned(),
                        affected: 0,
                    };
                    self.flags.insert(key, known);
                }
                Item::Segment(entry) => match entry.present() {
                    Some(segment) => drop(self.segments.insert(key, Arc::clone(segment))),
                    None => drop(self.segments.remove(&key)),
                },
            }
        }
        self.add_dependents(&mut affected);
        self.revision = items.revision();
        for (kind, key) in affected {
            if kind == DataKind::Flag
                && let Some(known) = self.flags.get_mut(&key)
            {
                known.affected = self.revision;
            }
        }
        Ok(())
    }

    /// Adds the items that depend on those of the set, directly or not.
    fn add_dependents(&self, affected: &mut HashSet<(DataKind, Text)>) {
        let mut count = 0;
        while affected.len() > count {
            count = affected.len();
            for (key, segment) in &self.segments {
                add_dependent(affected, DataKind::Segment, key, segment.segments(), &[]);
            }
            for (key, known) in &self.flags {
                if let Some(flag) = &known.flag {
                    let flags: Vec<_> = flag.prerequisites().collect();
                    add_dependent(affected, DataKind::Flag, key, flag.segments(), &flags);
                }
            }
        }
    }
}

/// Reads items.
fn read(
    items: &[(DataKind, &str, &VersionedItem)],
) -> Result<Vec<Item>, ReadError<serde_json::Error>> {
    let mut reader = ItemReader::new(false);
    let items = items.iter().map(|(kind, key, item)| {
        let Some(source) = item.source() else {
            return Ok(Item::deleted(*kind, *key, item.version()));
        };
        // The JSON for SDKs has the same content, and another version if that of the source is malformed.
        let read = reader.read(*kind, *key, source);
        let read = read.or_else(|error| match item.json() {
            Some(json) => reader.read(*kind, *key, json),
            None => Err(error),
        });
        read.map(|read| read.with_version(item.version()))
    });
    items.collect()
}

/// Adds an item that uses one of the set.
fn add_dependent<'a>(
    affected: &mut HashSet<(DataKind, Text)>,
    kind: DataKind,
    key: &Text,
    mut segments: impl Iterator<Item = &'a Text>,
    flags: &[&Text],
) {
    let is_in = |affected: &HashSet<_>, kind, key: &Text| affected.contains(&(kind, key.clone()));
    let uses_one = segments.any(|used| is_in(affected, DataKind::Segment, used))
        || flags
            .iter()
            .any(|used| is_in(affected, DataKind::Flag, used));
    if uses_one && !is_in(affected, kind, key) {
        affected.insert((kind, key.clone()));
    }
}

impl Lookup for Rules {
    fn flag(&self, key: &str) -> Found<&Flag> {
        self.flags
            .get(key)
            .and_then(|known| known.flag.as_deref())
            .into()
    }

    fn segment(&self, key: &str) -> Found<&Segment> {
        self.segments.get(key).map(|segment| &**segment).into()
    }

    fn membership(&self, _: &str) -> Found<&MembershipAnswer> {
        Found::Absent
    }
}
