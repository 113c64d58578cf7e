//! Finds which elements of two lists are versions of the same element.

use std::collections::HashMap;
use std::hash::Hash;

/// Which elements belong together, as places in both lists.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    /// For each element on the left, its partner on the right.
    right_of: Vec<Option<usize>>,
    /// The reverse.
    left_of: Vec<Option<usize>>,
}

impl Pairs {
    pub(super) fn new(left: usize, right: usize) -> Self {
        Self {
            right_of: vec![None; left],
            left_of: vec![None; right],
        }
    }

    /// Pairs the elements with the same key that have no partner yet. If a key occurs more than
    /// once, the first ones belong together, then the second ones.
    pub(super) fn by_key<K: Eq + Hash>(&mut self, left: &[Option<K>], right: &[Option<K>]) {
        let mut places: HashMap<&K, Vec<usize>> = HashMap::new();
        for (index, key) in right.iter().enumerate().rev() {
            if let (Some(key), None) = (key, self.left_of[index]) {
                places.entry(key).or_default().push(index);
            }
        }
        for (index, key) in left.iter().enumerate() {
            if let (Some(key), None) = (key, self.right_of[index])
                && let Some(partner) = places.get_mut(key).and_then(Vec::pop)
            {
                self.pair(index, partner);
            }
        }
    }

    /// Pairs the elements without a partner, in their order, that follow partners. `may_pair`
    /// excludes elements that are certainly different ones.
    pub(super) fn by_place(&mut self, may_pair: impl Fn(usize, usize) -> bool) {
        let gaps_of = |partners: &[Option<usize>], own: bool| {
            let mut gaps: HashMap<Option<usize>, Vec<usize>> = HashMap::new();
            let mut before = None;
            for (index, partner) in partners.iter().enumerate() {
                match partner {
                    // A gap is named after the element on the left before it.
                    Some(partner) => before = Some(if own { index } else { *partner }),
                    None => gaps.entry(before).or_default().push(index),
                }
            }
            gaps
        };
        let (left, mut right) = (gaps_of(&self.right_of, true), gaps_of(&self.left_of, false));
        for (gap, left) in left {
            let right = right.remove(&gap).unwrap_or_default();
            for (left, right) in left.into_iter().zip(right) {
                if may_pair(left, right) {
                    self.pair(left, right);
                }
            }
        }
    }

    fn pair(&mut self, left: usize, right: usize) {
        self.right_of[left] = Some(right);
        self.left_of[right] = Some(left);
    }

    /// Returns the pairs in the order of the left list.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (usize, usize)> {
        let partners = self.right_of.iter().enumerate();
        partners.filter_map(|(left, right)| right.map(|right| (left, right)))
    }

    pub(super) fn only_left(&self) -> impl Iterator<Item = usize> {
        alone(&self.right_of)
    }

    pub(super) fn only_right(&self) -> impl Iterator<Item = usize> {
        alone(&self.left_of)
    }

    /// Returns the fewest pairs whose elements must be moved, so that all pairs are in the same
    /// order on both sides.
    pub(super) fn moved(&self) -> Vec<(usize, usize)> {
        let pairs: Vec<(usize, usize)> = self.pairs().collect();
        // The longest sequence of pairs that are in order on both sides: for each length the pair
        // that ends such a sequence as early as possible, and for each pair the one before it.
        let mut ends: Vec<usize> = Vec::new();
        let mut before = vec![None; pairs.len()];
        for (index, (_, right)) in pairs.iter().enumerate() {
            let length = ends.partition_point(|end| pairs[*end].1 < *right);
            before[index] = length.checked_sub(1).map(|length| ends[length]);
            match ends.get_mut(length) {
                Some(end) => *end = index,
                None => ends.push(index),
            }
        }
        let mut stays = vec![false; pairs.len()];
        let mut next = ends.last().copied();
        while let Some(index) = next {
            stays[index] = true;
            next = before[index];
        }
        let moved = pairs.into_iter().zip(stays).filter(|(_, stays)| !stays);
        moved.map(|(pair, _)| pair).collect()
    }
}

fn alone(partners: &[Option<usize>]) -> impl Iterator<Item = usize> {
    let partners = partners.iter().enumerate();
    partners.filter_map(|(index, partner)| partner.is_none().then_some(index))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aligned(left: &str, right: &str) -> Pairs {
        let keys = |text: &str| text.chars().map(Some).collect::<Vec<_>>();
        let mut pairs = Pairs::new(left.len(), right.len());
        pairs.by_key(&keys(left), &keys(right));
        pairs
    }

    #[test]
    fn equal_keys_are_paired_in_their_order() {
        let pairs = aligned("abac", "aab");
        assert_eq!(pairs.pairs().collect::<Vec<_>>(), [(0, 0), (1, 2), (2, 1)]);
        assert_eq!(pairs.only_left().collect::<Vec<_>>(), [3]);
        assert_eq!(pairs.only_right().count(), 0);
    }

    #[test]
    fn the_rest_is_paired_between_partners() {
        let mut pairs = aligned("xaybz", "a12bq");
        pairs.by_place(|_, _| true);
        // x precedes a on the left only; 2 has no partner.
        let expected = [(1, 0), (2, 1), (3, 3), (4, 4)];
        assert_eq!(pairs.pairs().collect::<Vec<_>>(), expected);
        assert_eq!(pairs.only_left().collect::<Vec<_>>(), [0]);
        assert_eq!(pairs.only_right().collect::<Vec<_>>(), [2]);
        let mut refused = aligned("x", "y");
        refused.by_place(|_, _| false);
        assert_eq!(refused.pairs().count(), 0);
    }

    #[test]
    fn as_few_elements_as_possible_are_moved() {
        assert_eq!(aligned("abcd", "abcd").moved(), []);
        assert_eq!(aligned("abcd", "dabc").moved(), [(3, 0)]);
        assert_eq!(aligned("abcd", "bcda").moved(), [(0, 3)]);
        assert_eq!(aligned("abcd", "dcba").moved().len(), 3);
        assert_eq!(aligned("abxcd", "yabcd").moved(), []);
    }
}
