//! [`OverridesFile`]: the file that overrides are loaded from and saved to.

use std::convert::Infallible;
use std::fmt::{Display, Write as _};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use tempfile::NamedTempFile;
use vexil::model::DataKind;
use vexil_file_data::FileData;
use vexil_service::Overrides;

use super::environment::{ChangeError, Environment};
use crate::source::read_file;

/// The largest file of overrides.
const LARGEST: u64 = 64 << 20;
/// The first line of a file that the server has written.
const HEADER: &str =
    "# Overrides of `vexil serve`. Saving replaces this file; comments are not kept.\n";

/// The file that overrides are loaded from and saved to.
#[derive(Debug)]
pub(crate) struct OverridesFile {
    /// The name on the command line.
    pub(super) shown: String,
    path: PathBuf,
    known: Mutex<Known>,
}

/// The file as it was read or written last.
#[derive(Debug, Default)]
struct Known {
    /// The contents that were read or written last. Empty if there was no file.
    bytes: Vec<u8>,
    /// The overrides in them.
    overrides: Overrides,
    /// Why the file cannot be read now.
    error: Option<String>,
    /// Whether another program has changed the file while there were overrides that are not saved.
    has_conflict: bool,
}

/// How the file compares with the overrides that are in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub(super) enum FileState {
    /// There is no file.
    None,
    Saved,
    Unsaved,
    /// Another program has changed the file while there were overrides that are not saved, which stay
    /// in use.
    ChangedOnDisk,
    /// The file cannot be read. The last good overrides are in use.
    Broken {
        message: String,
    },
}

/// An error of saving overrides.
#[derive(Debug)]
pub(super) enum SaveError {
    /// The file was changed by another program. Has the differences.
    Changed {
        difference: String,
    },
    Io(io::Error),
}

impl OverridesFile {
    pub(crate) fn new(shown: &str, path: PathBuf) -> Self {
        Self {
            shown: shown.to_owned(),
            path,
            known: Mutex::default(),
        }
    }

    pub(super) fn state(&self, current: &Overrides) -> FileState {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match &known.error {
            Some(message) => FileState::Broken {
                message: message.clone(),
            },
            None if known.has_conflict => FileState::ChangedOnDisk,
            None if known.overrides == *current => FileState::Saved,
            None => FileState::Unsaved,
        }
    }

    /// Reads the file. Returns its overrides if they are to replace the current ones: the file has
    /// changed since it was read or written, and none would be lost that are not saved.
    fn read(&self, current: &Overrides) -> Result<Option<Overrides>, String> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let found = bytes(&self.path).map_err(|error| known.fails(&self.shown, &error))?;
        if found == known.bytes && known.error.is_none() {
            known.has_conflict = false;
            return Ok(None);
        }
        if *current != known.overrides {
            known.has_conflict = true;
            return Ok(None);
        }
        let overrides =
            parse(&self.path, &found).map_err(|error| known.fails(&self.shown, &error))?;
        known.knows(found, &overrides);
        Ok(Some(overrides))
    }

    /// Reads the file, although its overrides replace some that are not saved.
    fn read_again(&self) -> Result<Overrides, String> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let found = bytes(&self.path).map_err(|error| known.fails(&self.shown, &error))?;
        let overrides =
            parse(&self.path, &found).map_err(|error| known.fails(&self.shown, &error))?;
        known.knows(found, &overrides);
        Ok(overrides)
    }

    /// Writes the overrides: to a temporary file that replaces this one, so that a crash leaves the old
    /// or the new file. Returns the number of bytes. With `force`, changes of others are lost.
    pub(super) fn save(&self, overrides: &Overrides, force: bool) -> Result<usize, SaveError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let found = bytes(&self.path).map_err(SaveError::Io)?;
        if found != known.bytes && !force {
            let theirs = parse(&self.path, &found);
            return Err(SaveError::Changed {
                difference: match theirs {
                    Ok(theirs) => difference(&theirs, overrides),
                    Err(error) => format!("the file cannot be read: {error}"),
                },
            });
        }
        let text = encode(&self.path, overrides).map_err(SaveError::Io)?;
        write(&self.path, text.as_bytes()).map_err(SaveError::Io)?;
        known.knows(text.into_bytes(), overrides);
        Ok(known.bytes.len())
    }
}

