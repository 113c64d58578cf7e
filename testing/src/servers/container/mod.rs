//! [`Container`]: a container whose shell starts servers on command of the test.
//!
//! The client of the engine is a child process, attached to the shell. When the test process ends,
//! however it ends, the shell reads the end of its input and exits, which ends the container, and
//! the engine removes it (`--rm`). So no other process has to watch the test.
//!
//! The servers of a group share a container, and its ports have the same numbers inside and outside.
//! So 127.0.0.1 and a port are the address of a server for the test and for the other servers of the
//! group: cluster nodes and sentinels can announce it to clients, on every system.

mod engine;
mod shell;

use std::env;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::engine::Engine;
use self::shell::{Shell, quoted};
use super::ServerError;
use super::host::{Host, Image, Place, TRIES};
use super::kind::Found;
use super::process::{Process, last_lines};
use crate::ports;

/// A folder in memory that every user of the container may write to.
const FOLDER: &str = "/vexil";

/// The label of all containers, for `docker ps --filter label=vexil-testing`. Its value is the
/// process id of the test.
const LABEL: &str = "vexil-testing";

/// A running container. It is removed when this is dropped or the test process ends.
#[derive(Debug)]
pub(super) struct Container {
    program: &'static str,
    /// The address at which other containers reach this one.
    address: String,
    ports: Vec<u16>,
    /// How many ports are in use.
    used: AtomicUsize,
    /// How many folders exist.
    folders: AtomicUsize,
    shell: Mutex<Shell>,
}

impl Container {
    /// Starts a container with a number of ports, if there is an engine and the image.
    pub(super) fn start(image: Image, ports: usize) -> Result<Found<Host>, ServerError> {
        let named = env::var(image.variable)
            .ok()
            .filter(|name| !name.is_empty());
        let name = named.as_deref().unwrap_or(image.default);
        let engine = match Engine::with_image(name)? {
            Found::Yes(engine) => engine,
            Found::No(reason) => {
                let help = image.variable;
                return Ok(Found::No(format!(
                    "{reason} ({help} may name another image)"
                )));
            }
        };
        let mut tries = 0;
        loop {
            tries += 1;
            match Self::run(&engine, name, image.program, free_ports(ports)?) {
                Err(ServerError::Engine { output, .. })
                    if tries < TRIES
                        && (output.contains("in use") || output.contains("allocated")) => {}
                started => return Ok(Found::Yes(Host::Container(Arc::new(started?)))),
            }
        }
    }

    fn run(
        engine: &Engine,
        image: &str,
        program: &'static str,
        ports: Vec<u16>,
    ) -> Result<Self, ServerError> {
        let name = format!("vexil-testing-{}-{:08x}", process::id(), fastrand::u32(..));
        let mut command = engine.command();
        command.args(["run", "--rm", "--interactive", "--pull", "never"]);
        command.args(["--name", &name, "--hostname", &name]);
        command.args(["--label", &format!("{LABEL}={}", process::id())]);
        command.args(["--log-driver", "none", "--network", "bridge"]);
        command.args(["--tmpfs", &format!("{FOLDER}:rw,mode=1777")]);
        for port in &ports {
            command.args(["--publish", &format!("127.0.0.1:{port}:{port}")]);
        }
        command.args(["--entrypoint", "sh", image]);

        let mut shell = Shell::start(engine.clone(), name.clone(), command)?;
        let address = shell.run(&format!("own_address {}", quoted(&name)))?;
        Ok(Self {
            program,
            address: address.trim().to_owned(),
            ports,
            used: AtomicUsize::new(0),
            folders: AtomicUsize::new(0),
            shell: Mutex::new(shell),
        })
    }

    /// Returns the address at which other containers reach this one.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Returns a port that no server of this container has.
    pub(super) fn next_port(&self) -> Result<u16, ServerError> {
        let next = self.used.fetch_add(1, Ordering::Relaxed);
        let port = self.ports.get(next).copied();
        port.ok_or_else(|| other("the container has no further port"))
    }

    /// Makes a folder for one server.
    pub(super) fn place(self: &Arc<Self>) -> Result<ContainerPlace, ServerError> {
        let number = self.folders.fetch_add(1, Ordering::Relaxed);
        let folder = PathBuf::from(format!("{FOLDER}/{number}"));
        self.shell().run(&format!("mkdir {}", folder.display()))?;
        Ok(ContainerPlace {
            container: Arc::clone(self),
            folder,
        })
    }

    fn shell(&self) -> MutexGuard<'_, Shell> {
        self.shell.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn other(message: &str) -> ServerError {
    io::Error::other(message.to_owned()).into()
}

/// Finds free ports for a container.
fn free_ports(count: usize) -> Result<Vec<u16>, ServerError> {
    let mut found: Vec<u16> = Vec::new();
    while found.len() < count {
        let port = ports::free(&[])?;
        if !found.contains(&port) {
            found.push(port);
        }
    }
    Ok(found)
}

/// A folder of a container.
#[derive(Debug)]
pub(super) struct ContainerPlace {
    container: Arc<Container>,
    folder: PathBuf,
}

impl Place for ContainerPlace {
    fn folder(&self) -> &Path {
        &self.folder
    }

    fn write(&self, name: &str, text: &str) -> Result<PathBuf, ServerError> {
        let path = self.folder.join(name);
        let to = quoted(&path.to_string_lossy());
        let command = format!("printf %s {} >{to}", quoted(text));
        self.container.shell().run(&command)?;
        Ok(path)
    }

    fn start(&self, arguments: &[OsString]) -> Result<Box<dyn Process>, ServerError> {
        let folder = self.folder.to_string_lossy().into_owned();
        let mut command = format!("begin {} {}", quoted(&folder), self.container.program);
        for argument in arguments {
            command.push(' ');
            command.push_str(&quoted(&argument.to_string_lossy()));
        }
        let answer = self.container.shell().run(&command)?;
        let pid = answer.trim().parse();
        Ok(Box::new(ContainerProcess {
            container: Arc::clone(&self.container),
            folder,
            pid: pid.map_err(|_| other("the container's shell did not print the process id"))?,
        }))
    }
}

/// A program in a container. It is killed when this is dropped.
#[derive(Debug)]
struct ContainerProcess {
    container: Arc<Container>,
    folder: String,
    pid: u32,
}

impl ContainerProcess {
    fn run(&self, function: &str) -> Result<String, ServerError> {
        let command = format!("{function} {}", self.pid);
        self.container.shell().run(&command)
    }
}

impl Process for ContainerProcess {
    fn has_ended(&mut self) -> Result<bool, ServerError> {
        Ok(self.run("ended")?.trim() == "yes")
    }

    fn output(&self) -> String {
        let log = self
            .container
            .shell()
            .run(&format!("print_log {}", quoted(&self.folder)));
        log.map_or_else(|error| error.to_string(), |log| last_lines(&log))
    }

    fn pause(&mut self) -> Result<(), ServerError> {
        self.run("pause").map(drop)
    }

    fn resume(&mut self) -> Result<(), ServerError> {
        self.run("resume").map(drop)
    }
}

impl Drop for ContainerProcess {
    fn drop(&mut self) {
        // Fails only if the container has ended, and its programs with it.
        let _ = self.run("end");
    }
}
