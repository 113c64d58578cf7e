//! Secrets that a test plants in settings and data, and the search for them in all that is printed.

use std::error::Error;
use std::fmt::Debug;
use std::panic;
use std::sync::OnceLock;

use tracing_subscriber::util::SubscriberInitExt;

use crate::log::Log;

/// The part that all secrets share, and that occurs nowhere else.
pub(crate) const PLANTED: &str = "pl4nted";

pub(crate) fn secret(name: &str) -> String {
    format!("{name}-{PLANTED}")
}

/// The log of the process.
pub(crate) fn log() -> &'static Log {
    static LOG: OnceLock<Log> = OnceLock::new();
    LOG.get_or_init(|| {
        let log = Log::default();
        // Also captures the records of the `log` crate.
        log.subscriber().try_init().unwrap();
        // Panics are part of what a program prints.
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            tracing::error!("{info}");
            usual(info);
        }));
        log
    })
}

/// The lines of the log that contain this text.
pub(crate) fn logged(text: &str) -> Vec<String> {
    let lines = log().lines().into_iter();
    lines.filter(|line| line.contains(text)).collect()
}

#[track_caller]
pub(crate) fn nothing_was_logged() {
    let shown = logged(PLANTED).into_iter().filter_map(with_secret);
    assert_eq!(shown.collect::<Vec<_>>(), [""; 0]);
}

/// A text that shows a secret. The secret itself is replaced, because the log of the failure would
/// show it to the other tests.
fn with_secret(text: String) -> Option<String> {
    let found = text.contains(PLANTED);
    found.then(|| text.replace(PLANTED, "(secret)"))
}

/// The `Debug` forms, if they show a secret.
pub(crate) fn found_in(thing: &(impl Debug + ?Sized)) -> Option<String> {
    with_secret(format!("{thing:?} {thing:#?}"))
}

/// What shows a secret of an error and its causes, in either `Display` or `Debug`.
pub(crate) fn found_in_error(error: &(dyn Error + 'static)) -> Option<String> {
    let mut causes = std::iter::successors(Some(error), |&error| error.source());
    causes.find_map(|cause| with_secret(cause.to_string()).or_else(|| found_in(cause)))
}

#[track_caller]
pub(crate) fn hides(thing: &(impl Debug + ?Sized)) {
    assert_eq!(found_in(thing), None);
}

#[track_caller]
pub(crate) fn hides_in_error(error: &(dyn Error + 'static)) {
    assert_eq!(found_in_error(error), None);
}
