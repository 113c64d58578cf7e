//! [`Graph`]: which items refer to which.

use std::collections::{BTreeMap, VecDeque};

/// A directed graph of keys.
#[derive(Debug)]
pub(super) struct Graph<'k> {
    keys: Vec<&'k str>,
    targets: Vec<Vec<usize>>,
}

impl<'k> Graph<'k> {
    /// Creates a graph of these keys and edges. Edges to other keys are left out.
    pub(super) fn new(
        keys: impl Iterator<Item = &'k str>,
        edges: impl Iterator<Item = (&'k str, &'k str)>,
    ) -> Self {
        let keys: Vec<&str> = keys.collect();
        let places: BTreeMap<&str, usize> = (0..).zip(&keys).map(|(at, key)| (*key, at)).collect();
        let mut targets = vec![Vec::new(); keys.len()];
        for (from, to) in edges {
            if let (Some(from), Some(to)) = (places.get(from), places.get(to))
                && let Some(list) = targets.get_mut(*from)
            {
                list.push(*to);
            }
        }
        Self { keys, targets }
    }

    /// Returns the places of the keys from which no cycle can be reached. Each comes after those
    /// that it refers to.
    fn order(&self) -> Vec<usize> {
        let mut open: Vec<usize> = self.targets.iter().map(Vec::len).collect();
        let mut sources = vec![Vec::new(); self.keys.len()];
        for (from, targets) in self.targets.iter().enumerate() {
            for to in targets {
                if let Some(list) = sources.get_mut(*to) {
                    list.push(from);
                }
            }
        }
        let mut order: Vec<usize> = (0..self.keys.len())
            .filter(|place| self.targets(*place).is_empty())
            .collect();
        let mut next = 0;
        while let Some(place) = order.get(next).copied() {
            next += 1;
            for source in sources.get(place).map(Vec::as_slice).unwrap_or_default() {
                if let Some(count) = open.get_mut(*source) {
                    *count -= 1;
                    if *count == 0 {
                        order.push(*source);
                    }
                }
            }
        }
        order
    }

    /// Returns the cycles: for each key on one, a shortest path from the key to itself.
    pub(super) fn cycles(&self) -> BTreeMap<&'k str, Vec<&'k str>> {
        let mut reaches_cycle = vec![true; self.keys.len()];
        for place in self.order() {
            if let Some(reaches) = reaches_cycle.get_mut(place) {
                *reaches = false;
            }
        }
        let candidates = (0..).zip(&reaches_cycle).filter(|(_, reaches)| **reaches);
        candidates
            .filter_map(|(place, _)| Some((self.key(place), self.cycle(place)?)))
            .collect()
    }

    /// Returns a shortest path from a key to itself, which is its first and its last element.
    fn cycle(&self, start: usize) -> Option<Vec<&'k str>> {
        let mut before: Vec<Option<usize>> = vec![None; self.keys.len()];
        let mut queue = VecDeque::from([start]);
        while let Some(place) = queue.pop_front() {
            for target in self.targets(place).iter().copied() {
                if target == start {
                    let mut path = vec![self.key(start), self.key(place)];
                    let mut at = place;
                    while at != start {
                        at = before.get(at).copied().flatten()?;
                        path.push(self.key(at));
                    }
                    if place == start {
                        path.truncate(2);
                    }
                    path.reverse();
                    return Some(path);
                }
                if let Some(known @ None) = before.get_mut(target) {
                    *known = Some(place);
                    queue.push_back(target);
                }
            }
        }
        None
    }

    /// Returns, for each key from which no cycle can be reached, the length of the longest path
    /// from it and the number of paths.
    pub(super) fn paths(&self) -> BTreeMap<&'k str, (usize, usize)> {
        let mut known: Vec<(usize, usize)> = vec![(0, 0); self.keys.len()];
        let mut paths = BTreeMap::new();
        for place in self.order() {
            let of_targets = self.targets(place).iter().filter_map(|to| known.get(*to));
            let (depth, count) = of_targets.fold((0_usize, 0_usize), |sum, (depth, count)| {
                let visits = sum.1.saturating_add(count.saturating_add(1));
                (sum.0.max(depth + 1), visits)
            });
            if let Some(slot) = known.get_mut(place) {
                *slot = (depth, count);
            }
            paths.insert(self.key(place), (depth, count));
        }
        paths
    }

    fn key(&self, place: usize) -> &'k str {
        self.keys.get(place).copied().unwrap_or_default()
    }

    fn targets(&self, place: usize) -> &[usize] {
        self.targets
            .get(place)
            .map(Vec::as_slice)
            .unwrap_or_default()
    }
}

/// Returns a path as text.
pub(super) fn path_text(path: &[&str]) -> String {
    const SHOWN: usize = 8;
    let mut shown: Vec<String> = path
        .iter()
        .take(SHOWN)
        .map(|key| format!("{key:?}"))
        .collect();
    if path.len() > SHOWN {
        shown.push(format!("… ({} in all)", path.len() - 1));
    }
    shown.join(" → ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(&'static str, &'static str)]) -> Graph<'static> {
        Graph::new(
            "abcdef".split("").filter(|key| !key.is_empty()),
            edges.iter().copied(),
        )
    }

    #[test]
    fn keys_on_cycles_have_a_path_to_themselves() {
        let graph = graph(&[
            ("a", "b"),
            ("b", "c"),
            ("c", "b"),
            ("d", "d"),
            ("c", "e"),
            ("a", "x"),
        ]);
        let cycles = graph.cycles();
        let expected = [
            ("b", vec!["b", "c", "b"]),
            ("c", vec!["c", "b", "c"]),
            ("d", vec!["d", "d"]),
        ];
        assert_eq!(cycles, BTreeMap::from(expected));
    }

    #[test]
    fn paths_are_measured_without_cycles() {
        let graph = graph(&[
            ("a", "b"),
            ("a", "c"),
            ("b", "d"),
            ("c", "d"),
            ("e", "f"),
            ("f", "e"),
        ]);
        let paths = graph.paths();
        assert_eq!(
            (paths["a"], paths["b"], paths["d"]),
            ((2, 4), (1, 1), (0, 0))
        );
        assert!(!paths.contains_key("e"));
    }
}
