//! [`Scope`]: several evaluations for one context, with the data of one moment.
//!
//! A scope replaces the context in the methods of the client, which find the pinned data there. Its
//! own methods call those of the client.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use vexil_eval::explain::{ExplainOptions, Explanation};
use vexil_eval::{Context, ContextError, Detail, Text, Value};

use super::Client;
use super::flags_state::{FlagsState, FlagsStateOptions};
use super::pinned::Pinned;
use super::value::{AsContext, FlagValue, sealed};

/// Evaluates flags for one context with the data of one moment: that at which
/// [`Client::scope`] created it.
///
/// Two flags that change together never have an old and a new value in the same scope, and a flag
/// that is evaluated twice has the same value twice. Otherwise an evaluation is the same as without
/// a scope: it costs the same, reports the same events and runs the same hooks.
///
/// A scope owns its context and a handle of the client. It is made for one request or job, can be
/// sent to other threads, and its clones are the same scope. [`Client::scope`] with a scope as its
/// argument creates one for the same context at the current moment.
///
/// ```
/// use vexil::{Client, Context};
/// use vexil_testing::TestData;
///
/// let flags = TestData::from([("new-checkout", true), ("new-receipt", true)]);
/// let client = Client::builder("sdk-key").data_source(flags.clone()).start()?;
/// let scope = client.scope(&Context::new("ada")?);
/// assert!(scope.bool_variation("new-checkout", false));
///
/// // Between two evaluations of the same request, both flags are turned off.
/// flags.set("new-checkout", false).set("new-receipt", false);
/// assert!(scope.bool_variation("new-receipt", false), "the scope does not see it");
/// assert!(!client.scope(&scope).bool_variation("new-receipt", true), "the next one does");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # What is pinned
///
/// - **Data in memory**, the default: the snapshot of the moment, and that of flag overrides. Holding
///   it costs no copy. An update shares all that it does not change with the previous snapshot, so a
///   scope keeps the flags and segments alive that were replaced since it was created, and a part of
///   the tables that pointed to them. They are freed with the last scope that holds them.
/// - **A database that is [read through a cache](crate::config::PersistentStoreConfig::cache)**: the
///   cache of the moment. An item that it lacks is read when it is first needed, and the scope
///   remembers the item. An item can therefore be newer than the scope, but it does not change in
///   it. A read that fails is not remembered.
/// - **Memberships of big segments**: queried when they are first needed, and remembered with their
///   [status](vexil_eval::Reason::big_segments_status), even if the query failed.
/// - **A custom [`DataStore`](crate::store::DataStore)**: the result of
///   [`snapshot`](crate::store::DataStore::snapshot). If the store returns none, each evaluation
///   reads the current data, and only fetched items are remembered.
/// - **Whether the client has data**. A scope that is created before the client is
///   [ready](Client#states-of-a-client) returns defaults until it is dropped, even if data arrives
///   in the meantime.
///
/// Hooks and events are those of the client when a flag is evaluated. After the client was closed, a
/// scope evaluates with its data as before, and its events are dropped like those of the client. A
/// scope counts as a clone of the client: as long as it lives, the client is not dropped.
///
/// # Instead of a context
///
/// A scope can be passed to every method that takes a context, and stands for its context. An
/// evaluation by the scope's own client, such as that of a
/// [`Migrator`](crate::migration::Migrator), then has the data of the scope.
///
/// ```
/// use vexil::{Client, Context};
/// use vexil_testing::TestData;
///
/// let flags = TestData::new().with("theme", "dark");
/// let client = Client::builder("sdk-key").data_source(flags.clone()).start()?;
/// let scope = client.scope(&Context::new("ada")?);
/// flags.set("theme", "light");
/// assert_eq!(client.str_variation("theme", &scope, ""), "dark");
/// client.track("signed-up", &scope);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Scope {
    inner: Arc<Inner>,
    reports_events: bool,
}

struct Inner {
    client: Client,
    context: Result<Context, ContextError>,
    pinned: Pinned,
}

