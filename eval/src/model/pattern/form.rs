//! [`Form`]: what the parser makes of a pattern.
//!
//! [`Hir`], the form of the regex engine, allocates for each character. A pattern that arrives is
//! only checked, and most are never compiled, so checking makes a [`Depth`] instead.

use regex_syntax::hir::{Class, ClassUnicode, Dot, Hir, Look, Repetition};

pub(super) trait Form: Sized {
    /// Parts of a concatenation or alternation.
    type Parts: Default + Extend<Self>;

    fn literal(character: &[u8]) -> Self;

    fn class(class: ClassUnicode) -> Self;

    fn dot(dot: Dot) -> Self;

    fn look(look: Look) -> Self;

    fn repetition(self, min: u32, max: Option<u32>) -> Self;

    fn concatenation(parts: Self::Parts) -> Self;

    fn alternation(parts: Self::Parts) -> Self;

    /// Whether it is certain to be less deep than this.
    fn is_within(&self, depth: usize) -> bool;
}

impl Form for Hir {
    type Parts = Vec<Self>;

    fn literal(character: &[u8]) -> Self {
        Self::literal(character)
    }

    fn class(class: ClassUnicode) -> Self {
        Self::class(Class::Unicode(class))
    }

    fn dot(dot: Dot) -> Self {
        Self::dot(dot)
    }

    fn look(look: Look) -> Self {
        Self::look(look)
    }

    fn repetition(self, min: u32, max: Option<u32>) -> Self {
        Self::repetition(Repetition {
            min,
            max,
            // Greediness does not affect whether there is a match.
            greedy: true,
            sub: Box::new(self),
        })
    }

    fn concatenation(parts: Vec<Self>) -> Self {
        Self::concat(parts)
    }

    fn alternation(parts: Vec<Self>) -> Self {
        Self::alternation(parts)
    }

    /// Checks the depth level by level.
    fn is_within(&self, depth: usize) -> bool {
        let mut level = vec![self];
        for _ in 0..depth {
            if level.is_empty() {
                return true;
            }
            level = level
                .into_iter()
                .flat_map(|hir| hir.kind().subs())
                .collect();
        }
        false
    }
}

/// An upper bound of the depth of a [`Hir`], which is simplified while it is built.
#[derive(Default)]
pub(super) struct Depth(usize);

impl Depth {
    const LEAF: Self = Self(1);
}

/// Parts are as deep as the deepest of them.
impl Extend<Self> for Depth {
    fn extend<I: IntoIterator<Item = Self>>(&mut self, parts: I) {
        for part in parts {
            self.0 = self.0.max(part.0);
        }
    }
}

impl Form for Depth {
    type Parts = Self;

    fn literal(_: &[u8]) -> Self {
        Self::LEAF
    }

    fn class(_: ClassUnicode) -> Self {
        Self::LEAF
    }

    fn dot(_: Dot) -> Self {
        Self::LEAF
    }

    fn look(_: Look) -> Self {
        Self::LEAF
    }

    fn repetition(self, _: u32, _: Option<u32>) -> Self {
        Self(self.0 + 1)
    }

    fn concatenation(parts: Self) -> Self {
        Self(parts.0 + 1)
    }

    /// A common prefix of the parts is taken out of the alternation, and put before it.
    fn alternation(parts: Self) -> Self {
        Self(parts.0 + 2)
    }

    fn is_within(&self, depth: usize) -> bool {
        self.0 < depth
    }
}
