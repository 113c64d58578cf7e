//! [`Settings`]: the configuration file `vexil.toml`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::exit::{Exit, Failure};
use crate::io::Io;
use crate::source::{Secret, read_file};

const FILE_NAME: &str = "vexil.toml";
/// The largest configuration file.
const LARGEST: u64 = 1 << 20;

/// The contents of the configuration file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// URLs by name, for sources of the form `@name`. They may contain passwords: print them as a
    /// [`Source`](crate::source::Source).
    #[serde(default)]
    pub(crate) sources: BTreeMap<String, Secret>,
    #[serde(default)]
    pub(crate) check: CheckSettings,
    #[serde(default)]
    pub(crate) serve: ServeSettings,
    /// The file that was read.
    #[serde(skip)]
    pub(crate) file: Option<PathBuf>,
}

/// Settings of `vexil check`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CheckSettings {
    /// Findings that are allowed: `id`, or `key:id`.
    #[serde(default)]
    pub(crate) allow: Vec<String>,
}

/// Settings of `vexil serve`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServeSettings {
    /// The environments that are served, by name.
    #[serde(default)]
    pub(crate) env: BTreeMap<String, EnvironmentSettings>,
}

/// The credentials of an environment that is served. With an SDK key, only these are accepted.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct EnvironmentSettings {
    /// The environment variable with the SDK key.
    pub(crate) sdk_key_env: Option<String>,
    /// The environment variable with the mobile key.
    pub(crate) mobile_key_env: Option<String>,
    /// The environment id of JavaScript SDKs. Default: the name.
    pub(crate) environment_id: Option<String>,
}

impl Settings {
    /// Reads this file, or the nearest one from the folder of the command upwards.
    pub(crate) fn load(file: Option<&Path>, io: &Io) -> Result<Self, Failure> {
        let found = match file {
            Some(file) => Some(io.path(file)),
            None => io
                .directory
                .ancestors()
                .map(|folder| folder.join(FILE_NAME))
                .find(|file| file.is_file()),
        };
        let Some(path) = found else {
            return Ok(Self::default());
        };
        let wrong = |error: &dyn std::fmt::Display| {
            Failure::new(
                Exit::Usage,
                format_args!("cannot read {}: {error}", path.display()),
            )
            .help("correct the file, or name another one with --config FILE")
        };
        let bytes = read_file(&path, LARGEST).map_err(|error| wrong(&error))?;
        let text = String::from_utf8(bytes).map_err(|_| wrong(&"it is not UTF-8"))?;
        // Without the quoted line, which may hold a password.
        let mut settings: Self = toml::from_str(&text).map_err(|error| {
            let line = error
                .span()
                .map_or(1, |span| text[..span.start].lines().count().max(1));
            wrong(&format_args!("line {line}: {}", error.message()))
        })?;
        settings.file = Some(path);
        Ok(settings)
    }
}
