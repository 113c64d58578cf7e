//! Compiles costly regular expressions before the data counts, so that no evaluation has to.
//!
//! Most patterns compile within microseconds, when they are first used: an environment may hold
//! thousands that never are. Some take up to a tenth of a second. Those compile here, off the
//! thread of evaluations, up to a total that keeps a hostile environment from delaying its own
//! arrival; the rest compiles when it is used.

use std::sync::Arc;

use vexil_eval::model::Pattern;

use crate::runtime::Runtime;

/// The cost that is compiled ahead for one update: about a third of a second.
const MAX_COST_AHEAD: usize = 1_000_000;

pub(super) async fn compile_ahead(
    runtime: &Runtime,
    patterns: impl Iterator<Item = &Arc<Pattern>>,
) {
    let mut left = MAX_COST_AHEAD;
    let costly = patterns.filter(|pattern| pattern.is_costly());
    let costly = costly.map_while(|pattern| {
        left = left.checked_sub(pattern.cost())?;
        Some(Arc::clone(pattern))
    });
    let costly: Vec<_> = costly.collect();
    if !costly.is_empty() {
        // If the thread is not to be had, they compile when they are used.
        let _ = runtime
            .spawn_blocking(move || costly.iter().for_each(|pattern| pattern.compile()))
            .finish()
            .await;
    }
}
