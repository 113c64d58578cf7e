//! Compiles costly regular expressions before the data takes effect, so that no evaluation has to.
//!
//! Most patterns compile within microseconds, on first use; an environment may hold thousands that
//! are never used. Some take up to a tenth of a second. Those are compiled here, off the evaluating
//! threads, up to a total cost that keeps a hostile environment from delaying its own arrival. The
//! rest compile on first use.

use std::sync::Arc;

use vexil_eval::model::Pattern;

use crate::runtime::Runtime;

/// Total cost compiled ahead per update: about a third of a second.
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
        // Without a blocking thread, they compile on first use.
        let _ = runtime
            .spawn_blocking(move || costly.iter().for_each(|pattern| pattern.compile()))
            .finish()
            .await;
    }
}
