//! [`TestData`]: a data source controlled by the test.
//!
//! Versions are assigned under a lock, and clients are notified after it is released. Notifications
//! can therefore arrive out of order, but flags never go back, because a store keeps the newest
//! version. A change listener can make another change without a deadlock.

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
use crate::state::{First, State};

/// An in-memory data source for one or more clients, whose flags the test changes.
///
/// Clones are cheap and share all data: pass one to [`ClientBuilder::data_source`] and keep one. A
/// client has the current flags when `start` returns. When a method that makes a change returns,
/// the change has reached every client: evaluations see it, and change listeners are queued.
/// Changes can be made from anywhere, including from a listener.
///
/// With in-memory flags, the default, no method blocks. With a store that does I/O, methods block
/// until the store has finished, so do not make changes on a thread that drives the store's I/O, or
/// inside the store.
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
    /// Locked for a single read or change, never while a client is called.
    state: Arc<Mutex<State>>,
}

impl TestData {
    /// Creates test data without flags or segments.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates test data that is not ready: clients start without data, as if the service could not
    /// be reached yet.
    ///
    /// Evaluations return their defaults with the reason `CLIENT_NOT_READY`, and waiting for a client
    /// times out. Flags can be set as usual; clients receive them from [`TestData::make_ready`].
    ///
    /// [`TestData::update_status`] reports why. While the data is not ready, a client that starts
    /// later receives the last status too: with [`DataSourceState::Off`] it has given up from the
    /// start.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::client::NotReadyError;
    /// use vexil::data_source::{DataSourceErrorInfo, DataSourceErrorKind, DataSourceState};
    /// use vexil::eval::EvalErrorKind;
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// let flags = TestData::not_ready().with("new-checkout", true);
    /// let client = Client::builder("sdk-key").data_source(flags.clone()).start()?;
    /// let ada = Context::new("ada")?;
    /// let detail = client.bool_variation_detail("new-checkout", &ada, false);
    /// assert_eq!(detail.reason.error(), Some(EvalErrorKind::ClientNotReady));
    /// let waited = client.blocking_wait_until_ready(Duration::from_millis(1));
    /// assert!(matches!(waited, Err(NotReadyError::Timeout { .. })));
    ///
    /// flags.make_ready();
    /// assert!(client.bool_variation("new-checkout", &ada, false));
    ///
    /// // A source that has failed for good before the client starts.
    /// let flags = TestData::not_ready();
    /// let error = DataSourceErrorInfo::new(DataSourceErrorKind::NetworkError, "no route to host");
    /// flags.update_status(DataSourceState::Off, error);
    /// let client = Client::builder("sdk-key").data_source(flags).start()?;
    /// let waited = client.blocking_wait_until_ready(Duration::MAX);
    /// assert!(matches!(waited, Err(NotReadyError::GivenUp { .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn not_ready() -> Self {
        Self {
            state: Arc::new(Mutex::new(State::unready())),
        }
    }

    /// Makes test data ready that was created by [`TestData::not_ready`]. When this returns, every
    /// attached client has the current flags and is ready, except those whose data source is
    /// [off](DataSourceState::Off). Does nothing if the data is ready.
    ///
    /// ```
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// let flags = TestData::not_ready().with("new-checkout", true);
    /// let client = Client::builder("sdk-key").data_source(flags.clone()).start()?;
    /// let ada = Context::new("ada")?;
    /// assert!(!client.bool_variation("new-checkout", &ada, false));
    ///
    /// // The service answers at last.
    /// flags.make_ready();
    /// assert!(client.is_initialized() && client.bool_variation("new-checkout", &ada, false));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn make_ready(&self) -> &Self {
        let (clients, data) = self.lock().make_ready();
        for client in clients {
            client.start_late(data.clone());
        }
        self
    }

    /// Adds a flag that returns this value for every context. The same as [`TestData::set`], for
    /// use in the expression that creates the test data.
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

    /// Makes a flag return this value, any JSON value, for every context. Creates the flag if it
    /// does not exist.
    ///
    /// With `true` or `false` it becomes a boolean flag. With any other value, that value is its
    /// only variation and is also returned while the flag is off. Existing targets and rules are
    /// removed.
    ///
    /// ```
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// let flags = TestData::new().with("limit", 10);
    /// let client = Client::builder("sdk-key").data_source(flags.clone()).start()?;
    /// let ada = Context::new("ada")?;
    /// flags.set("limit", 20).set("limits", serde_json::json!({"rps": 7}));
    /// assert_eq!(client.int_variation("limit", &ada, 0), 20);
    /// let limits = client.json_variation("limits", &ada, vexil::Value::Null);
    /// assert_eq!(limits.get("rps"), Some(&7.into()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set(&self, key: impl Into<Text>, value: impl Into<Value>) -> &Self {
        let flag = self.flag(key);
        self.update(match value.into() {
            Value::Bool(value) => flag.variation_for_all(value),
            value => flag.value_for_all(value),
        })
    }

    /// Returns a builder for this flag: the one last passed to [`TestData::update`], or else a
    /// boolean flag that returns `true` for every context, as created by [`FlagBuilder::new`]. The
    /// latter is also returned for a preconfigured flag.
    ///
    /// ```
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// let flags = TestData::new();
    /// flags.update(flags.flag("beta").variation_for_user("ada", false));
    /// // The builder still has the target; only the fallthrough changes.
    /// flags.update(flags.flag("beta").fallthrough_variation(true));
    ///
    /// let client = Client::builder("sdk-key").data_source(flags).start()?;
    /// assert!(!client.bool_variation("beta", &Context::new("ada")?, true));
    /// assert!(client.bool_variation("beta", &Context::new("bob")?, false));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn flag(&self, key: impl Into<Text>) -> FlagBuilder {
        let key = key.into();
        let known = self.lock().builder(&key).cloned();
        known.unwrap_or_else(|| FlagBuilder::new(key))
    }

    /// Adds or replaces the flag that the builder describes. Its version is one more than the last
    /// version of this key, even if the flag was deleted in between; the first version is 1.
    pub fn update(&self, flag: FlagBuilder) -> &Self {
        let built = flag.build();
        self.publish(|state| state.put_built(flag, built))
    }

    /// Adds or replaces a flag unchanged: a [`Flag`], or JSON with properties that the builder does
    /// not support.
    ///
    /// Its version is kept if it is newer than the last version of this key. Otherwise the version
    /// becomes the last one plus one, so that versions never go back.
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
    /// Returns an error if the JSON is not a valid flag. A [`Flag`] is always accepted.
    pub fn use_preconfigured_flag<F: Preconfigured<Flag>>(
        &self,
        flag: F,
    ) -> Result<&Self, F::Error> {
        let item = flag.into_item()?;
        Ok(self.publish(|state| state.put_ready(item)))
    }

    /// Adds or replaces a segment unchanged: a [`Segment`], or its JSON. Flags refer to it with
    /// `segmentMatch`. Its version is assigned as in [`TestData::use_preconfigured_flag`].
    ///
    /// ```
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// let flags = TestData::new();
    /// flags.use_preconfigured_segment(r#"{"key": "staff", "included": ["ada"]}"#)?;
    /// flags.use_preconfigured_flag(
    ///     r#"{"key": "admin", "on": true, "variations": [false, true], "fallthrough": {"variation": 0},
    ///         "rules": [{"variation": 1, "clauses": [{"op": "segmentMatch", "values": ["staff"]}]}]}"#,
    /// )?;
    /// let client = Client::builder("sdk-key").data_source(flags.clone()).start()?;
    /// assert!(client.bool_variation("admin", &Context::new("ada")?, false));
    /// assert!(!client.bool_variation("admin", &Context::new("bob")?, true));
    ///
    /// assert!(flags.use_preconfigured_segment(r#"{"included": ["ada"]}"#).is_err(), "it has no key");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Returns an error if the JSON is not a valid segment. A [`Segment`] is always accepted.
    pub fn use_preconfigured_segment<S: Preconfigured<Segment>>(
        &self,
        segment: S,
    ) -> Result<&Self, S::Error> {
        let item = segment.into_item()?;
        Ok(self.publish(|state| state.put_ready(item)))
    }

    /// Deletes a flag. The tombstone's version is one more than the flag's last version. The flag's
    /// builder is dropped too.
    ///
    /// ```
    /// use vexil::eval::EvalErrorKind;
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// let flags = TestData::new().with("banner", "hello");
    /// let client = Client::builder("sdk-key").data_source(flags.clone()).start()?;
    /// flags.delete("banner");
    /// let detail = client.str_variation_detail("banner", &Context::new("ada")?, "");
    /// assert_eq!(detail.reason.error(), Some(EvalErrorKind::FlagNotFound));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn delete(&self, key: impl Into<Text>) -> &Self {
        self.publish(|state| state.delete(DataKind::Flag, key.into()))
    }

    /// Deletes a segment. The tombstone's version is one more than the segment's last version. The
    /// segment no longer contains any context.
    pub fn delete_segment(&self, key: impl Into<Text>) -> &Self {
        self.publish(|state| state.delete(DataKind::Segment, key.into()))
    }

    /// Reports a status, optionally with an error, to every attached client.
    ///
    /// Clients treat it like the status of any data source: a later flag change makes the status
    /// valid again, and no status follows [`DataSourceState::Off`].
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
        let status = (state, error.into());
        let clients = self.lock().set_status(status.clone());
        for client in clients {
            client.tell_status(status.clone());
        }
        self
    }

    /// Returns the number of attached clients: those started with this data that have not ended. A
    /// client that is closed or dropped detaches in the background.
    #[must_use]
    pub fn client_count(&self) -> usize {
        self.lock().clients.count()
    }

    /// Makes a change and notifies the clients.
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

