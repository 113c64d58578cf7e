//! [`TestData`]: a data source under the test's control.
//!
//! Versions are counted under a lock, and clients told after it was released: they may be told out
//! of turn, but never fall back, since a store keeps the newest version. So nothing that hears of a
//! change can deadlock by making another.

use std::fmt;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use vexil::data_source::{
    DataSink, DataSource, DataSourceError, DataSourceErrorInfo, DataSourceState,
};
use vexil::model::{DataKind, DataSet, Flag, Item, Segment};
use vexil::{Text, Value};

use crate::clients::{Attached, Stage};
use crate::flag_builder::FlagBuilder;
use crate::preconfigured::Preconfigured;
use crate::state::State;

/// Flags in memory, which a test sets and changes: the data source of one client or many.
///
/// Clones are cheap and share everything: give one to [`ClientBuilder::data_source`] and keep one.
/// A client has the flags that are there when `start` returns. A change has reached every client
/// when the call that made it returns: evaluations see it, and change listeners are queued. Changes
/// can be made from anywhere, also from a listener.
///
/// With flags in memory, as they are by default, nothing of this waits. A store that has I/O to do
/// is waited for, so do not make changes on a thread that drives its I/O, or in the store itself.
///
/// ```
/// use vexil::{Client, Context};
/// use vexil_testing::TestData;
///
/// let data = TestData::from([("new-checkout", true), ("beta", false)]);
/// let client = Client::builder("sdk-key").data_source(data.clone()).start()?;
/// let ada = Context::new("ada")?;
/// assert!(client.bool_variation("new-checkout", &ada, false));
///
/// data.update(data.flag("beta").variation_for_user("ada", true)).set("limit", 20);
/// assert!(client.bool_variation("beta", &ada, false));
/// assert_eq!(client.int_variation("limit", &ada, 0), 20);
///
/// data.delete("limit");
/// assert_eq!(client.int_variation("limit", &ada, 0), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// [`ClientBuilder::data_source`]: vexil::ClientBuilder::data_source
#[derive(Clone, Default)]
pub struct TestData {
    /// Held for a look or a change, never while a client is called.
    state: Arc<Mutex<State>>,
}

impl TestData {
    /// No flags and no segments yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a flag that gives everybody this value; the same as [`TestData::set`], for the line
    /// that sets a test up.
    ///
    /// ```
    /// use vexil_testing::TestData;
    ///
    /// let data = TestData::new().with("banner", "hello").with("limit", 20).with("new-checkout", true);
    /// ```
    #[must_use]
    pub fn with(self, key: impl Into<Text>, value: impl Into<Value>) -> Self {
        self.set(key, value);
        self
    }

    /// Makes a flag give everybody this value, any JSON value; the flag is made if there is none.
    ///
    /// With `true` or `false` it is a boolean flag. With another value it has this one variation,
    /// which also holds while it is off. Targets and rules that were there are gone.
    pub fn set(&self, key: impl Into<Text>, value: impl Into<Value>) -> &Self {
        let flag = self.flag(key);
        self.update(match value.into() {
            Value::Bool(value) => flag.variation_for_all(value),
            value => flag.value_for_all(value),
        })
    }

    /// A builder for this flag: what [`TestData::update`] was last given for it, or else a boolean
    /// flag that gives everybody `true`, as [`FlagBuilder::new`] makes it. That also holds for a
    /// flag that came ready made.
    pub fn flag(&self, key: impl Into<Text>) -> FlagBuilder {
        let key = key.into();
        let known = self.lock().builder(&key).cloned();
        known.unwrap_or_else(|| FlagBuilder::new(key))
    }

    /// Adds or replaces the flag that the builder describes. Its version is one more than the last
    /// one of this key, also if the flag was deleted in between; the first is 1.
    pub fn update(&self, flag: FlagBuilder) -> &Self {
        let built = flag.build();
        self.publish(|state| state.put_built(flag, built))
    }

    /// Adds or replaces a flag as it is: a [`Flag`], or JSON that holds what the builder does not
    /// know.
    ///
    /// Its version is kept if it is newer than the last one of this key; else it becomes one more
    /// than that, so that versions never go back.
    ///
    /// ```
    /// use serde_json::json;
    /// use vexil_testing::TestData;
    ///
    /// let data = TestData::new();
    /// data.use_preconfigured_flag(json!({
    ///     "key": "new-checkout",
    ///     "on": true,
    ///     "variations": [true, false],
    ///     "fallthrough": {"rollout": {"variations": [
    ///         {"variation": 0, "weight": 10_000},
    ///         {"variation": 1, "weight": 90_000},
    ///     ]}},
    /// }))?;
    /// # Ok::<(), vexil_testing::PreconfiguredError>(())
    /// ```
    ///
    /// # Errors
    /// If the JSON is no flag. A [`Flag`] always is one.
    pub fn use_preconfigured_flag<F: Preconfigured<Flag>>(
        &self,
        flag: F,
    ) -> Result<&Self, F::Error> {
        let item = flag.into_item()?;
        Ok(self.publish(|state| state.put_ready(item)))
    }

