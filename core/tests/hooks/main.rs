//! Hooks and plugins: what they receive, their order, and that they change nothing (EVT-6).

#![cfg(test)]

#[path = "../support/mod.rs"]
mod support;

#[path = "../support/interest.rs"]
mod interest;
#[path = "../support/log.rs"]
mod log;

mod contained;
mod order;
mod plugins;
mod recording;
mod track;
mod variations;

/// The lines that are logged on this thread while `act` runs, and its result.
fn logged<T>(act: impl FnOnce() -> T) -> (Vec<String>, T) {
    interest::always_interested();
    let log = log::Log::default();
    let result = tracing::subscriber::with_default(log.subscriber(), act);
    (log.lines(), result)
}
