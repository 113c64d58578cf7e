//! Shared by the examples: contexts to evaluate flags for, a table of the results, the log, and the
//! writer of their Redis.

#[cfg(feature = "all")]
mod relay;

use std::collections::BTreeSet;
use std::io::{self, IsTerminal};

use tracing_subscriber::filter::LevelFilter;
use vexil::client::FlagsStateOptions;
use vexil::{Client, Context, ContextError};

#[cfg(feature = "all")]
pub use self::relay::Relay;

/// Returns three contexts for which the flags of `flags.json` have different values.
///
/// # Errors
/// Never returns an error, because all keys are valid.
pub fn contexts() -> Result<[(&'static str, Context); 3], ContextError> {
    let ada = Context::builder("ada")
        .name("Ada")
        .set("email", "ada@example.com")
        .set("appVersion", "2.3.1")
        .set("signedUp", "2023-05-17T09:30:00Z")
        .build()?;
    let bob = Context::builder("bob")
        .set("appVersion", "1.9")
        .set("signedUp", "2025-11-02T18:00:00+01:00")
        .build()?;
    let carol = Context::multi([
        Context::builder("carol")
            .set("appVersion", "2.4.0-beta.1")
            .build()?,
        Context::builder("acme")
            .kind("org")
            .set("plan", "team")
            .build()?,
    ])?;
    Ok([("ada", ada), ("bob", bob), ("carol of acme", carol)])
}

/// Writes log lines of this level and above to the standard error, in colours if that is a terminal.
pub fn log_to_stderr(level: LevelFilter) {
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_max_level(level)
        .init();
}

/// Renders every flag for every context, with its value and reason.
#[must_use]
pub fn table(client: &Client, contexts: &[(&str, Context)]) -> String {
    let options = FlagsStateOptions::default().with_reasons(true);
    let states: Vec<_> = contexts
        .iter()
        .map(|(name, context)| (name, client.all_flags_state(context, options)))
        .collect();
    let keys: BTreeSet<_> = states
        .iter()
        .flat_map(|(_, state)| state.values().map(|(key, _)| key))
        .collect();
    let mut rows = vec![["flag", "context", "value", "reason"].map(String::from)];
    for key in keys {
        for (name, state) in &states {
            let value = state
                .value(key)
                .map(ToString::to_string)
                .unwrap_or_default();
            let reason = state
                .reason(key)
                .map(ToString::to_string)
                .unwrap_or_default();
            rows.push([key.to_string(), (**name).to_owned(), value, reason]);
        }
    }
    render(&rows)
}

fn render(rows: &[[String; 4]]) -> String {
    let widths: [usize; 4] = std::array::from_fn(|column| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(String::len)
            .max()
            .unwrap_or(0)
    });
    let line = |row: &[String; 4]| {
        let cells = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Compiles and runs the commands and code of the README.
#[cfg(all(doctest, feature = "all"))]
#[doc = include_str!("../../README.md")]
struct Readme;

#[cfg(all(doctest, feature = "all"))]
mod guide;
