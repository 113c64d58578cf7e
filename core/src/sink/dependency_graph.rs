//! [`Dependents`]: finds the flags that are affected by a change of a flag or segment.
//!
//! A flag depends on its prerequisites and on the segments in its rules; a segment depends on the
//! segments in its rules. The graph is built on the first query and updated incrementally
//! afterwards.

use std::collections::{BTreeSet, HashMap, HashSet};

use vexil_eval::Text;
use vexil_eval::model::{DataKind, Flag, Item, Segment};

use crate::store::Snapshot;

type Node = (DataKind, Text);

#[derive(Debug, Default)]
pub(super) struct Dependents {
    needs: HashMap<Node, Vec<Node>>,
    needed_by: HashMap<Node, HashSet<Node>>,
}

impl Dependents {
    pub(super) fn of(snapshot: &dyn Snapshot) -> Self {
        let mut graph = Self::default();
        for flag in snapshot.flags() {
            graph.set((DataKind::Flag, flag.key().clone()), flag_needs(flag));
        }
        for segment in snapshot.segments() {
            graph.set(
                (DataKind::Segment, segment.key().clone()),
                segment_needs(segment),
            );
        }
        graph
    }

    /// Replaces the dependencies of an item; a deleted item has none.
    pub(super) fn update(&mut self, item: &Item) {
        let needs = match item {
            Item::Flag(entry) => entry.present().map(|flag| flag_needs(flag)),
            Item::Segment(entry) => entry.present().map(|segment| segment_needs(segment)),
        };
        self.set((item.kind(), item.key().clone()), needs.unwrap_or_default());
    }

    fn set(&mut self, node: Node, needs: Vec<Node>) {
        for needed in self.needs.remove(&node).into_iter().flatten() {
            if let Some(dependents) = self.needed_by.get_mut(&needed) {
                dependents.remove(&node);
                if dependents.is_empty() {
                    self.needed_by.remove(&needed);
                }
            }
        }
        for needed in &needs {
            self.needed_by
                .entry(needed.clone())
                .or_default()
                .insert(node.clone());
        }
        if !needs.is_empty() {
            self.needs.insert(node, needs);
        }
    }
}

/// Returns the flags among `changed` and all flags that depend on them, directly or indirectly, in
/// any of the graphs.
pub(super) fn affected_flags(
    graphs: &[&Dependents],
    changed: impl IntoIterator<Item = Node>,
) -> BTreeSet<Text> {
    let mut pending: Vec<Node> = changed.into_iter().collect();
    let mut seen: HashSet<Node> = pending.iter().cloned().collect();
    let mut flags = BTreeSet::new();
    while let Some(node) = pending.pop() {
        let dependents = graphs.iter().filter_map(|graph| graph.needed_by.get(&node));
        for dependent in dependents.flatten() {
            if seen.insert(dependent.clone()) {
                pending.push(dependent.clone());
            }
        }
        if let (DataKind::Flag, key) = node {
            flags.insert(key);
        }
    }
    flags
}

fn flag_needs(flag: &Flag) -> Vec<Node> {
    let flags = flag
        .prerequisites()
        .map(|key| (DataKind::Flag, key.clone()));
    let segments = flag.segments().map(|key| (DataKind::Segment, key.clone()));
    flags.chain(segments).collect()
}

fn segment_needs(segment: &Segment) -> Vec<Node> {
    segment
        .segments()
        .map(|key| (DataKind::Segment, key.clone()))
        .collect()
}
