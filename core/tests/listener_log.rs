//! A listener that panics is logged once. In a separate test binary, because listeners run on threads of
//! the client, and the log of all threads belongs to the process.

#![cfg(test)]

#[path = "support/log.rs"]
mod log;
mod support;

use std::sync::mpsc;

use log::Log;
use support::{SOON, controlled, serving};

#[test]
fn a_listener_that_panics_at_each_call_is_logged_once() {
    let log = Log::default();
    tracing::subscriber::set_global_default(log.subscriber()).unwrap();
    let (client, source) = controlled();
    let tracker = client.flag_tracker();
    tracker.add_listener(|_| panic!("this listener always panics"));
    let (notified, changes) = mpsc::channel();
    tracker.add_listener(move |_| notified.send(()).unwrap());
    for version in 1..=5 {
        source.flag("banner", &serving(version, version));
        changes.recv_timeout(SOON).unwrap();
    }
    let lines = log.lines();
    let errors = lines.iter().filter(|line| line.contains(" ERROR "));
    let errors: Vec<_> = errors.collect();
    assert_eq!(errors.len(), 1, "{errors:#?}");
    assert!(errors[0].contains("a flag-change listener panicked"));
}
