//! What the page shows of the items: where they are used, what is wrong with them, why they have
//! their values.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use vexil::Text;
use vexil::big_segments::BigSegmentStore;
use vexil::model::{DataKind, Flag};
use vexil::{Context, Value};
use vexil_eval::{Outcome, Reason, evaluate};
use vexil_service::Memberships;

use super::snapshot::Snapshot;
use crate::check::{Finding, Options, check};
use crate::evaluator::Evaluator;
use crate::exit::Failure;
use crate::output::milliseconds_since_1970;
use crate::snapshot::{Snapshot as Items, StoredText};
use crate::source::Contents;

/// The value of a flag for a context.
pub(super) struct Evaluated {
    pub(super) value: Value,
    pub(super) variation: Option<usize>,
    pub(super) reason: Reason,
}

impl Snapshot {
    /// Evaluates a flag as client-side SDKs receive it.
    pub(super) fn evaluate(
        &self,
        flag: &Flag,
        context: &Context,
        memberships: Option<&Memberships>,
    ) -> Option<Evaluated> {
        let with_memberships = memberships.map(|memberships| memberships.over(&self.rules));
        let outcome = match &with_memberships {
            Some(data) => evaluate(flag, context, data),
            None => evaluate(flag, context, &self.rules),
        };
        // `Rules` knows of every item whether it exists.
        let Outcome::Done(evaluation) = outcome else {
            return None;
        };
        let (variation, value) = evaluation.variation.unzip();
        Some(Evaluated {
            value: value.cloned().unwrap_or(Value::Null),
            variation,
            reason: evaluation.reason(),
        })
    }

    /// Returns the items that use this one.
    pub(super) fn used_by(&self, kind: DataKind, key: &str) -> Vec<(DataKind, Text)> {
        let uses = self.all_uses();
        let users = uses.filter(|(_, (used, name))| *used == kind && name == key);
        users.map(|(user, _)| user).collect()
    }

    /// Returns the number of items that use each segment.
    pub(super) fn segment_users(&self) -> HashMap<Text, usize> {
        let mut users = HashMap::new();
        for (_, (kind, key)) in self.all_uses() {
            if kind == DataKind::Segment {
                *users.entry(key).or_default() += 1;
            }
        }
        users
    }

    /// Returns each item with each one that it uses.
    fn all_uses(&self) -> impl Iterator<Item = ((DataKind, Text), (DataKind, Text))> {
        self.items.iter().flat_map(|(kind, key, _)| {
            let uses: HashSet<_> = self.rules.uses(kind, key).into_iter().collect();
            uses.into_iter().map(move |used| ((kind, key.into()), used))
        })
    }

    /// Returns an evaluator of a flag and of what it depends on.
    pub(super) fn evaluator(
        &self,
        source: &str,
        big_segments: Option<Arc<dyn BigSegmentStore>>,
        flag: &str,
    ) -> Result<Evaluator, Failure> {
        let mut needed = HashSet::from([(DataKind::Flag, Text::from(flag))]);
        let mut open: Vec<_> = needed.iter().cloned().collect();
        while let Some((kind, key)) = open.pop() {
            for used in self.rules.uses(kind, &key) {
                if needed.insert(used.clone()) {
                    open.push(used);
                }
            }
        }
        let items = needed.iter().filter_map(|(kind, key)| {
            let item = self.items.get(*kind, key)?;
            Some((*kind, key.clone(), item.json()?, item.version()))
        });
        Evaluator::new(&Contents {
            big_segments,
            ..contents(source, items)
        })
    }

    /// Returns the faults of all items, in the form that the source has.
    pub(super) fn check(&self, source: &str) -> Vec<Finding> {
        let items = self.items.iter().filter_map(|(kind, key, item)| {
            Some((kind, Text::from(key), item.source()?, item.version()))
        });
        let options = Options {
            now: milliseconds_since_1970(),
            ..Options::default()
        };
        check(&contents(source, items), &options).findings
    }
}

fn contents<'i>(
    source: &str,
    items: impl Iterator<Item = (DataKind, Text, &'i str, u64)>,
) -> Contents {
    let mut snapshot = Items::default();
    for (kind, key, json, version) in items {
        let stored = StoredText {
            json: json.to_owned().into(),
            version,
            deleted: false,
        };
        snapshot.of_mut(kind).insert(key, stored);
    }
    Contents {
        source: source.to_owned(),
        snapshot,
        documents: Vec::new(),
        big_segments: None,
    }
}
