//! [`Pattern`]: the operand of `matches`, a regular expression in Go's RE2 syntax.
//!
//! A pattern is checked when it is read, so that an invalid one is reported then. It is compiled by
//! the first match that needs it, in a time bounded by its cost ([`parser::MAX_COST`]); expensive
//! ones may be compiled in advance.

mod class;
mod error;
mod form;
mod parser;
mod program;
mod property;
mod ranges;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

pub use error::PatternError;
use program::Program;

use crate::text::Text;

/// The cost above which compiling takes more than about a millisecond.
const COSTLY: usize = 5_000;

/// A regular expression of a clause, shared by all clauses of a data set with the same text.
///
/// ```
/// use vexil_eval::model::{Flag, ItemData};
///
/// let flag: Flag = serde_json::from_str(
///     r#"{"rules": [{"variation": 0, "clauses": [
///         {"attribute": "email", "op": "matches", "values": ["@example\\.(com|org)$"]}]}]}"#,
/// )?;
/// let pattern = flag.patterns().next().expect("the flag has a pattern");
/// assert!(!pattern.is_compiled());
/// assert_eq!(pattern.is_match("ada@example.org"), Some(true));
/// assert_eq!(pattern.is_match("ada@example.net"), Some(false));
/// assert!(pattern.is_compiled() && !pattern.is_costly());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug)]
pub struct Pattern {
    text: Text,
    cost: usize,
    /// `Some(None)` if compiling failed, which parsing rules out.
    program: OnceLock<Option<Arc<Program>>>,
}

impl Pattern {
    pub(crate) fn new(text: &Text) -> Result<Self, PatternError> {
        Ok(Self {
            text: text.clone(),
            cost: parser::check(text)?,
            program: OnceLock::new(),
        })
    }

    /// Whether the pattern occurs anywhere in the text. Returns `None` if the match would exceed
    /// its step limit.
    #[must_use]
    pub fn is_match(&self, text: &str) -> Option<bool> {
        self.program().as_ref()?.is_match(text)
    }

    pub(super) fn text(&self) -> &Text {
        &self.text
    }

    /// Reuses the compiled program of the same pattern in an older item.
    pub(super) fn take_over(&self, before: &Self) {
        if let Some(program) = before.program.get() {
            // If it is already compiled, the existing program stays.
            let _ = self.program.set(program.clone());
        }
    }

    /// Whether the pattern is expensive to compile and not compiled yet, so that it should be
    /// compiled before an evaluation needs it.
    #[must_use]
    pub fn is_costly(&self) -> bool {
        self.cost >= COSTLY && self.program.get().is_none()
    }

    /// Whether the pattern is compiled.
    #[must_use]
    pub fn is_compiled(&self) -> bool {
        self.program.get().is_some()
    }

    /// Returns an estimate of the time and memory of compiling; a simple pattern costs about a
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
        // Only here is the parsed form built: it would take more memory than the text, and most
        // patterns of an environment are never used.
        self.program
            .get_or_init(|| Program::new(&parser::parse(&self.text).ok()?).map(Arc::new))
    }
}

/// Patterns by text: data sets often repeat a few patterns many times.
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
