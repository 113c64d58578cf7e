//! [`DynamoDbLocal`]: DynamoDB Local, from the npm package `amplify-dynamodb-simulator`.

use std::env;
use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{self, PathBuf};
use std::time::Duration;

use super::find::{find, find_in_target};
use super::host::{Host, Image};
use super::kind::{Found, host};
use super::program::Program;
use super::wait::Seen;
use super::{ServerError, ServerKind};

const PROGRAM: &str = "DynamoDB Local";
const JAR: &str = "DynamoDBLocal.jar";
const UNPACKED: &str = "servers/amplify-dynamodb-simulator/emulator/DynamoDBLocal.jar";

const INSTALL_JAR: &str = "DynamoDBLocal.jar was not found: run scripts/install-servers, which unpacks the npm package \
    amplify-dynamodb-simulator into target/servers, or name the folder of the file in VEXIL_DYNAMODB_LOCAL";
const INSTALL_JAVA: &str = "java was not found: DynamoDB Local needs Java 17 or later, which the Debian package \
    default-jre-headless has";

const CONTAINER: Image = Image {
    variable: "VEXIL_DYNAMODB_IMAGE",
    default: "docker.io/amazon/dynamodb-local:latest",
    program: "java",
};
#[cfg(feature = "containers")]
const JAR_IN_IMAGE: &str = "/home/dynamodblocal/DynamoDBLocal.jar";

/// A private in-memory DynamoDB Local, with one database for all regions and credentials.
///
/// As a program it listens on every address of the machine: it has no setting for that.
#[derive(Debug)]
pub struct DynamoDbLocal {
    port: u16,
    jar: PathBuf,
    host: Host,
    java: Program<()>,
}

impl DynamoDbLocal {
    /// Starts the server on a free port. It accepts requests when this returns.
    ///
    /// # Errors
    /// Returns an error if the server is not available, with instructions; or if it does not start.
    pub fn start() -> Result<Self, ServerError> {
        let jar = jar();
        let program = || {
            Ok(match (find("java"), &jar) {
                (None, _) => Found::No(INSTALL_JAVA.to_owned()),
                (_, None) => Found::No(INSTALL_JAR.to_owned()),
                (Some(java), Some(_)) => Found::Yes(Host::Machine(java)),
            })
        };
        let host = host(PROGRAM, None, &program, CONTAINER, 1)?;
        let jar = match &host {
            // The program runs in a separate working directory.
            Host::Machine(_) => path::absolute(jar.unwrap_or_default())?,
            #[cfg(feature = "containers")]
            Host::Container(_) => PathBuf::from(JAR_IN_IMAGE),
        };
        let mut server = Self {
            port: 0,
            jar,
            java: Program::new(PROGRAM, &host)?,
            host: host.clone(),
        };
        host.at_free_port(&[], |port| {
            server.port = port;
            server.restart()
        })?;
        Ok(server)
    }

    /// Whether the server is a program of this machine or in a container.
    #[must_use]
    pub fn kind(&self) -> ServerKind {
        self.host.kind()
    }

    /// Returns the server's URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Returns the server's port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Kills the server. Its connections close, its port refuses connections, and its tables are
    /// lost. For a server in a container, the engine may accept connections and close them at once.
    pub fn kill(&self) {
        self.java.kill();
    }

    /// Starts the server again on the same port, with no tables. Kills it first if it is running.
    ///
    /// # Errors
    /// Returns an error if it does not start.
    pub fn restart(&self) -> Result<(), ServerError> {
        let port = self.port.to_string();
        // Native libraries, in a folder beside the jar.
        let libraries = format!(
            "-Djava.library.path={}",
            self.jar.with_file_name("DynamoDBLocal_lib").display()
        );
        let jar = self.jar.display().to_string();
        let arguments = [
            &libraries,
            "-jar",
            &jar,
            "-inMemory",
            "-disableTelemetry",
            "-sharedDb",
            "-port",
            &port,
        ];
        self.java.restart(&arguments.map(OsString::from), || {
            if self.answers() {
                Seen::Yes(())
            } else {
                Seen::NotYet("no answer".to_owned())
            }
        })
    }

    /// Suspends the server: connections stay open but silent, until [`Self::resume`] is called.
    ///
    /// # Errors
    /// Returns an error if the server is not running.
    pub fn pause(&self) -> Result<(), ServerError> {
        self.java.pause()
    }

    /// Resumes the server after [`Self::pause`].
    ///
    /// # Errors
    /// Returns an error if the server is not running.
    pub fn resume(&self) -> Result<(), ServerError> {
        self.java.resume()
    }

    /// Whether the server speaks HTTP. Any response to a request without credentials counts.
    fn answers(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)) else {
            return false;
        };
        let mut answer = [0; 5];
        stream
            .set_read_timeout(Some(Duration::from_secs(5)))
            .is_ok()
            && stream
                .write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
                .is_ok()
            && stream.read_exact(&mut answer).is_ok()
            && &answer == b"HTTP/"
    }
}

/// Finds the server on this machine.
fn jar() -> Option<PathBuf> {
    let named = env::var_os("VEXIL_DYNAMODB_LOCAL").map(|folder| PathBuf::from(folder).join(JAR));
    named
        .filter(|jar| jar.is_file())
        .or_else(|| find_in_target(UNPACKED))
}
