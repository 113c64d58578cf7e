//! [`Host`]: where the servers of a group run, on this machine or in a container.

use std::ffi::OsString;
use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::process::{ChildProcess, Process};
use super::{ServerError, ServerKind};
use crate::ports;

/// How many ports are tried if other processes take them first.
pub(super) const TRIES: usize = 5;

/// Where servers run that reach each other at 127.0.0.1.
#[derive(Clone, Debug)]
pub(super) enum Host {
    /// This machine, which has the program at this path.
    Machine(PathBuf),
    #[cfg(feature = "containers")]
    Container(std::sync::Arc<super::container::Container>),
}

impl Host {
    pub(super) fn kind(&self) -> ServerKind {
        match self {
            Self::Machine(_) => ServerKind::Program,
            #[cfg(feature = "containers")]
            Self::Container(_) => ServerKind::Container,
        }
    }

    /// Returns a place with its own folder for one program.
    pub(super) fn place(&self) -> Result<Box<dyn Place>, ServerError> {
        Ok(match self {
            Self::Machine(program) => Box::new(LocalPlace {
                program: program.clone(),
                folder: TempDir::new()?,
            }),
            #[cfg(feature = "containers")]
            Self::Container(container) => Box::new(container.place()?),
        })
    }

    /// Starts a server on a free port. On this machine another process may take the port
    /// meanwhile; another one is tried then. The ports of a container are its own.
    pub(super) fn at_free_port(
        &self,
        distances: &[u16],
        mut start: impl FnMut(u16) -> Result<(), ServerError>,
    ) -> Result<(), ServerError> {
        #[cfg(feature = "containers")]
        if let Self::Container(container) = self {
            return start(container.next_port()?);
        }
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
}

/// An image of containers, and the program that runs in it.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(
    not(feature = "containers"),
    expect(dead_code, reason = "only containers have images")
)]
pub(super) struct Image {
    /// The variable that names another image.
    pub(super) variable: &'static str,
    pub(super) default: &'static str,
    pub(super) program: &'static str,
}

/// A folder, and the ability to start a program in it.
pub(super) trait Place: Debug + Send + Sync {
    /// Returns the folder, as the program sees it.
    fn folder(&self) -> &Path;

    /// Writes a file of the folder, and returns its path as the program sees it.
    fn write(&self, name: &str, text: &str) -> Result<PathBuf, ServerError>;

    /// Starts the program. Its output goes to a log.
    fn start(&self, arguments: &[OsString]) -> Result<Box<dyn Process>, ServerError>;
}

/// A folder of this machine.
#[derive(Debug)]
struct LocalPlace {
    program: PathBuf,
    folder: TempDir,
}

impl Place for LocalPlace {
    fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, name: &str, text: &str) -> Result<PathBuf, ServerError> {
        let path = self.folder().join(name);
        fs::write(&path, text)?;
        Ok(path)
    }

    fn start(&self, arguments: &[OsString]) -> Result<Box<dyn Process>, ServerError> {
        let log = self.folder().join("log");
        let process = ChildProcess::start(&self.program, arguments, self.folder(), &log)?;
        Ok(Box::new(process))
    }
}
