//! Data sources that are controlled by a test.

use std::future::pending;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use pollster::block_on;
use serde_json::Value as Json;
use vexil::data_source::{
    DataSink, DataSource, DataSourceError, DataSourceErrorInfo, DataSourceErrorKind,
    DataSourceState, NotStoredError,
};
use vexil::model::{DataKind, DataSet, Item, Upserted};
use vexil::{Client, ClientBuilder, async_trait};

use super::data_set;

/// Delivers one data set and ends.
#[derive(Clone, Debug)]
pub(crate) struct Fixed(DataSet);

impl Fixed {
    pub(crate) fn new(data: &Json) -> Self {
        Self(data_set(data))
    }
}

#[async_trait]
impl DataSource for Fixed {
    fn reports_events(&self) -> bool {
        false
    }

    async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
        sink.init(self.0.clone())
            .await
            .map_err(DataSourceError::store)
    }
}

/// Never delivers.
#[derive(Clone, Debug)]
pub(crate) struct Silent;

#[async_trait]
impl DataSource for Silent {
    fn reports_events(&self) -> bool {
        false
    }

    async fn run(&self, _: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
        pending().await
    }
}

/// Passes its sink to the test and does nothing else until it is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Controlled(Sender<Arc<dyn DataSink>>);

#[async_trait]
impl DataSource for Controlled {
    fn reports_events(&self) -> bool {
        false
    }

    async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
        self.0.send(sink).unwrap();
        pending().await
    }
}

/// The operations of a source, run by a test on its own thread.
#[derive(Debug)]
pub(crate) struct Controls(Arc<dyn DataSink>);

/// A client without data, and the controls of its source.
pub(crate) fn controlled() -> (Client, Controls) {
    controlled_with(Client::builder("sdk-key"))
}

/// Like [`controlled`], with a configuration.
pub(crate) fn controlled_with(builder: ClientBuilder) -> (Client, Controls) {
    let (source, controls) = controlled_source();
    let client = builder.data_source(source).start().unwrap();
    (client, controls())
}

/// A source, and its controls once a client has been started with it.
pub(crate) fn controlled_source() -> (Controlled, impl FnOnce() -> Controls) {
    let (sinks, sink) = channel();
    (Controlled(sinks), move || {
        Controls(sink.try_recv().unwrap())
    })
}

impl Controls {
    #[track_caller]
    pub(crate) fn init(&self, data: &Json) {
        self.try_init(data).unwrap();
    }

    pub(crate) fn try_init(&self, data: &Json) -> Result<(), NotStoredError> {
        block_on(self.0.init(data_set(data)))
    }

    #[track_caller]
    pub(crate) fn flag(&self, key: &str, flag: &Json) -> Upserted {
        self.upsert(Item::from_json(DataKind::Flag, key, flag.to_string().as_bytes()).unwrap())
            .unwrap()
    }

    #[track_caller]
    pub(crate) fn segment(&self, key: &str, segment: &Json) -> Upserted {
        self.upsert(
            Item::from_json(DataKind::Segment, key, segment.to_string().as_bytes()).unwrap(),
        )
        .unwrap()
    }

    #[track_caller]
    pub(crate) fn delete(&self, kind: DataKind, key: &str, version: u64) -> Upserted {
        self.upsert(Item::deleted(kind, key, version)).unwrap()
    }

    pub(crate) fn upsert(&self, item: Item) -> Result<Upserted, NotStoredError> {
        block_on(self.0.upsert(item))
    }

    pub(crate) fn environment_id(&self, id: &str) {
        self.0.set_environment_id(id.into());
    }

    pub(crate) fn status(&self, state: DataSourceState) {
        self.0.update_status(state, None);
    }

    /// Reports an HTTP error status of the service.
    pub(crate) fn response(&self, status: u16) {
        let mut error = DataSourceErrorInfo::new(
            DataSourceErrorKind::ErrorResponse,
            format!("status {status}"),
        );
        error.status_code = Some(status);
        self.0
            .update_status(DataSourceState::Interrupted, Some(error));
    }

    pub(crate) fn network_error(&self, state: DataSourceState, message: &str) {
        self.0.update_status(
            state,
            Some(DataSourceErrorInfo::new(
                DataSourceErrorKind::NetworkError,
                message,
            )),
        );
    }
}

/// How a source ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Done,
    Error,
    Panic,
}

/// Ends, at once or only after its first poll, with or without having delivered.
#[derive(Clone, Debug)]
pub(crate) struct Ending {
    pub(crate) end: End,
    pub(crate) late: bool,
    pub(crate) data: Option<DataSet>,
}

#[async_trait]
impl DataSource for Ending {
    fn reports_events(&self) -> bool {
        false
    }

    async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
        if let Some(data) = &self.data {
            sink.init(data.clone())
                .await
                .map_err(DataSourceError::store)?;
        }
        if self.late {
            tokio::task::yield_now().await;
        }
        match self.end {
            End::Done => Ok(()),
            End::Error => Err(DataSourceError::new(
                DataSourceErrorKind::ErrorResponse,
                "the key was refused",
            )),
            End::Panic => panic!("this source always panics"),
        }
    }
}

/// Delivers, then runs until it is dropped, and signals the drop.
#[derive(Clone, Debug)]
pub(crate) struct Guarded {
    data: DataSet,
    dropped: Sender<()>,
}

impl Guarded {
    pub(crate) fn new(data: &Json) -> (Self, Receiver<()>) {
        let (dropped, is_dropped) = channel();
        (
            Self {
                data: data_set(data),
                dropped,
            },
            is_dropped,
        )
    }
}

#[async_trait]
impl DataSource for Guarded {
    fn reports_events(&self) -> bool {
        false
    }

    async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
        let _guard = OnDrop(self.dropped.clone());
        sink.init(self.data.clone())
            .await
            .map_err(DataSourceError::store)?;
        pending().await
    }
}

struct OnDrop(Sender<()>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        // The test may have ended already.
        self.0.send(()).ok();
    }
}