impl Client {
    /// Pins the data of this moment for several evaluations for one context. See [`Scope`].
    ///
    /// This allocates once, reads no database and never fails: with an invalid context, evaluations
    /// return their defaults, as those of the client do.
    ///
    /// ```
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// let flags = TestData::new().with("theme", "dark").with("page-size", 20);
    /// let client = Client::builder("sdk-key").data_source(flags).start()?;
    /// let scope = client.scope(&Context::new("ada")?);
    /// assert_eq!(scope.str_variation("theme", "light"), "dark");
    ///
    /// // It can be sent to other threads and tasks.
    /// let page_size = std::thread::spawn(move || scope.int_variation("page-size", 10)).join();
    /// assert_eq!(page_size.ok(), Some(20));
    ///
    /// let invalid = client.scope(&Context::new(""));
    /// assert_eq!(invalid.str_variation("theme", "light"), "light");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn scope(&self, context: &(impl AsContext + ?Sized)) -> Scope {
        Scope {
            inner: Arc::new(Inner {
                client: self.clone(),
                context: context.as_context().cloned().map_err(Clone::clone),
                pinned: self.shared.resolver.pin(),
            }),
            reports_events: context.reports_events(),
        }
    }
}

/// Each method does the same as the method of the same name of [`Client`], for the context of the
/// scope and with its data.
impl Scope {
    /// The client that created the scope.
    ///
    /// ```
    /// use vexil::{Client, Context, Scope};
    /// use vexil_testing::{EventRecorder, TestData};
    ///
    /// /// Code that receives only the scope can still report what the user has done.
    /// fn buy(scope: &Scope, price: f64) {
    ///     scope.client().track_metric("bought", scope, price, vexil::Value::Null);
    /// }
    ///
    /// # let events = EventRecorder::new();
    /// # let client = Client::builder("sdk-key").data_source(TestData::new()).events(events.clone()).start()?;
    /// buy(&client.scope(&Context::new("ada")?), 9.99);
    /// # events.custom_events().name("bought").metric(9.99).assert_once();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.inner.client
    }

    /// The context of the scope.
    ///
    /// ```
    /// use vexil::{Client, Context, ContextError};
    ///
    /// let client = Client::builder("sdk-key").offline(true).start()?;
    /// let scope = client.scope(&Context::new("ada")?);
    /// assert_eq!(scope.context().map(Context::key).ok(), Some("ada"));
    ///
    /// let invalid = client.scope(&Context::new(""));
    /// assert!(matches!(invalid.context(), Err(ContextError::EmptyKey)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Returns the error of the context if it is invalid.
    pub fn context(&self) -> Result<&Context, &ContextError> {
        self.inner.context.as_ref()
    }

    /// The same scope, through which nothing is reported: evaluations, migrations, and the client's
    /// `identify` and `track…` record no events for it. Hooks see evaluations as before, and nothing
    /// that is tracked.
    ///
    /// Use it for evaluations that are not those of a user, for instance of a page that lists all
    /// flags. [`without_events`](crate::ClientBuilder::without_events) of the builder is for a whole
    /// client.
    ///
    /// ```
    /// use vexil::{Client, Context};
    /// use vexil_testing::{EventRecorder, TestData};
    ///
    /// let (flags, events) = (TestData::new().with("theme", "dark"), EventRecorder::new());
    /// let client = Client::builder("sdk-key").data_source(flags).events(events.clone()).start()?;
    /// let scope = client.scope(&Context::new("ada")?);
    /// let preview = scope.without_events();
    /// assert_eq!(preview.str_variation("theme", "light"), "dark");
    /// client.track("previewed", &preview);
    /// assert_eq!(events.take(), []);
    ///
    /// // The original scope still reports.
    /// scope.str_variation("theme", "light");
    /// assert_eq!(events.take().len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias("with_events_disabled", "WithEventsDisabled"))]
    #[must_use]
    pub fn without_events(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            reports_events: false,
        }
    }

    /// Returns the value of a flag, of the same type as `default`, or `default` if the flag has no
    /// value of that type. See [`Client::variation`].
    ///
    /// ```
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// let flags = TestData::new().with("rate-limit", 20).with("theme", "dark");
    /// let client = Client::builder("sdk-key").data_source(flags).without_events().start()?;
    /// let scope = client.scope(&Context::new("ada")?);
    /// assert_eq!(scope.variation("rate-limit", 100), 20);
    /// assert_eq!(scope.variation("theme", "light"), "dark");
    /// // The default is returned for a flag of another type, and for an unknown one.
    /// assert_eq!(scope.variation("theme", 100), 100);
    /// assert!(!scope.variation("no-such-flag", false));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn variation<T: FlagValue>(&self, key: &str, default: T) -> T::Output {
        self.inner.client.variation(key, self, default)
    }

    /// Returns the value of a flag, of the same type as `default`, and the reason for it. See
    /// [`Client::variation_detail`].
    ///
    /// ```
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// let flags = TestData::new().with("rate-limit", 20);
    /// let client = Client::builder("sdk-key").data_source(flags).without_events().start()?;
    /// let scope = client.scope(&Context::new("ada")?);
    /// let detail = scope.variation_detail("rate-limit", 100);
    /// assert_eq!((detail.value, detail.variation_index), (20, Some(0)));
    ///
    /// let invalid = client.scope(&Context::new("")).variation_detail("rate-limit", 100);
    /// assert_eq!(invalid.reason.to_string(), "error: the context is invalid");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn variation_detail<T: FlagValue>(&self, key: &str, default: T) -> Detail<T::Output> {
        self.inner.client.variation_detail(key, self, default)
    }

    /// Async form of [`Scope::variation`] and of the typed methods: awaits I/O instead of blocking.
    ///
    /// ```
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// # pollster::block_on(async {
    /// let flags = TestData::new().with("rate-limit", 20);
    /// let client = Client::builder("sdk-key").data_source(flags).without_events().start()?;
    /// let scope = client.scope(&Context::new("ada")?);
    /// assert_eq!(scope.variation_async("rate-limit", 100).await, 20);
    /// assert_eq!(scope.variation_async("no-such-flag", 100).await, 100);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn variation_async<T: FlagValue>(&self, key: &str, default: T) -> T::Output {
        self.inner.client.variation_async(key, self, default).await
    }

    /// Async form of [`Scope::variation_detail`] and of the typed methods with detail: awaits I/O
    /// instead of blocking.
    ///
    /// ```
    /// use vexil::eval::EvalErrorKind;
    /// # use vexil::{Client, Context};
    /// # use vexil_testing::TestData;
    ///
    /// # pollster::block_on(async {
    /// # let flags = TestData::new().with("theme", "dark");
    /// # let client = Client::builder("sdk-key").data_source(flags).without_events().start()?;
    /// # let ada = Context::new("ada")?;
    /// let scope = client.scope(&ada);
    /// let detail = scope.variation_detail_async("theme", "light").await;
    /// assert_eq!((&*detail.value, detail.variation_index), ("dark", Some(0)));
    ///
    /// let detail = scope.variation_detail_async("theme", 1.5).await;
    /// assert_eq!((detail.value, detail.reason.error()), (1.5, Some(EvalErrorKind::WrongType)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn variation_detail_async<T: FlagValue>(
        &self,
        key: &str,
        default: T,
    ) -> Detail<T::Output> {
        let client = &self.inner.client;
        client.variation_detail_async(key, self, default).await
    }

    /// Returns the value of a boolean flag, or `default`. See [`Client::bool_variation`].
    ///
    /// ```
    /// # use vexil::{Client, Context};
    /// # use vexil_testing::TestData;
    /// # let flags = TestData::new().with("new-checkout", true).with("limit", 20).with("share", 0.25)
    /// #     .with("theme", "dark");
    /// # let client = Client::builder("sdk-key").data_source(flags).without_events().start()?;
    /// # let ada = Context::new("ada")?;
    /// let scope = client.scope(&ada);
    /// assert!(scope.bool_variation("new-checkout", false));
    /// assert_eq!(scope.int_variation("limit", 100), 20);
    /// assert_eq!(scope.float_variation("share", 0.5), 0.25);
    /// assert_eq!(scope.str_variation("theme", "light"), "dark");
    /// assert_eq!(scope.json_variation("theme", vexil::Value::Null), "dark".into());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn bool_variation(&self, key: &str, default: bool) -> bool {
        self.variation(key, default)
    }

    /// Returns the value of a boolean flag, or `default`, and the reason for it. See
    /// [`Client::bool_variation_detail`].
    ///
    /// ```
    /// use vexil::eval::EvalErrorKind;
    /// # use vexil::{Client, Context};
    /// # use vexil_testing::TestData;
    ///
    /// # let client = Client::builder("sdk-key").data_source(TestData::new()).start()?;
    /// # let ada = Context::new("ada")?;
    /// let detail = client.scope(&ada).bool_variation_detail("no-such-flag", true);
    /// assert!(detail.value);
    /// assert_eq!(detail.reason.error(), Some(EvalErrorKind::FlagNotFound));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn bool_variation_detail(&self, key: &str, default: bool) -> Detail<bool> {
        self.variation_detail(key, default)
    }

    /// Returns the value of a number flag as an integer, or `default`. See
    /// [`Client::int_variation`] for fractions and large numbers.
    ///
    /// ```
    /// # use vexil::{Client, Context};
    /// # use vexil_testing::TestData;
    ///
    /// # let flags = TestData::new().with("limit", 20.9);
    /// # let client = Client::builder("sdk-key").data_source(flags).start()?;
    /// # let ada = Context::new("ada")?;
    /// // The flag is 20.9. A fraction is cut off.
    /// assert_eq!(client.scope(&ada).int_variation("limit", 100), 20);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn int_variation(&self, key: &str, default: i64) -> i64 {
        self.variation(key, default)
    }

    /// Returns the value of a number flag as an integer, or `default`, and the reason for it. See
    /// [`Client::int_variation_detail`].
    ///
    /// ```
    /// # use vexil::{Client, Context};
    /// # use vexil_testing::TestData;
    ///
    /// # let flags = TestData::new().with("limit", 1e300);
    /// # let client = Client::builder("sdk-key").data_source(flags).start()?;
    /// # let ada = Context::new("ada")?;
    /// // The flag is 1e300, which no integer can hold.
    /// let detail = client.scope(&ada).int_variation_detail("limit", 100);
    /// assert_eq!(detail.value, 100);
    /// assert!(detail.type_mismatch().is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn int_variation_detail(&self, key: &str, default: i64) -> Detail<i64> {
        self.variation_detail(key, default)
    }

    /// Returns the value of a number flag, or `default`. See [`Client::float_variation`].
    #[must_use]
    pub fn float_variation(&self, key: &str, default: f64) -> f64 {
        self.variation(key, default)
    }

    /// Returns the value of a number flag, or `default`, and the reason for it. See
    /// [`Client::float_variation_detail`].
    #[must_use]
    pub fn float_variation_detail(&self, key: &str, default: f64) -> Detail<f64> {
        self.variation_detail(key, default)
    }

    /// Returns the value of a string flag, or `default`. See [`Client::str_variation`].
    #[must_use]
    pub fn str_variation(&self, key: &str, default: &str) -> Text {
        self.variation(key, default)
    }

    /// Returns the value of a string flag, or `default`, and the reason for it. See
    /// [`Client::str_variation_detail`].
    #[must_use]
    pub fn str_variation_detail(&self, key: &str, default: &str) -> Detail<Text> {
        self.variation_detail(key, default)
    }

    /// Returns the value of a flag of any type as JSON, or `default`. See
    /// [`Client::json_variation`].
    #[must_use]
    pub fn json_variation(&self, key: &str, default: Value) -> Value {
        self.variation(key, default)
    }

    /// Returns the value of a flag of any type as JSON, or `default`, and the reason for it. See
    /// [`Client::json_variation_detail`].
    #[must_use]
    pub fn json_variation_detail(&self, key: &str, default: Value) -> Detail<Value> {
        self.variation_detail(key, default)
    }

    /// Returns the value of a flag, deserialized as `T`, or `default`. See [`Client::json_as`].
    ///
    /// ```
    /// # use vexil::{Client, Context};
    /// # use vexil_testing::TestData;
    /// # let flags = TestData::new().with("limits", serde_json::json!({"rps": 7}));
    /// # let client = Client::builder("sdk-key").data_source(flags).without_events().start()?;
    /// # let ada = Context::new("ada")?;
    /// #[derive(serde::Deserialize, serde::Serialize)]
    /// struct Limits {
    ///     rps: u32,
    /// }
    ///
    /// let scope = client.scope(&ada);
    /// assert_eq!(scope.json_as("limits", Limits { rps: 10 }).rps, 7);
    /// assert_eq!(scope.json_as("no-such-flag", Limits { rps: 10 }).rps, 10);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn json_as<T: Serialize + DeserializeOwned + Sync>(&self, key: &str, default: T) -> T {
        self.inner.client.json_as(key, self, default)
    }

    /// Returns the value of a flag, deserialized as `T`, or `default`, and the reason for it. See
    /// [`Client::json_as_detail`].
    ///
    /// ```
    /// # use vexil::{Client, Context};
    /// # use vexil_testing::TestData;
    /// # let flags = TestData::new().with("limits", serde_json::json!({"rps": -1}));
    /// # let client = Client::builder("sdk-key").data_source(flags).without_events().start()?;
    /// # let ada = Context::new("ada")?;
    /// #[derive(serde::Deserialize, serde::Serialize)]
    /// struct Limits {
    ///     rps: u32,
    /// }
    ///
    /// // The flag is {"rps": -1}.
    /// let detail = client.scope(&ada).json_as_detail("limits", Limits { rps: 10 });
    /// assert_eq!(detail.value.rps, 10);
    /// let mismatch = detail.type_mismatch().expect("a negative number does not fit");
    /// assert!(mismatch.to_string().contains("invalid value"), "{mismatch}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn json_as_detail<T: Serialize + DeserializeOwned + Sync>(
        &self,
        key: &str,
        default: T,
    ) -> Detail<T> {
        self.inner.client.json_as_detail(key, self, default)
    }

    /// Async form of [`Scope::json_as`]: awaits I/O instead of blocking.
    pub async fn json_as_async<T: Serialize + DeserializeOwned + Sync>(
        &self,
        key: &str,
        default: T,
    ) -> T {
        self.inner.client.json_as_async(key, self, default).await
    }

    /// Async form of [`Scope::json_as_detail`]: awaits I/O instead of blocking.
    pub async fn json_as_detail_async<T: Serialize + DeserializeOwned + Sync>(
        &self,
        key: &str,
        default: T,
    ) -> Detail<T> {
        self.inner
            .client
            .json_as_detail_async(key, self, default)
            .await
    }

    /// Evaluates all flags, without reporting events. See [`Client::all_flags_state`].
    ///
    /// ```
    /// use vexil::client::FlagsStateOptions;
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// let flags = TestData::new().with("theme", "dark");
    /// let client = Client::builder("sdk-key").data_source(flags.clone()).start()?;
    /// let scope = client.scope(&Context::new("ada")?);
    /// // A page that the server renders has the same values as the front end that it bootstraps.
    /// let theme = scope.str_variation("theme", "light");
    /// flags.set("theme", "light");
    /// let state = scope.all_flags_state(FlagsStateOptions::default());
    /// assert_eq!(state.value("theme"), Some(&theme.into()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn all_flags_state(&self, options: FlagsStateOptions) -> FlagsState {
        self.inner.client.all_flags_state(self, options)
    }

    /// Async form of [`Scope::all_flags_state`]: awaits I/O instead of blocking.
    ///
    /// ```
    /// use vexil::client::FlagsStateOptions;
    /// # use vexil::{Client, Context};
    /// # use vexil_testing::TestData;
    ///
    /// # pollster::block_on(async {
    /// # let flags = TestData::new().with("theme", "dark");
    /// # let client = Client::builder("sdk-key").data_source(flags).without_events().start()?;
    /// let scope = client.scope(&Context::new("")); // An invalid context.
    /// let state = scope.all_flags_state_async(FlagsStateOptions::default()).await;
    /// assert!(!state.is_valid());
    /// assert_eq!(state.values().len(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn all_flags_state_async(&self, options: FlagsStateOptions) -> FlagsState {
        self.inner.client.all_flags_state_async(self, options).await
    }

    /// Explains the value that a flag has in the scope. See [`Client::explain`].
    ///
    /// ```
    /// use vexil::explain::ExplainOptions;
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// let flags = TestData::new().with("theme", "dark");
    /// let client = Client::builder("sdk-key").data_source(flags.clone()).start()?;
    /// let scope = client.scope(&Context::new("ada")?);
    /// flags.set("theme", "light");
    /// let explanation = scope.explain("theme", &ExplainOptions::default());
    /// assert_eq!(explanation.value, Some("dark".into()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn explain(&self, key: &str, options: &ExplainOptions) -> Explanation {
        self.inner.client.explain(key, self, options)
    }

    /// Async form of [`Scope::explain`]: awaits I/O instead of blocking.
    pub async fn explain_async(&self, key: &str, options: &ExplainOptions) -> Explanation {
        self.inner.client.explain_async(key, self, options).await
    }
}

impl sealed::Sealed for Scope {}
impl sealed::MayBeScope for Scope {
    /// Another client evaluates for the context of the scope, with its own data.
    #[inline]
    fn pinned(&self, client: &Client) -> Option<&Pinned> {
        let is_same = Arc::ptr_eq(&self.inner.client.shared, &client.shared);
        is_same.then_some(&self.inner.pinned)
    }

    #[inline]
    fn reports_events(&self) -> bool {
        self.reports_events
    }
}

impl AsContext for Scope {
    #[inline]
    fn as_context(&self) -> Result<&Context, &ContextError> {
        self.context()
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope")
            .field("client", &self.inner.client)
            .field("context", &self.inner.context)
            .field("reports_events", &self.reports_events)
            .finish_non_exhaustive()
    }
}
