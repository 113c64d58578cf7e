//! The hook as an object.

use std::io;
use std::sync::{Arc, Mutex};

use vexil::hooks::Hook;
use vexil_otel::TracingHook;

use crate::support::{ada, builder, event, traced};

/// Everything that is logged while `work` runs.
fn logged<T>(work: impl FnOnce() -> T) -> (T, String) {
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);
    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let result = tracing::subscriber::with_default(subscriber, work);
    let lines = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    (result, lines)
}

// OTEL 1.2.4.1, 1.2.4.2
#[test]
fn an_empty_environment_counts_as_none_and_is_logged() {
    let (hook, log) = logged(|| TracingHook::builder().environment_id("").build());
    assert_eq!(log.lines().count(), 1, "{log}");
    assert!(log.contains("WARN vexil_otel::hook: the environment id for traces is empty"), "{log}");
    let client = builder(hook).start().unwrap();
    let event = event(&traced(|| client.string_variation("colour", &ada(), "")));
    assert_eq!(event.get("feature_flag.set.id"), None);
}

#[test]
fn the_log_knows_the_hook_by_its_name() {
    assert_eq!(TracingHook::new().metadata().name.as_str(), "OpenTelemetry tracing");
}
