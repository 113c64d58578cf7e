//! [`Program`]: a server program that can be killed and started again.

use std::ffi::OsString;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::ServerError;
use super::host::{Host, Place};
use super::process::Process;
use super::wait::{Seen, until};

/// A program with its own folder, and a connection `C` to it while it runs.
#[derive(Debug)]
pub(super) struct Program<C> {
    name: &'static str,
    /// `None` while the program is killed. Locked during a whole call, so that no thread uses a
    /// program that another thread restarts.
    running: Mutex<Option<Running<C>>>,
    /// Declared last, so that the folder is removed after the process that writes to it has ended.
    place: Box<dyn Place>,
}

#[derive(Debug)]
pub(super) struct Running<C> {
    process: Box<dyn Process>,
    pub(super) connection: C,
}

impl<C> Program<C> {
    pub(super) fn new(name: &'static str, host: &Host) -> Result<Self, ServerError> {
        Ok(Self {
            name,
            running: Mutex::new(None),
            place: host.place()?,
        })
    }

    pub(super) fn place(&self) -> &dyn Place {
        &*self.place
    }

    /// Kills the program if it is running, starts it, and waits until it responds.
    pub(super) fn restart(
        &self,
        arguments: &[OsString],
        mut answers: impl FnMut() -> Seen<C>,
    ) -> Result<(), ServerError> {
        let mut running = self.lock();
        drop(running.take());
        let mut process = self.place.start(arguments)?;
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
        self.with(|running| running.process.pause())
    }

    pub(super) fn resume(&self) -> Result<(), ServerError> {
        self.with(|running| running.process.resume())
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
