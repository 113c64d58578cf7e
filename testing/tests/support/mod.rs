//! Shared by the tests of data sources: a recording sink, and stores with particular behaviour.

use std::fmt;
use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use vexil::data_source::{
    DataSink, DataSource, DataSourceError, DataSourceErrorInfo, DataSourceState, NotStoredError,
};
use vexil::model::{DataSet, Item, Upserted};
use vexil::store::{DataStore, MemoryStore, Snapshot, StoreError};
use vexil_testing::TestData;

/// Records its calls, one line per call.
#[derive(Default)]
pub(crate) struct Recorder {
    lines: Mutex<Vec<String>>,
    /// Called before the initial data is stored.
    before_init: Option<Box<dyn Fn() + Send + Sync>>,
}

impl Recorder {
    pub(crate) fn new(before_init: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            lines: Mutex::default(),
            before_init: Some(Box::new(before_init)),
        }
    }

    /// Returns the calls since the last call of this method.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.lines.lock().unwrap())
    }

    fn add(&self, line: String) {
        self.lines.lock().unwrap().push(line);
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recorder")
    }
}

fn line(item: &Item) -> String {
    let deleted = match item {
        Item::Flag(entry) => entry.present().is_none(),
        Item::Segment(entry) => entry.present().is_none(),
    };
    let deleted = if deleted { " deleted" } else { "" };
    format!("{} {} {}{deleted}", item.kind(), item.key(), item.version())
}

#[vexil::async_trait]
impl DataSink for Recorder {
    async fn init(&self, data: DataSet) -> Result<(), NotStoredError> {
        if let Some(act) = &self.before_init {
            act();
        }
        let items = data
            .flags
            .into_iter()
            .map(Item::Flag)
            .chain(data.segments.into_iter().map(Item::Segment));
        let lines: Vec<_> = items.map(|item| line(&item)).collect();
        self.add(format!("init [{}]", lines.join(", ")));
        Ok(())
    }

    async fn upsert(&self, item: Item) -> Result<Upserted, NotStoredError> {
        self.add(line(&item));
        Ok(Upserted::Written)
    }

    fn update_status(&self, state: DataSourceState, error: Option<DataSourceErrorInfo>) {
        self.add(format!(
            "{state:?} {}",
            error.map(|error| error.message).unwrap_or_default()
        ));
    }
}

/// A data source that runs until this is dropped.
pub(crate) type Running = Pin<Box<dyn Future<Output = Result<(), DataSourceError>> + Send>>;

/// Attaches a recorder as a client would.
pub(crate) fn attach(data: &TestData) -> (Arc<Recorder>, Running) {
    let recorder = Arc::new(Recorder::default());
    let running = attach_as(data, &recorder);
    (recorder, running)
}

/// Attaches this recorder.
pub(crate) fn attach_as(data: &TestData, recorder: &Arc<Recorder>) -> Running {
    let (source, sink) = (data.clone(), Arc::clone(recorder));
    let mut running: Running = Box::pin(async move { source.run(sink).await });
    let polled = running
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending(), "test data never ends by itself");
    running
}

/// The behaviour of a [`Habitual`] store.
pub(crate) enum Habit {
    /// Is pending at the first poll of each call.
    Hesitate,
    /// Never completes a call.
    Hang,
    /// Sends a message when it is dropped.
    SayGoodbye(Sender<()>),
    /// Fails every write.
    Fail,
}

/// An in-memory store with a particular behaviour.
pub(crate) struct Habitual {
    pub(crate) habit: Habit,
    pub(crate) store: MemoryStore,
}

impl Habitual {
    pub(crate) fn new(habit: Habit) -> Arc<Self> {
        Arc::new(Self {
            habit,
            store: MemoryStore::new(),
        })
    }

    async fn act(&self) -> Result<(), StoreError> {
        match &self.habit {
            Habit::Hesitate => yield_once().await,
            Habit::Hang => pending().await,
            Habit::Fail => return Err(StoreError::Timeout),
            Habit::SayGoodbye(_) => {}
        }
        Ok(())
    }
}

impl fmt::Debug for Habitual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Habitual")
    }
}

impl Drop for Habitual {
    fn drop(&mut self) {
        if let Habit::SayGoodbye(to) = &self.habit {
            to.send(()).unwrap();
        }
    }
}

#[vexil::async_trait]
impl DataStore for Habitual {
    fn read(&self, reader: &mut dyn FnMut(&dyn Snapshot)) {
        self.store.read(reader);
    }

    fn is_initialized(&self) -> bool {
        self.store.is_initialized()
    }

    async fn init(&self, data: DataSet) -> Result<(), StoreError> {
        self.act().await?;
        self.store.init(data).await
    }

    async fn upsert(&self, item: Item) -> Result<Upserted, StoreError> {
        self.act().await?;
        self.store.upsert(item).await
    }

    async fn close(&self) {
        self.store.close().await;
    }
}

/// Is pending once, then ready.
pub(crate) async fn yield_once() {
    let mut yielded = false;
    poll_fn(|cx| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
