//! [`Program`]: a pattern ready to be matched.
//!
//! A lazy DFA over the automaton of the pattern: it reads each byte once, whatever the pattern.
//! Only where it would keep building states that it does not use again does it give up, and the
//! simulation of the automaton takes over, whose time is the product of the sizes of pattern and
//! text. Only that is limited.

use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

use regex_automata::Input;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson::pikevm::PikeVM;
use regex_automata::nfa::thompson::{Compiler, Config, WhichCaptures};
use regex_automata::util::pool::Pool;

use super::parser::Parsed;

/// How many steps of the simulation one match may take: about a second.
const MAX_STEPS: usize = 1 << 26;

#[derive(Debug)]
pub(super) struct Program {
    dfa: Arc<DFA>,
    caches: Pool<Cache, NewCache>,
    /// How many states the simulation may be in at once.
    width: usize,
}

type NewCache = Box<dyn Fn() -> Cache + Send + Sync + UnwindSafe + RefUnwindSafe>;

impl Program {
    /// Returns `None` if the library refuses the pattern. It has no reason to: sizes are limited when
    /// the pattern is parsed, and there are no Unicode word boundaries.
    pub(super) fn new(pattern: &Parsed) -> Option<Self> {
        let nfa = Compiler::new()
            .configure(Config::new().which_captures(WhichCaptures::None))
            .build_from_hir(&pattern.hir)
            .ok()?;
        let config = DFA::config()
            // A large automaton may need more than the default, and its size is limited before.
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

    /// Whether the pattern is found anywhere in the text; `None` if it would take too long to tell.
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
