//! [`Preparation`]: the state of preparing one flag or segment.

use super::bucket_hasher::BucketHasher;
use super::pattern::{Pattern, Patterns};
use super::problem::{Defect, Problem};
use super::rollout::BucketBy;
use crate::context::Reference;
use crate::text::Text;
use std::sync::Arc;

/// The data of an item that its parts need when they are prepared, and the problems found so far.
pub(super) struct Preparation<'a> {
    key: &'a Text,
    salt: &'a Text,
    patterns: &'a mut Patterns,
    /// The index of the rule that is being prepared.
    rule: Option<usize>,
    problems: Vec<Problem>,
}

impl<'a> Preparation<'a> {
    pub(super) fn new(key: &'a Text, salt: &'a Text, patterns: &'a mut Patterns) -> Self {
        Self {
            key,
            salt,
            patterns,
            rule: None,
            problems: Vec::new(),
        }
    }

    /// Prepares the rules of the item. Problems found meanwhile name the rule.
    pub(super) fn rules<R, T>(
        &mut self,
        raw: Vec<R>,
        prepare: impl Fn(&mut Self, R) -> T,
    ) -> Box<[T]> {
        let rules = raw.into_iter().enumerate().map(|(index, rule)| {
            self.rule = Some(index);
            prepare(self, rule)
        });
        let rules = rules.collect();
        self.rule = None;
        rules
    }

    pub(super) fn report(&mut self, defect: Defect) {
        self.problems.push(Problem {
            rule: self.rule,
            defect,
        });
    }

    /// Returns the problems found.
    pub(super) fn finish(self) -> Box<[Problem]> {
        self.problems.into()
    }

    /// Returns the regular expression of this text, or reports why it is rejected.
    pub(super) fn pattern(&mut self, text: Text) -> Option<Arc<Pattern>> {
        match self.patterns.read(&text) {
            Ok(pattern) => Some(pattern),
            Err(error) => {
                self.report(Defect::Pattern {
                    pattern: text,
                    error,
                });
                None
            }
        }
    }

    /// Reports an invalid attribute reference.
    pub(super) fn check(&mut self, reference: &Reference) {
        if let Some(error) = reference.error() {
            self.report(Defect::Attribute {
                reference: reference.as_str().into(),
                error,
            });
        }
    }

    /// Returns the attribute by which contexts are bucketed; an empty name means the key.
    pub(super) fn bucket_by(&mut self, attribute: Text, kind: &Text) -> BucketBy {
        if attribute.is_empty() {
            return BucketBy::Key;
        }
        let reference = reference(attribute, kind);
        self.check(&reference);
        BucketBy::Attribute(reference)
    }

    /// Returns the hasher of a rollout of the item.
    pub(super) fn bucket_hasher(&self, seed: Option<i64>) -> BucketHasher {
        match seed {
            Some(seed) => BucketHasher::of_seed(seed),
            None => BucketHasher::of_item(self.key, self.salt),
        }
    }
}

/// An attribute without a kind beside it is a plain name; with a kind it is a reference.
pub(super) fn reference(attribute: Text, kind: &Text) -> Reference {
    if kind.is_empty() {
        Reference::literal(attribute)
    } else {
        Reference::new(attribute)
    }
}
