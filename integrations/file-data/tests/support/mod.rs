//! Helpers for the tests of this crate.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use tempfile::TempDir;
use vexil::config::Configure;
use vexil::data_source::{DataSource, DataSourceState, DataSourceStatus};
use vexil::{Client, Context, Subscription, Value};
use vexil_file_data::{FileData, FileDataError};

/// Longer than any step takes, even on a busy machine.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// A directory of flag files.
#[derive(Debug)]
pub(crate) struct Files(TempDir);

impl Files {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn root(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Writes a temporary file and renames it over the file, as editors do.
    pub(crate) fn replace(&self, name: &str, text: &str) {
        std::fs::rename(self.write(".new", text), self.path(name)).unwrap();
    }
}

/// Loads one file with this text.
pub(crate) fn load(text: impl AsRef<[u8]>) -> Result<Client, FileDataError> {
    let files = Files::new();
    let data = FileData::path(files.write("flags", text)).build()?;
    data.load()?;
    Ok(start(data))
}

pub(crate) fn refused(text: impl AsRef<[u8]>) -> FileDataError {
    load(text).expect_err("the file is refused")
}

pub(crate) fn start(data: impl Configure<dyn DataSource>) -> Client {
    Client::builder("sdk-key")
        .data_source(data)
        .start()
        .unwrap()
}

pub(crate) fn value(client: &Client, key: &str) -> Value {
    client.json_variation(key, &Context::new("ada").unwrap(), Value::from("default"))
}

/// Receives the keys of flags that change from now on.
pub(crate) fn changes(client: &Client) -> Receiver<String> {
    let (send, receive) = mpsc::channel();
    client
        .flag_tracker()
        .add_listener(move |change| drop(send.send(change.key.to_string())));
    receive
}

/// The next status with a new error or a new state.
pub(crate) fn next(statuses: &mut Subscription<DataSourceStatus>) -> DataSourceStatus {
    statuses.blocking_next(TIMEOUT).expect("the status changes")
}

/// The next status with this state.
pub(crate) fn next_in(
    statuses: &mut Subscription<DataSourceStatus>,
    state: DataSourceState,
) -> DataSourceStatus {
    loop {
        let status = next(statuses);
        if status.state == state {
            return status;
        }
    }
}
