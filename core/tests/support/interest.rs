//! Lines of a log that several tests of one process may log first.

use std::io;
use std::sync::Once;

use tracing::Level;

/// Keeps `tracing` from deciding, once and for the whole process, that nobody is interested in a
/// line. It decides when the line is first reached, which may be in another test, on another
/// thread, that does not look at its log.
pub(crate) fn always_interested() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let nobody = tracing_subscriber::fmt()
            .with_max_level(Level::TRACE)
            .with_writer(io::sink)
            .finish();
        // Fails only if there is one already, and that serves as well.
        let _ = tracing::subscriber::set_global_default(nobody);
    });
}
