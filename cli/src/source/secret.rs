//! [`Secret`]: a text that is never printed. [`SecretFrom`]: where a password or key is.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::bounded;
use crate::exit::Failure;
use crate::session::Session;

/// A longer file is not one that contains a password.
const LONGEST: u64 = 64 << 10;

/// A text that contains a password or a key. Its `Debug` form does not show it.
#[derive(Clone, Deserialize, PartialEq, Eq)]
#[serde(transparent)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the text, to be sent to a server.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl Secret {
    /// Whether this is the secret. Takes the same time wherever the texts differ.
    pub(crate) fn is(&self, text: &str) -> bool {
        // Hashes have the same length, and tell nothing of the texts.
        Sha256::digest(&self.0) == Sha256::digest(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Where a password or key is.
#[derive(Clone, Debug)]
pub(super) enum SecretFrom {
    /// In the URL, which is not on the command line.
    Url(Secret),
    Variable(String),
    File(PathBuf),
}

impl SecretFrom {
    /// Reads the secret. `noun` names it in errors: "the password", "the SDK key".
    pub(super) fn read(&self, noun: &str, session: &Session<'_>) -> Result<Secret, Failure> {
        match self {
            Self::Url(secret) => Ok(secret.clone()),
            Self::Variable(name) => match session.io.variable(name) {
                Some(value) => Ok(Secret::new(value)),
                None => Err(Failure::usage(format_args!(
                    "{noun} is missing: the environment variable {name} is not set"
                ))
                .help(format_args!("export {name}=…"))),
            },
            Self::File(path) => {
                let text = read_file(path).map_err(|error| {
                    Failure::usage(format_args!(
                        "{noun} cannot be read from {}: {error}",
                        path.display()
                    ))
                    .help("check the path and its permissions")
                })?;
                Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
            }
        }
    }

    /// Describes the place: `VEXIL_SDK_KEY`, or the path of a file.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Url(_) => "the URL".to_owned(),
            Self::Variable(name) => name.clone(),
            Self::File(path) => path.display().to_string(),
        }
    }
}

fn read_file(path: &Path) -> std::io::Result<String> {
    let bytes = bounded::read_file(path, LONGEST)?;
    String::from_utf8(bytes).map_err(|_| std::io::Error::other("it is not UTF-8"))
}
