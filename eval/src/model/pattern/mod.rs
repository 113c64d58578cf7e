//! [`Pattern`]: the operand of `matches`, a regular expression in the syntax of RE2 as Go reads it.
//!
//! A pattern is parsed when it arrives, so that a bad one is reported then. It is compiled by the
//! first match that needs it, in a time that its cost bounds ([`parser::MAX_COST`]); the costly
//! ones may be compiled before.

mod class;
mod error;
mod parser;
mod program;
mod property;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

pub use error::PatternError;
use program::Program;

use crate::text::Text;

/// The cost from which compiling takes more than about a millisecond.
const COSTLY: usize = 5_000;

/// A regular expression of a clause. It is shared by all clauses of a data set that have the same
/// text.
#[derive(Debug)]
pub struct Pattern {
    text: Text,
    cost: usize,
    /// `None` inside if it cannot be compiled, which its parsed form rules out.
    program: OnceLock<Option<Arc<Program>>>,
}

impl Pattern {
    pub(crate) fn new(text: &Text) -> Result<Self, PatternError> {
        let parsed = parser::parse(text)?;
        Ok(Self {
            text: text.clone(),
            cost: parsed.cost,
            program: OnceLock::new(),
        })
    }

    /// Whether the pattern is found anywhere in the text. Returns `None` if that would take too long to
    /// tell.
    #[must_use]
    pub fn is_match(&self, text: &str) -> Option<bool> {
        self.program().as_ref()?.is_match(text)
    }

    pub(super) fn text(&self) -> &Text {
        &self.text
    }

    /// Shares what is compiled of the same pattern in an older item.
    pub(super) fn take_over(&self, before: &Self) {
        if let Some(program) = before.program.get() {
            // It may be compiled already: then that stays.
            let _ = self.program.set(program.clone());
        }
    }

    /// Whether the pattern takes long to compile, and is not compiled yet: it should be before an
    /// evaluation needs it.
    #[must_use]
    pub fn is_costly(&self) -> bool {
        self.cost >= COSTLY && self.program.get().is_none()
    }

    /// Whether the pattern is compiled.
    #[must_use]
    pub fn is_compiled(&self) -> bool {
        self.program.get().is_some()
    }

    /// An estimate of the time and memory that compiling takes; a simple pattern costs about a
    /// hundred.
    #[must_use]
    pub fn cost(&self) -> usize {
        self.cost
    }

    /// Compiles the pattern, unless it is compiled already.
    pub fn compile(&self) {
        self.program();
    }

    fn program(&self) -> &Option<Arc<Program>> {
        // Parsed again: a parsed form is larger than a pattern, and most of an environment's are
        // never used.
        self.program
            .get_or_init(|| Program::new(&parser::parse(&self.text).ok()?).map(Arc::new))
    }
}

/// Patterns by their text: one data set repeats few of them often.
#[derive(Debug, Default)]
pub(super) struct Patterns(HashMap<Text, Result<Arc<Pattern>, PatternError>>);

impl Patterns {
    pub(super) fn read(&mut self, text: &Text) -> Result<Arc<Pattern>, PatternError> {
        self.0
            .entry(text.clone())
            .or_insert_with(|| Pattern::new(text).map(Arc::new))
            .clone()
    }
}

#[cfg(test)]
mod tests;
