//! [`EventFile`]: appends payloads to a file, one event per line.
//!
//! The file is opened for each payload, so that it may be moved away while the client runs. Writes
//! run on the blocking pool. A payload that cannot be written is dropped and counted, like one that
//! the service rejects.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use super::delivery::{Delivered, DeliveryStats};
use crate::runtime::Runtime;

pub(crate) struct EventFile {
    runtime: Runtime,
    file: Arc<RotatingFile>,
    stats: Arc<DeliveryStats>,
}

struct RotatingFile {
    path: PathBuf,
    /// Where a full file is moved to.
    full: PathBuf,
    most_bytes: u64,
    /// Held while a payload is written, on the blocking pool, so that payloads do not interleave.
    writing: Mutex<()>,
}

impl EventFile {
    /// Opens the file at `path` for appending, and creates it if it does not exist.
    ///
    /// # Errors
    /// Returns an error if the file cannot be opened for writing.
    pub(crate) fn open(runtime: Runtime, path: &Path, most_bytes: u64) -> io::Result<Self> {
        let mut full = path.as_os_str().to_owned();
        full.push(".1");
        let file = RotatingFile {
            path: path.into(),
            full: full.into(),
            most_bytes,
            writing: Mutex::default(),
        };
        file.open()?;
        Ok(Self {
            runtime,
            file: Arc::new(file),
            stats: Arc::default(),
        })
    }

    pub(super) fn stats(&self) -> &Arc<DeliveryStats> {
        &self.stats
    }

    /// Appends `count` events.
    pub(super) async fn append(&self, count: usize, body: Vec<u8>) -> Delivered {
        let (file, bytes) = (Arc::clone(&self.file), body.len());
        self.stats.count(1, bytes);
        let error = match self
            .runtime
            .spawn_blocking(move || file.append(&body))
            .finish()
            .await
        {
            Some(Ok(())) => {
                self.stats
                    .events
                    .fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
                return Delivered::Ok { server_time: None };
            }
            Some(Err(error)) => error,
            None => io::Error::other("the runtime has shut down"),
        };
        self.stats.dropped.fetch_add(1, Ordering::Relaxed);
        let path = self.file.path.display();
        tracing::warn!(%path, %error, count, bytes, "cannot write events to the file, payload dropped");
        Delivered::Dropped
    }
}

impl RotatingFile {
    fn open(&self) -> io::Result<File> {
        OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(&self.path)
    }

    fn append(&self, lines: &[u8]) -> io::Result<()> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut file = self.open()?;
        let present = file.metadata()?.len();
        let added = u64::try_from(lines.len()).unwrap_or(u64::MAX);
        if present > 0 && present.saturating_add(added) > self.most_bytes {
            drop(file);
            std::fs::rename(&self.path, &self.full)?;
            file = self.open()?;
        }
        // A partial write leaves a truncated line, which must not corrupt the next one.
        if ends_inside_a_line(&mut file)? {
            file.write_all(b"\n")?;
        }
        file.write_all(lines)
    }
}

fn ends_inside_a_line(file: &mut File) -> io::Result<bool> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(directory: &tempfile::TempDir, most_bytes: u64) -> RotatingFile {
        let path = directory.path().join("events.jsonl");
        let full = directory.path().join("events.jsonl.1");
        RotatingFile {
            path,
            full,
            most_bytes,
            writing: Mutex::default(),
        }
    }

    fn text(path: &Path) -> String {
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn a_truncated_line_does_not_corrupt_the_next_one() {
        let directory = tempfile::tempdir().unwrap();
        let file = file(&directory, u64::MAX);
        std::fs::write(&file.path, "{\"kind\":\"ind").unwrap();
        file.append(b"{}\n").unwrap();
        file.append(b"{}\n").unwrap();
        assert_eq!(text(&file.path), "{\"kind\":\"ind\n{}\n{}\n");
    }

    #[test]
    fn a_full_file_is_moved_away_and_replaces_the_previous_one() {
        let directory = tempfile::tempdir().unwrap();
        let file = file(&directory, 10);
        for line in ["one\n", "two\n", "three\n", "four\n", "five\n"] {
            file.append(line.as_bytes()).unwrap();
        }
        assert_eq!(
            (text(&file.full), text(&file.path)),
            ("three\n".to_owned(), "four\nfive\n".to_owned())
        );
        // A payload larger than the size limit is written whole.
        file.append(b"a long line\n").unwrap();
        assert_eq!(text(&file.path), "a long line\n");
    }

    #[test]
    fn a_file_that_was_moved_away_is_created_again() {
        let directory = tempfile::tempdir().unwrap();
        let file = file(&directory, u64::MAX);
        file.append(b"one\n").unwrap();
        std::fs::rename(&file.path, directory.path().join("away")).unwrap();
        file.append(b"two\n").unwrap();
        assert_eq!(text(&file.path), "two\n");
    }
}
