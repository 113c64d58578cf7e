//! A sink that records its calls.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;
use vexil::data_source::{
    DataSink, DataSourceErrorInfo, DataSourceErrorKind, DataSourceState, NotStoredError,
};
use vexil::model::{DataSet, Item, Upserted};
use vexil::{Text, async_trait};

/// Records its calls, one line for each.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    seen: Mutex<Vec<String>>,
    errors: Mutex<Vec<DataSourceErrorInfo>>,
    /// How many of the next updates fail.
    failures: AtomicUsize,
    refresh: Notify,
}

impl Recorder {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// A sink whose first updates fail.
    pub(crate) fn failing(failures: usize) -> Arc<Self> {
        Arc::new(Self {
            failures: AtomicUsize::new(failures),
            ..Self::default()
        })
    }

    /// Requests a complete data set.
    pub(crate) fn request_refresh(&self) {
        self.refresh.notify_one();
    }

    /// All calls, such as `init f:1`, `upsert f:2`, `delete f:3`, `interrupted ErrorResponse 401`,
    /// `valid` and `environment e`.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    /// Only the states and their errors.
    pub(crate) fn states(&self) -> Vec<String> {
        let is_state = |line: &String| {
            ["interrupted", "valid", "off"]
                .iter()
                .any(|state| line.starts_with(state))
        };
        self.seen().into_iter().filter(is_state).collect()
    }

    pub(crate) fn errors(&self) -> Vec<DataSourceErrorInfo> {
        self.errors.lock().unwrap().clone()
    }

    fn see(&self, line: String) {
        self.seen.lock().unwrap().push(line);
    }

    fn store(&self) -> Result<(), NotStoredError> {
        let fewer = |left: usize| left.checked_sub(1);
        match self
            .failures
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer)
        {
            Ok(_) => Err(NotStoredError::new("the disk is full")),
            Err(_) => Ok(()),
        }
    }
}

#[async_trait]
impl DataSink for Recorder {
    async fn init(&self, data: DataSet) -> Result<(), NotStoredError> {
        let flags = data
            .flags
            .iter()
            .map(|flag| format!(" {}:{}", flag.key(), flag.version()));
        let segments = data
            .segments
            .iter()
            .map(|segment| format!(" segment {}:{}", segment.key(), segment.version()));
        self.see(format!("init{}", flags.chain(segments).collect::<String>()));
        self.store()
    }

    async fn upsert(&self, item: Item) -> Result<Upserted, NotStoredError> {
        let present = match &item {
            Item::Flag(entry) => entry.present().is_some(),
            Item::Segment(entry) => entry.present().is_some(),
        };
        let verb = if present { "upsert" } else { "delete" };
        self.see(format!("{verb} {}:{}", item.key(), item.version()));
        self.store().map(|()| Upserted::Written)
    }

    async fn refresh_requested(&self) {
        self.refresh.notified().await;
        self.see("refresh".to_owned());
    }

    fn update_status(&self, state: DataSourceState, error: Option<DataSourceErrorInfo>) {
        let mut line = format!("{state:?}").to_lowercase();
        if let Some(error) = error {
            let DataSourceErrorInfo {
                kind, status_code, ..
            } = &error;
            assert_eq!(
                *kind == DataSourceErrorKind::ErrorResponse,
                status_code.is_some()
            );
            line = format!("{line} {kind:?}");
            if let Some(status) = status_code {
                line = format!("{line} {status}");
            }
            self.errors.lock().unwrap().push(error);
        }
        self.see(line);
    }

    fn set_environment_id(&self, id: Text) {
        self.see(format!("environment {id}"));
    }
}
