//! [`FileRelay`]: a file with the environment.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use tempfile::TempDir;

use super::Failure;
use crate::environment::Environment;

#[derive(Debug)]
pub(crate) struct FileRelay {
    folder: TempDir,
    /// Whether a fault owns the file.
    is_broken: AtomicBool,
}

impl FileRelay {
    pub(super) fn create() -> Result<Self, Failure> {
        Ok(Self {
            folder: tempfile::tempdir()?,
            is_broken: AtomicBool::new(false),
        })
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("flags.json")
    }

    /// Replaces the file in one step, unless a fault owns it.
    pub(crate) fn write(&self, environment: &Environment) -> Result<(), Failure> {
        if !self.is_broken.load(Ordering::SeqCst) {
            let whole = self.folder.path().join("whole.json");
            fs::write(&whole, environment.json())?;
            fs::rename(whole, self.path())?;
        }
        Ok(())
    }

    /// Replaces the file with this text, or removes it, until [`Self::repair`] is called.
    pub(crate) fn break_with(&self, text: Option<&str>) -> Result<(), Failure> {
        self.is_broken.store(true, Ordering::SeqCst);
        match text {
            Some(text) => fs::write(self.path(), text)?,
            None => fs::remove_file(self.path())?,
        }
        Ok(())
    }

    pub(crate) fn repair(&self) {
        self.is_broken.store(false, Ordering::SeqCst);
    }
}