/// Creates test data from a whole environment. Item versions are kept, and changes continue from
/// them.
impl From<DataSet> for TestData {
    fn from(data: DataSet) -> Self {
        Self {
            state: Arc::new(Mutex::new(data.into())),
        }
    }
}

/// Creates flags that return these values for every context.
impl<K: Into<Text>, V: Into<Value>> FromIterator<(K, V)> for TestData {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(flags: I) -> Self {
        flags
            .into_iter()
            .fold(Self::new(), |data, (key, value)| data.with(key, value))
    }
}

/// Creates flags that return these values for every context.
impl<K: Into<Text>, V: Into<Value>, const N: usize> From<[(K, V); N]> for TestData {
    fn from(flags: [(K, V); N]) -> Self {
        flags.into_iter().collect()
    }
}

/// Each client that runs the data source gets a separate instance, which ends with the client.
#[vexil::async_trait]
impl DataSource for TestData {
    /// The service has no use for evaluations of test flags.
    fn reports_events(&self) -> bool {
        false
    }

    /// A data system must not write test flags to a database.
    fn is_persistent(&self) -> bool {
        false
    }

    async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
        let (attachment, first) = Attachment::new(self, sink);
        match first {
            First::Data(data) => {
                let started = attachment.client.start(data).await;
                started.map_err(DataSourceError::store)?;
            }
            First::Status(Some(status)) => attachment.client.tell_status(status),
            First::Status(None) => {}
        }
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

/// The registration of a client. Dropped when the client stops its data source, which detaches the
/// client.
struct Attachment {
    to: TestData,
    client: Arc<Attached>,
}

impl Attachment {
    /// Attaches a client, and returns what it receives first.
    fn new(to: &TestData, sink: Arc<dyn DataSink>) -> (Self, First) {
        let (client, first) = to.lock().attach(sink);
        let to = to.clone();
        (Self { to, client }, first)
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        // This may be the last handle to the client, so it is dropped after the lock is released.
        self.to.lock().clients.detach(&self.client);
        self.client.enter(Stage::Ended);
    }
}
