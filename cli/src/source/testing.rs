//! A session for tests of this module.

use std::collections::HashMap;
use std::io;

use clap::Parser;

use super::Secret;
use crate::args::Args;
use crate::io::{Io, Stdin, Stream};
use crate::output::Output;
use crate::session::Session;
use crate::settings::Settings;
use crate::signals::Signals;

/// Calls `with` in a session with these variables and these sources in `/etc/vexil/vexil.toml`.
pub(super) fn in_session<T>(
    variables: &[(&str, &str)],
    sources: &[(&str, &str)],
    with: impl FnOnce(&Session<'_>) -> T,
) -> T {
    let variables = variables.iter();
    let (_sender, signals) = Signals::channel();
    let mut io = Io {
        stdin: Stdin::new(io::empty(), false),
        stdout: Stream::new(io::sink(), false),
        stderr: Stream::new(io::sink(), false),
        variables: variables
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect::<HashMap<_, _>>(),
        directory: "/shop".into(),
        signals,
    };
    let common = Args::parse_from(["vexil", "show", "x", "y"]).common;
    let output = Output::new(&common, &io);
    let sources = sources.iter();
    let settings = Settings {
        sources: sources
            .map(|(name, url)| ((*name).to_owned(), Secret::new(*url)))
            .collect(),
        file: Some("/etc/vexil/vexil.toml".into()),
        ..Settings::default()
    };
    with(&Session {
        common,
        settings,
        io: &mut io,
        output,
    })
}
