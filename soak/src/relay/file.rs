//! [`FileRelay`]: a file with the environment.

use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::TempDir;

use super::Failure;
use crate::environment::Environment;

#[derive(Debug)]
pub(crate) struct FileRelay {
    folder: TempDir,
    /// Whether a fault owns the file. Locked while the file changes: the relay and a fault that ends
    /// may write it at the same time.
    is_broken: Mutex<bool>,
}

impl FileRelay {
    pub(super) fn create() -> Result<Self, Failure> {
        Ok(Self {
            folder: tempfile::tempdir()?,
            is_broken: Mutex::new(false),
        })
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("flags.json")
    }

    /// Replaces the file in one step, unless a fault owns it.
    pub(crate) fn write(&self, environment: &Environment) -> Result<(), Failure> {
        let is_broken = self.lock();
        if !*is_broken {
            let whole = self.folder.path().join("whole.json");
            fs::write(&whole, environment.json())?;
            fs::rename(whole, self.path())?;
        }
        Ok(())
    }

    /// Replaces the file with this text, or removes it, until [`Self::repair`] is called.
    pub(crate) fn break_with(&self, text: Option<&str>) -> Result<(), Failure> {
        let mut is_broken = self.lock();
        *is_broken = true;
        match text {
            Some(text) => fs::write(self.path(), text)?,
            None => fs::remove_file(self.path())?,
        }
        Ok(())
    }

    pub(crate) fn repair(&self) {
        *self.lock() = false;
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.is_broken
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
