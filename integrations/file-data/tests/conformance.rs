//! The public conformance suite for data sources, with each way to notice changes.

#![cfg(test)]

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;
use vexil::async_trait;
use vexil::data_source::DataSource;
use vexil_file_data::FileData;
use vexil_testing::conformance::DataSourceHarness;

mod notified {
    use super::{Folder, Watch};

    vexil_testing::data_source_conformance!(
        Folder::new(Watch::Notified),
        delivery,
        changes,
        immediate,
        outages
    );
}

mod polled {
    use super::{Folder, Watch};

    vexil_testing::data_source_conformance!(
        Folder::new(Watch::Polled),
        delivery,
        changes,
        immediate,
        outages
    );
}

mod read_once {
    use super::{Folder, Watch};

    vexil_testing::data_source_conformance!(Folder::new(Watch::Off), delivery, immediate);
}

/// How changes are noticed.
enum Watch {
    Off,
    Polled,
    Notified,
}

/// A folder with one file of flags.
struct Folder {
    files: TempDir,
    watch: Watch,
    /// The last data published, and whether it is hidden by an outage.
    published: Mutex<(String, bool)>,
}

impl Folder {
    fn new(watch: Watch) -> Self {
        Self {
            files: TempDir::new().unwrap(),
            watch,
            published: Mutex::default(),
        }
    }

    fn path(&self) -> PathBuf {
        self.files.path().join("flags.json")
    }

    fn update(&self, change: impl FnOnce(&mut (String, bool))) {
        let mut published = self.published.lock().unwrap();
        change(&mut published);
        let (data, hidden) = &*published;
        let text = if *hidden { "{ not JSON" } else { data };
        // Replaced as editors do.
        let new = self.files.path().join(".new");
        fs::write(&new, text).unwrap();
        fs::rename(new, self.path()).unwrap();
    }
}

#[async_trait]
impl DataSourceHarness for Folder {
    async fn publish(&self, data: &str) {
        self.update(|published| data.clone_into(&mut published.0));
    }

    async fn source(&self) -> Arc<dyn DataSource> {
        let builder = FileData::path(self.path());
        let builder = match self.watch {
            Watch::Off => builder.watch(false),
            Watch::Polled => builder
                .watch(true)
                .force_polling(true)
                .poll_interval(Duration::from_millis(10)),
            Watch::Notified => builder.watch(true),
        };
        Arc::new(builder.build().unwrap())
    }

    async fn interrupt(&self) {
        self.update(|published| published.1 = true);
    }

    async fn restore(&self) {
        self.update(|published| published.1 = false);
    }
}
