//! [`Program`]: a server program that can be killed and started again.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::TempDir;

use super::ServerError;
use super::process::Process;
use super::wait::{Seen, until};
use crate::ports;

/// How many ports are tried if other processes take them first.
const TRIES: usize = 5;

/// A program with its own folder, and a connection `C` to it while it runs.
#[derive(Debug)]
pub(super) struct Program<C> {
    name: &'static str,
    path: PathBuf,
    /// `None` while the program is killed. Locked during a whole call, so that no thread uses a
    /// program that another thread restarts.
    running: Mutex<Option<Running<C>>>,
    /// Declared last, so that it is removed after the process that writes to it has ended.
    folder: TempDir,
}

#[derive(Debug)]
pub(super) struct Running<C> {
    process: Process,
    pub(super) connection: C,
}

impl<C> Program<C> {
    pub(super) fn new(name: &'static str, path: PathBuf) -> io::Result<Self> {
        Ok(Self {
            name,
            path,
            running: Mutex::new(None),
            folder: TempDir::new()?,
        })
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Kills the program if it is running, starts it, and waits until it responds.
    pub(super) fn restart<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
        mut answers: impl FnMut() -> Seen<C>,
    ) -> Result<(), ServerError> {
        let mut running = self.lock();
        drop(running.take());
        let mut process = Process::start(
            &self.path,
            arguments,
            self.folder(),
            &self.folder().join("log"),
        )?;
        let connection = until(format!("{} to answer", self.name), || {
            if process.has_ended()? {
                return Err(ServerError::Ended {
                    program: self.name,
                    output: process.output(),
                });
            }
            Ok(answers())
        })?;
        *running = Some(Running {
            process,
            connection,
        });
        Ok(())
    }

    pub(super) fn kill(&self) {
        drop(self.lock().take());
    }

    pub(super) fn pause(&self) -> Result<(), ServerError> {
        self.with(|running| Ok(running.process.pause()?))
    }

    pub(super) fn resume(&self) -> Result<(), ServerError> {
        self.with(|running| Ok(running.process.resume()?))
    }

    /// Calls a closure with the running program. Returns an error if it was killed.
    pub(super) fn with<T>(
        &self,
        act: impl FnOnce(&mut Running<C>) -> Result<T, ServerError>,
    ) -> Result<T, ServerError> {
        let killed = ServerError::Ended {
            program: self.name,
            output: "it was killed".to_owned(),
        };
        self.lock().as_mut().map_or(Err(killed), act)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Running<C>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts a server on a free port, or on another one if the port was taken meanwhile.
pub(super) fn at_free_port(
    distances: &[u16],
    mut start: impl FnMut(u16) -> Result<(), ServerError>,
) -> Result<(), ServerError> {
    let mut tries = 0;
    loop {
        tries += 1;
        match start(ports::free(distances)?) {
            Err(ServerError::Ended { output, .. })
                if output.contains("in use") && tries < TRIES => {}
            started => return started,
        }
    }
}