    /// Adds or replaces a segment as it is: a [`Segment`], or its JSON. Flags refer to it with
    /// `segmentMatch`. Its version follows the rule of [`TestData::use_preconfigured_flag`].
    ///
    /// # Errors
    /// If the JSON is no segment. A [`Segment`] always is one.
    pub fn use_preconfigured_segment<S: Preconfigured<Segment>>(
        &self,
        segment: S,
    ) -> Result<&Self, S::Error> {
        let item = segment.into_item()?;
        Ok(self.publish(|state| state.put_ready(item)))
    }

    /// Deletes a flag, in the version after its last one. Its builder is forgotten.
    pub fn delete(&self, key: impl Into<Text>) -> &Self {
        self.publish(|state| state.delete(DataKind::Flag, key.into()))
    }

    /// Deletes a segment, in the version after its last one. Contexts are no longer in it.
    pub fn delete_segment(&self, key: impl Into<Text>) -> &Self {
        self.publish(|state| state.delete(DataKind::Segment, key.into()))
    }

    /// Reports a status, with what went wrong if anything did, to every client that is attached
    /// now.
    ///
    /// Clients treat it as they treat that of any data source: a change of flags that follows means
    /// that all is well again, and nothing follows after [`DataSourceState::Off`].
    ///
    /// ```
    /// use vexil::Client;
    /// use vexil::data_source::{DataSourceErrorInfo, DataSourceErrorKind, DataSourceState};
    /// use vexil_testing::TestData;
    ///
    /// let data = TestData::new();
    /// let client = Client::builder("sdk-key").data_source(data.clone()).start()?;
    /// let error = DataSourceErrorInfo::new(DataSourceErrorKind::NetworkError, "connection lost");
    /// data.update_status(DataSourceState::Interrupted, error);
    /// assert_eq!(client.data_source_status().status().state, DataSourceState::Interrupted);
    /// # Ok::<(), vexil::config::ConfigError>(())
    /// ```
    pub fn update_status(
        &self,
        state: DataSourceState,
        error: impl Into<Option<DataSourceErrorInfo>>,
    ) -> &Self {
        let error = error.into();
        let clients = self.lock().clients.all();
        for client in clients {
            client.tell_status(state, error.clone());
        }
        self
    }

    /// How many clients are attached: those that were started with this data and have not ended. A
    /// client that is closed or dropped detaches in the background.
    #[must_use]
    pub fn client_count(&self) -> usize {
        self.lock().clients.count()
    }

    /// Makes a change and tells the clients.
    fn publish(&self, change: impl FnOnce(&mut State) -> Item) -> &Self {
        let (item, clients) = {
            let mut state = self.lock();
            (change(&mut state), state.clients.all())
        };
        for client in clients {
            client.tell(item.clone());
        }
        self
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A whole environment, in the versions that it has; changes continue from there.
impl From<DataSet> for TestData {
    fn from(data: DataSet) -> Self {
        Self {
            state: Arc::new(Mutex::new(data.into())),
        }
    }
}

/// Flags that give everybody these values.
impl<K: Into<Text>, V: Into<Value>> FromIterator<(K, V)> for TestData {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(flags: I) -> Self {
        flags
            .into_iter()
            .fold(Self::new(), |data, (key, value)| data.with(key, value))
    }
}

/// Flags that give everybody these values.
impl<K: Into<Text>, V: Into<Value>, const N: usize> From<[(K, V); N]> for TestData {
    fn from(flags: [(K, V); N]) -> Self {
        flags.into_iter().collect()
    }
}

/// For each client that runs it, an instance of its own, which ends with the client.
#[vexil::async_trait]
impl DataSource for TestData {
    /// Evaluations of flags that are made up are of no use to the service.
    fn reports_events(&self) -> bool {
        false
    }

    async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
        let (attachment, data) = Attachment::new(self, &sink);
        sink.init(data).await.map_err(DataSourceError::store)?;
        attachment.client.enter(Stage::Started);
        pending().await
    }
}

impl fmt::Debug for TestData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestData")
            .field("clients", &self.client_count())
            .finish_non_exhaustive()
    }
}

/// A client's being attached. It ends when this is dropped, which is when the client stops its data
/// source.
struct Attachment {
    to: TestData,
    client: Arc<Attached>,
}

impl Attachment {
    /// Attaches a client, and gives the data of that moment.
    fn new(to: &TestData, sink: &Arc<dyn DataSink>) -> (Self, DataSet) {
        let mut state = to.lock();
        let client = state.clients.attach(Arc::clone(sink));
        let data = state.data_set();
        drop(state);
        (
            Self {
                to: to.clone(),
                client,
            },
            data,
        )
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        // What may be left of the client goes with the last of its handles: this one, after the
        // lock was released.
        self.to.lock().clients.detach(&self.client);
        self.client.enter(Stage::Ended);
    }
}
