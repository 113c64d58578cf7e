//! [`Program`]: a compiled pattern.
//!
//! A lazy DFA reads each byte once, whatever the pattern. It gives up only if it keeps building
//! states without reusing them. Then an NFA simulation takes over, whose time is the product of the
//! sizes of pattern and text; only this time is limited.

use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

use regex_automata::Input;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson::pikevm::PikeVM;
use regex_automata::nfa::thompson::{Compiler, Config, WhichCaptures};
use regex_automata::util::pool::Pool;

use super::parser::Parsed;

/// The maximum number of simulation steps of one match, about a second.
const MAX_STEPS: usize = 1 << 26;

#[derive(Debug)]
pub(super) struct Program {
    dfa: Arc<DFA>,
    caches: Pool<Cache, NewCache>,
    /// The maximum number of simultaneously active states of the simulation.
    width: usize,
}

type NewCache = Box<dyn Fn() -> Cache + Send + Sync + UnwindSafe + RefUnwindSafe>;

impl Program {
    /// Compiles a pattern. Returns `None` if the library rejects it, which should not happen: the
    /// parser limits sizes, and there are no Unicode word boundaries.
    pub(super) fn new(pattern: &Parsed) -> Option<Self> {
        let nfa = Compiler::new()
            .configure(Config::new().which_captures(WhichCaptures::None))
            .build_from_hir(&pattern.form)
            .ok()?;
        let config = DFA::config()
            // Large automata may exceed the default cache; the parser has limited their size.
            .skip_cache_capacity_check(true)
            .minimum_cache_clear_count(Some(3))
            .minimum_bytes_per_state(Some(10));
        let dfa = Arc::new(DFA::builder().configure(config).build_from_nfa(nfa).ok()?);
        let for_cache = Arc::clone(&dfa);
        let caches = Pool::new(Box::new(move || for_cache.create_cache()) as NewCache);
        Some(Self {
            dfa,
            caches,
            width: pattern.width,
        })
    }

    /// Whether the pattern occurs anywhere in the text; `None` if the match would exceed its step
    /// limit.
    pub(super) fn is_match(&self, text: &str) -> Option<bool> {
        let input = Input::new(text).earliest(true);
        match self.dfa.try_search_fwd(&mut self.caches.get(), &input) {
            Ok(end) => Some(end.is_some()),
            Err(_gave_up) => self.simulate(input),
        }
    }

    #[cold]
    fn simulate(&self, input: Input<'_>) -> Option<bool> {
        if self.width.saturating_mul(input.haystack().len()) > MAX_STEPS {
            return None;
        }
        let vm = PikeVM::new_from_nfa(self.dfa.get_nfa().clone()).ok()?;
        Some(vm.is_match(&mut vm.create_cache(), input))
    }
}

#[cfg(test)]
mod tests {
    use super::super::parser::parse;
    use super::*;

    // The limit of a match is computed from the width.
    #[test]
    fn the_width_of_a_pattern_includes_all_states_that_may_be_active_at_once() {
        // States that every search has, such as those that find where a match starts.
        const OF_EACH_SEARCH: usize = 5;
        for text in ["a[ab]{900}c", "(a*b*){50}", "((a|b)?c*){20}", "abcde|fghij"] {
            let parsed = parse(text).unwrap();
            let program = Program::new(&parsed).unwrap();
            let states = program.dfa.get_nfa().states().len();
            assert!(
                states <= program.width + OF_EACH_SEARCH,
                "{text}: {states} states, width {}",
                program.width
            );
        }
    }
}
