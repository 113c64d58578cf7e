//! [`Parameters`]: the query of a source.

use std::borrow::Cow;
use std::path::PathBuf;
use std::time::Duration;

use percent_encoding::percent_decode_str;

use super::{Given, nearest};
use crate::args::duration;
use crate::exit::Failure;
use crate::source::secret::SecretFrom;

/// The parameters of a source. Their values are not secret: a password or key is named by a
/// variable or a file.
#[derive(Debug, Default)]
pub(super) struct Parameters {
    given: Vec<(String, String)>,
}

impl Parameters {
    /// Parses a query, without its question mark. `known` are the names that the source has.
    pub(super) fn parse(query: Option<&str>, known: &[&str], what: &str) -> Result<Self, Failure> {
        let mut given: Vec<(String, String)> = Vec::new();
        for part in query.unwrap_or_default().split('&') {
            if part.is_empty() {
                continue;
            }
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            if !known.contains(&name) {
                // A text that is not a name may be anything, for example a piece of a password.
                if name.len() == part.len() || !is_name(name) {
                    return Err(Failure::usage(format_args!(
                        "{what} has a parameter without a name or a value"
                    ))
                    .help("parameters have the form NAME=VALUE, with & between them"));
                }
                return Err(unknown(name, known, what));
            }
            if value.is_empty() {
                return Err(Failure::usage(format_args!(
                    "the parameter {name} of {what} has no value"
                ))
                .help(format_args!("write {name}=VALUE, or leave it out")));
            }
            if given.iter().any(|(earlier, _)| earlier == name) {
                return Err(Failure::usage(format_args!(
                    "the parameter {name} of {what} is there twice"
                ))
                .help("leave one out"));
            }
            given.push((name.to_owned(), decoded(value, name)?.into_owned()));
        }
        Ok(Self { given })
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let found = self.given.iter().find(|(given, _)| given == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(super) fn owned(&self, name: &str) -> Option<String> {
        self.text(name).map(str::to_owned)
    }

    /// One of several words.
    pub(super) fn word<T: Copy>(
        &self,
        name: &str,
        words: &[(&str, T)],
    ) -> Result<Option<T>, Failure> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        match words.iter().find(|(word, _)| *word == text) {
            Some((_, meaning)) => Ok(Some(*meaning)),
            None => {
                let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
                Err(wrong(name, format_args!("expected {}", words.join(" or "))))
            }
        }
    }

    pub(super) fn time(&self, name: &str) -> Result<Option<Duration>, Failure> {
        match self.text(name).map(duration) {
            None => Ok(None),
            Some(Ok(time)) if !time.is_zero() => Ok(Some(time)),
            Some(Ok(_)) => Err(wrong(name, "expected more than zero")),
            Some(Err(reason)) => Err(wrong(name, reason)),
        }
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<u32>, Failure> {
        let parse = |text: &str| text.parse().map_err(|_| wrong(name, "expected a number"));
        self.text(name).map(parse).transpose()
    }

    pub(super) fn path(&self, name: &str, given: &Given<'_>) -> Option<PathBuf> {
        self.text(name).map(|path| given.path(path))
    }

    /// A secret in a variable or in a file, whose names are the values of two parameters.
    pub(super) fn secret(
        &self,
        variable: &str,
        file: &str,
        given: &Given<'_>,
    ) -> Result<Option<SecretFrom>, Failure> {
        let in_file = self.path(file, given).map(SecretFrom::File);
        let Some(name) = self.text(variable) else {
            return Ok(in_file);
        };
        if in_file.is_some() {
            return Err(
                Failure::usage(format_args!("{variable} and {file} exclude each other"))
                    .help("leave one out"),
            );
        }
        // The value may be the secret itself, so it is not printed.
        if !is_variable(name) {
            return Err(Failure::usage(format_args!(
                "the value of {variable} is not the name of an environment variable"
            ))
            .help(format_args!(
                "put the secret into a variable and write {variable}=NAME"
            )));
        }
        Ok(Some(SecretFrom::Variable(name.to_owned())))
    }

    /// The URL of a server, without credentials.
    pub(super) fn url(&self, name: &str) -> Result<Option<String>, Failure> {
        let Some(url) = self.text(name) else {
            return Ok(None);
        };
        let rest = url
            .strip_prefix("https://")
            .or_else(|| url.strip_prefix("http://"));
        let Some(rest) = rest else {
            return Err(wrong(name, "expected a URL that begins with https://"));
        };
        if rest.contains(['@', '?', '#']) {
            return Err(wrong(name, "the URL must not have a password or a query"));
        }
        if rest.is_empty() || rest.starts_with(['/', '?']) {
            return Err(wrong(name, "the URL has no host"));
        }
        Ok(Some(url.to_owned()))
    }
}

fn is_name(text: &str) -> bool {
    let is_of_name = |character: char| character.is_ascii_alphabetic() || "-_".contains(character);
    !text.is_empty() && text.chars().all(is_of_name)
}

/// Whether a text is the name of an environment variable.
pub(super) fn is_variable(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || character == '_')
}

/// Decodes `%41`. Does not print the text.
pub(super) fn decoded<'t>(text: &'t str, name: &str) -> Result<Cow<'t, str>, Failure> {
    percent_decode_str(text)
        .decode_utf8()
        .map_err(|_| wrong(name, "the percent-encoded text is not UTF-8"))
}

pub(super) fn wrong(name: &str, reason: impl std::fmt::Display) -> Failure {
    Failure::usage(format_args!("the parameter {name} is wrong: {reason}"))
        .help("\"vexil help sources\" describes the parameters")
}

fn unknown(name: &str, known: &[&str], what: &str) -> Failure {
    let all = known.join(", ");
    let failure = Failure::usage(format_args!(
        "{what} has no parameter \"{}\"",
        crate::output::escaped(name)
    ));
    match nearest(name, known) {
        Some(near) => failure.help(format_args!("did you mean {near}? It has {all}")),
        None => failure.help(format_args!("it has {all}")),
    }
}
