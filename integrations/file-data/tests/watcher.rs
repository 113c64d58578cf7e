//! The watcher for programs that read files themselves.

#![cfg(test)]

use std::error::Error;
use std::fs;

use vexil_file_data::FileData;

#[tokio::test]
async fn a_watch_that_has_begun_reports_only_changes() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("flags.yaml");
    fs::write(&path, "flagValues: { theme: light }")?;
    let mut watcher = FileData::path(&path).build()?.watcher();
    watcher.begin().await;

    // Longer than the watch needs to begin, which is one task on another thread.
    let much_else = async {
        for _ in 0..100 {
            tokio::task::spawn_blocking(|| ()).await?;
        }
        Ok::<_, tokio::task::JoinError>(())
    };
    tokio::select! {
        () = watcher.changed() => panic!("nothing has changed"),
        done = much_else => done?,
    }

    fs::write(&path, "flagValues: { theme: dark }")?;
    watcher.changed().await;
    Ok(())
}
