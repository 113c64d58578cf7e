//! The command `vexil`, for people who operate feature flags: it evaluates, explains, lists, checks,
//! compares, copies and watches the flags of a file, a database or a flag service.
//!
//! The binary is [`run`] with the streams of its process. The data flows from `args` through a
//! `source` into a `snapshot`, from there into one of the `commands`, and through `output` to the
//! terminal.
//!
//! # Features
//!
//! - `redis` (default): sources and targets in Redis.
//! - `dynamodb` (default): sources and targets in DynamoDB.
//! - `tls-aws-lc-rs` (default): TLS with rustls and the crypto provider aws-lc-rs.
//! - `tls-ring`: TLS with rustls and the crypto provider ring, which is smaller.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod args;
mod check;
mod commands;
mod diff;
mod evaluator;
mod exit;
mod generate;
mod io;
mod mirror;
mod output;
mod schema;
mod serve;
mod session;
mod settings;
mod signals;
mod snapshot;
mod source;
mod watch;

use std::ffi::OsString;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

use clap::Parser;
use clap::error::ErrorKind;

use crate::args::Args;
use crate::exit::Failure;
use crate::session::Session;

pub use crate::exit::Exit;
pub use crate::io::{Io, Stdin, Stream};
pub use crate::signals::{SignalSender, Signals};

/// Runs the command with these arguments, the first of which is the name of the program.
///
/// Writes the result to standard output, and everything else to standard error. Does not panic: a
/// defect is reported, with [`Exit::Defect`].
pub fn run(arguments: impl IntoIterator<Item = OsString>, io: &mut Io) -> Exit {
    let args = match Args::try_parse_from(arguments) {
        Ok(args) => args,
        Err(error) => return explain_usage(&error, io),
    };
    let ran = catch_unwind(AssertUnwindSafe(|| Session::run(args, io)));
    let Ok(ended) = ran else {
        let _ = writeln!(
            io.stderr,
            "error: vexil {version} has a defect, and stopped\nhelp: please report the message above, with the \
             command, at {repository}/issues",
            version = env!("CARGO_PKG_VERSION"),
            repository = env!("CARGO_PKG_REPOSITORY"),
        );
        return Exit::Defect;
    };
    match ended {
        Ok(exit) => exit,
        Err(failure) => {
            report(&failure, io);
            failure.exit
        }
    }
}

/// Prints help, the version, or an error of the command line.
fn explain_usage(error: &clap::Error, io: &mut Io) -> Exit {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let _ = write!(io.stdout, "{}", error.render());
            Exit::Done
        }
        _ => {
            let _ = write!(io.stderr, "{}", error.render());
            Exit::Usage
        }
    }
}

fn report(failure: &Failure, io: &mut Io) {
    let Failure { message, help, .. } = failure;
    if message.is_empty() {
        return;
    }
    // Nothing is left to report an error of standard error to.
    let _ = writeln!(io.stderr, "error: {message}");
    if let Some(help) = help {
        let _ = writeln!(io.stderr, "help: {help}");
    }
}
