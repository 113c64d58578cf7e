//! [`Engine`]: the command of Docker or Podman.

use std::collections::HashMap;
use std::env;
use std::ffi::OsStr;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::super::ServerError;
use super::super::find::find;
use super::super::kind::Found;
use super::super::process::last_lines;

/// Names the engine: a program on the `PATH`, or a path.
const VARIABLE: &str = "VEXIL_CONTAINER_ENGINE";
const USUAL: [&str; 2] = ["docker", "podman"];

/// The timeout of a command of the engine.
const COMMAND: Duration = Duration::from_secs(60);
/// The timeout of fetching an image.
const PULL: Duration = Duration::from_secs(600);

/// An engine that responds.
#[derive(Clone, Debug)]
pub(super) struct Engine(PathBuf);

impl Engine {
    /// Finds an engine that has the image or can fetch it.
    pub(super) fn with_image(image: &str) -> Result<Found<Self>, ServerError> {
        static READY: Mutex<Option<HashMap<String, Engine>>> = Mutex::new(None);
        // Locked while the image is fetched, so that concurrent callers wait for it.
        let mut ready = READY.lock().unwrap_or_else(PoisonError::into_inner);
        let ready = ready.get_or_insert_default();
        if let Some(engine) = ready.get(image) {
            return Ok(Found::Yes(engine.clone()));
        }
        let engine = match Self::find()? {
            Found::Yes(engine) => engine,
            Found::No(reason) => return Ok(Found::No(reason)),
        };
        if engine.run(["image", "inspect", image], COMMAND).is_err()
            && let Err(error) = engine.run(["pull", "--quiet", image], PULL)
        {
            return Ok(Found::No(error.to_string()));
        }
        ready.insert(image.to_owned(), engine.clone());
        Ok(Found::Yes(engine))
    }

    fn find() -> Result<Found<Self>, ServerError> {
        let named = env::var(VARIABLE).ok().filter(|name| !name.is_empty());
        let names = named.as_deref().map_or(&USUAL[..], |_| &[]);
        let mut reasons = Vec::new();
        for name in named.as_deref().iter().chain(names) {
            let Some(program) = find(name) else {
                reasons.push(format!("{name} was not found"));
                continue;
            };
            let engine = Self(program);
            // Of Docker, the command without its service is of no use.
            match engine.run(["version"], COMMAND) {
                Ok(_) => return Ok(Found::Yes(engine)),
                Err(error) => reasons.push(error.to_string()),
            }
        }
        if named.is_none() {
            reasons.push(format!("{VARIABLE} may name an engine"));
        }
        Ok(Found::No(reasons.join(", ")))
    }

    /// Returns a command of the engine.
    pub(super) fn command(&self) -> Command {
        Command::new(&self.0)
    }

    /// Removes a container, which may not exist.
    pub(super) fn remove(&self, container: &str) {
        let _ = self.run(["rm", "--force", container], COMMAND);
    }

    /// Runs a command of the engine to its end.
    fn run<const N: usize>(
        &self,
        arguments: [&str; N],
        timeout: Duration,
    ) -> Result<(), ServerError> {
        let failed = |output: &str| ServerError::Engine {
            command: format!("{} {}", self.name(), arguments.join(" ")),
            output: last_lines(output),
        };
        let output = tempfile::NamedTempFile::new()?;
        let mut child = self
            .command()
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(output.reopen()?)
            .spawn()?;
        let deadline = Instant::now() + timeout;
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if Instant::now() >= deadline {
                child.kill()?;
                child.wait()?;
                return Err(failed(&format!("it did not end within {timeout:?}")));
            }
            thread::sleep(Duration::from_millis(10));
        };
        if status.success() {
            return Ok(());
        }
        let mut text = String::new();
        output.reopen()?.read_to_string(&mut text)?;
        Err(failed(&text))
    }

    fn name(&self) -> String {
        let name = self.0.file_name().unwrap_or(OsStr::new("engine"));
        name.to_string_lossy().into_owned()
    }
}