impl Known {
    /// The file has these contents now.
    fn knows(&mut self, bytes: Vec<u8>, overrides: &Overrides) {
        *self = Self {
            bytes,
            overrides: overrides.clone(),
            error: None,
            has_conflict: false,
        };
    }

    /// The file cannot be read. Returns the message.
    fn fails(&mut self, shown: &str, error: &dyn Display) -> String {
        let message = format!("{shown}: {error}");
        self.error = Some(message.clone());
        message
    }
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    match read_file(path, LARGEST) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        read => read,
    }
}

fn is_json(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Overrides, String> {
    if bytes.is_empty() {
        return Ok(Overrides::default());
    }
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    let json: serde_json::Value = match is_json(path) {
        true => serde_json::from_str(text).map_err(|error| error.to_string())?,
        false => serde_saphyr::from_str(text).map_err(|error| error.to_string())?,
    };
    match json {
        // A file with comments only.
        serde_json::Value::Null => Ok(Overrides::default()),
        json => Overrides::from_json(json).map_err(|error| super::chain(&error)),
    }
}

fn encode(path: &Path, overrides: &Overrides) -> io::Result<String> {
    if is_json(path) {
        let mut text = serde_json::to_string_pretty(overrides)?;
        text.push('\n');
        return Ok(text);
    }
    Ok(format!("{HEADER}{}", yaml(overrides)?))
}

/// Returns overrides as YAML.
pub(super) fn yaml(overrides: &Overrides) -> io::Result<String> {
    serde_saphyr::to_string(overrides).map_err(io::Error::other)
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    // Only its owner can read it, because it may have keys of users.
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    // So that the new name survives a crash too; not all systems can do it.
    let _ = fs::File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

/// Lists the overrides of which a file and the server have different ones.
fn difference(file: &Overrides, ours: &Overrides) -> String {
    let mut text = String::new();
    let mut line = |sign: char, kind: DataKind, key: &str, form| {
        let form = serde_json::to_string(form).unwrap_or_default();
        // Writing to a string does not fail.
        let _ = writeln!(text, "{sign} {kind} {key}: {form}");
    };
    for (kind, key, form) in file.iter() {
        if ours.get(kind, key) != Some(form) {
            line('-', kind, key, form);
        }
    }
    for (kind, key, form) in ours.iter() {
        if file.get(kind, key) != Some(form) {
            line('+', kind, key, form);
        }
    }
    text
}

impl Environment {
    /// Uses the overrides in the file, if it has changed. Those that are not saved stay in use.
    pub(crate) fn load_overrides(&self) -> Result<(), String> {
        let Some(file) = self.overrides_file() else {
            return Ok(());
        };
        let current = self.layers().overrides().clone();
        let loaded = match file.read(&current) {
            Ok(Some(overrides)) => self.use_overrides(overrides),
            Ok(None) => Ok(()),
            Err(message) => Err(message),
        };
        self.news.announce(&self.news.overrides);
        loaded
    }

    /// Uses the overrides in the file, instead of those that are not saved.
    pub(super) fn reload_overrides(&self) -> Result<(), String> {
        let Some(file) = self.overrides_file() else {
            return Err("the server has no file for overrides".to_owned());
        };
        let loaded = file
            .read_again()
            .and_then(|overrides| self.use_overrides(overrides));
        self.news.announce(&self.news.overrides);
        loaded
    }

    fn use_overrides(&self, overrides: Overrides) -> Result<(), String> {
        let changed = self.change(|layers| Ok::<_, Infallible>(layers.set_overrides(overrides)));
        changed.map(drop).map_err(|error| match error {
            ChangeError::Refused(never) => match never {},
            ChangeError::Unreadable(message) => message,
        })
    }

    /// Uses the overrides in the file whenever it changes.
    pub(crate) async fn follow_overrides(self: Arc<Self>) {
        let Some(file) = self.overrides_file() else {
            return;
        };
        let Ok(data) = FileData::builder().paths([&file.path]).build() else {
            return;
        };
        let mut watcher = data.watcher();
        loop {
            watcher.changed().await;
            let environment = Arc::clone(&self);
            let loaded = tokio::task::spawn_blocking(move || environment.load_overrides()).await;
            if let Ok(Err(message)) = loaded {
                tracing::warn!("the last good overrides are in use: {message}");
            }
        }
    }
}
