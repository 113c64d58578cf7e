//! Log lines that several tests of one process may be the first to log.

use std::io;
use std::sync::Once;

use tracing::Level;

/// Keeps `tracing` from caching, for the whole process, that a line has no subscriber. It decides
/// when the line is first reached, which may be in another test, on another thread, without a
/// subscriber.
pub(crate) fn always_interested() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let quiet = tracing_subscriber::fmt()
            .with_max_level(Level::TRACE)
            .with_writer(io::sink)
            .finish();
        // Fails only if there is a default already, which works as well.
        let _ = tracing::subscriber::set_global_default(quiet);
    });
}
