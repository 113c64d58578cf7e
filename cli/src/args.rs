//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as Arguments, Parser, ValueEnum};

use crate::commands::Command;

/// Look into feature flags: evaluate, explain, list, check, compare and copy them.
///
/// A SOURCE is a JSON or YAML file, standard input (-), a Redis or DynamoDB database, the flag
/// service, or a Relay Proxy. "vexil help sources" describes them all.
#[derive(Debug, Parser)]
#[command(
    name = "vexil",
    version,
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The options that all commands have.
#[derive(Arguments, Debug)]
pub(crate) struct Common {
    /// Print JSON instead of text.
    #[arg(long, global = true, help_heading = "Output")]
    pub(crate) json: bool,
    /// Use colours: by default if the output is a terminal.
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_default_value = true,
        help_heading = "Output"
    )]
    pub(crate) color: When,
    /// Use ASCII characters only in trees and tables.
    #[arg(long, global = true, help_heading = "Output")]
    pub(crate) ascii: bool,
    /// Print more about the work: once for information, twice for details.
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Output")]
    pub(crate) verbose: u8,
    /// Print no warnings and no progress.
    #[arg(
        short,
        long,
        global = true,
        conflicts_with = "verbose",
        help_heading = "Output"
    )]
    pub(crate) quiet: bool,
    /// Read this configuration file. Default: the nearest vexil.toml from here upwards.
    #[arg(long, global = true, value_name = "FILE", help_heading = "Settings")]
    pub(crate) config: Option<PathBuf>,
    /// Give up after this time, for example 30s, 2m or 500ms. Default: 30s.
    #[arg(long, global = true, value_name = "TIME", value_parser = duration, help_heading = "Settings")]
    pub(crate) timeout: Option<Duration>,
}

/// When colours are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    Auto,
    Always,
    Never,
}

/// A source of flags, and how it is read.
#[derive(Arguments, Clone, Debug)]
pub(crate) struct SourceArgs {
    /// A file, "-", or a URL; see "vexil help sources".
    #[arg(value_name = "SOURCE")]
    pub(crate) source: String,
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
}

/// How sources are read.
#[derive(Arguments, Clone, Debug, Default)]
pub(crate) struct ReadingArgs {
    /// Read this file too. May be repeated.
    #[arg(long, value_name = "FILE")]
    pub(crate) also: Vec<String>,
    /// What to do if two files contain the same key.
    #[arg(long, value_name = "RULE", default_value = "error")]
    pub(crate) duplicates: Duplicates,
    /// Do not fail because of single items that cannot be read.
    #[arg(long)]
    pub(crate) tolerant: bool,
}

/// What to do if two files contain the same key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Duplicates {
    /// Fail.
    #[default]
    Error,
    /// Use the item of the last file.
    Last,
}

/// Parses a time with a unit: `500ms`, `30s`, `2m`, `1h`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let end = text.find(|character: char| !character.is_ascii_digit() && character != '.');
    let (number, unit) = text.split_at(end.unwrap_or(text.len()));
    let seconds = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err("expected a number with a unit: 500ms, 30s, 2m or 1h".to_owned()),
    };
    let number: f64 = number
        .parse()
        .map_err(|_| "expected a number with a unit, such as 30s".to_owned())?;
    Duration::try_from_secs_f64(number * seconds).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_time_has_a_unit() {
        assert_eq!(duration("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(duration("1.5m"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        for wrong in [
            "",
            "5",
            "s",
            "5 s",
            "-1s",
            "1.2.3s",
            "99999999999999999999h",
        ] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
