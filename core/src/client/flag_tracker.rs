//! [`FlagTracker`]: listeners for changes of flags, and of a flag's value for a context.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use vexil_eval::{Context, Text, Value};

use super::data_view::DataView;
use super::flag_subscription::{Change, FlagSubscription};
use super::resolve::Resolver;
use crate::sink::{ChangeHub, FlagChange, ListenerId};

/// Notifies listeners when flags change. See [`Client::flag_tracker`](crate::Client::flag_tracker).
///
/// Listeners run one after another, in the order of the updates, on a separate thread where they
/// may block and use the client. A panic is logged, and the other listeners still run. Closing the
/// client drops all listeners. Until then, a listener that holds a clone of the client keeps the
/// client open.
///
/// ```
/// use std::sync::mpsc;
/// use std::time::Duration;
/// use vexil::Client;
/// use vexil_testing::TestData;
///
/// let flags = TestData::new().with("limit", 10);
/// let client = Client::builder("sdk-key").data_source(flags.clone()).start()?;
/// let (sender, calls) = mpsc::channel();
/// let tracker = client.flag_tracker();
/// tracker.add_listener(|_| panic!("a listener with a defect"));
/// tracker.add_listener(move |change| drop(sender.send(change.key.clone())));
///
/// // The panic of the first listener is logged. The second one is still called.
/// flags.set("limit", 20);
/// assert_eq!(calls.recv_timeout(Duration::from_secs(30))?, "limit");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct FlagTracker<'a> {
    changes: &'a Arc<ChangeHub>,
    resolver: &'a Arc<Resolver>,
}

/// A change of a flag's value for a context.
///
/// ```
/// use std::time::Duration;
/// use vexil::{Client, Context, Value};
/// use vexil_testing::TestData;
///
/// let flags = TestData::new().with("banner", "hello");
/// let client = Client::builder("sdk-key").data_source(flags.clone()).start()?;
/// let mut changes = client.flag_tracker().subscribe_to_value("banner", &Context::new("ada")?);
/// flags.delete("banner");
/// let change = changes.blocking_next(Duration::from_secs(30)).expect("the flag is deleted");
/// assert_eq!((change.old_value, change.new_value), ("hello".into(), Value::Null));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FlagValueChange {
    /// The flag's key.
    pub key: Text,
    /// The previous value; null if the flag had none.
    pub old_value: Value,
    /// The new value; null if the flag has none.
    pub new_value: Value,
}

impl<'a> FlagTracker<'a> {
    pub(super) fn new(changes: &'a Arc<ChangeHub>, resolver: &'a Arc<Resolver>) -> Self {
        Self { changes, resolver }
    }

    /// Calls `listener` whenever a flag's configuration changes, or that of a flag or segment it
    /// depends on.
    ///
    /// A listener added before the first data arrives is then notified of every flag.
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use std::time::Duration;
    /// use vexil::Client;
    /// use vexil_testing::TestData;
    ///
    /// let flags = TestData::new().with("limit", 10);
    /// let client = Client::builder("sdk-key").data_source(flags.clone()).start()?;
    /// let (sender, changes) = mpsc::channel();
    /// let tracker = client.flag_tracker();
    /// let id = tracker.add_listener(move |change| drop(sender.send(change.key.clone())));
    ///
    /// flags.set("limit", 20);
    /// assert_eq!(changes.recv_timeout(Duration::from_secs(30))?, "limit");
    ///
    /// // Removing the listener drops it, and with it the sender.
    /// tracker.remove_listener(id);
    /// let end = changes.recv_timeout(Duration::from_secs(30));
    /// assert_eq!(end, Err(mpsc::RecvTimeoutError::Disconnected));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "add_flag_change_listener")]
    pub fn add_listener(
        &self,
        listener: impl Fn(&FlagChange) + Send + Sync + 'static,
    ) -> ListenerId {
        self.changes.add(listener)
    }

    /// Calls `listener` whenever the value of a flag changes for a context.
    ///
    /// The flag is evaluated now, and again after each change of the flag. These evaluations report
    /// no events.
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use std::time::Duration;
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// let flags = TestData::new().with("limit", 10);
    /// let client = Client::builder("sdk-key").data_source(flags.clone()).start()?;
    /// let (sender, changes) = mpsc::channel();
    /// let ada = Context::new("ada")?;
    /// client.flag_tracker().add_flag_value_change_listener("limit", &ada, move |change| {
    ///     drop(sender.send((change.old_value.clone(), change.new_value.clone())));
    /// });
    ///
    /// // A new version with the same value is no change.
    /// flags.set("limit", 10).set("limit", 20);
    /// let change = changes.recv_timeout(Duration::from_secs(30))?;
    /// assert_eq!(change, (10.into(), 20.into()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn add_flag_value_change_listener(
        &self,
        key: impl Into<Text>,
        context: &Context,
        listener: impl Fn(&FlagValueChange) + Send + Sync + 'static,
    ) -> ListenerId {
        let (key, context, resolver) = (key.into(), context.clone(), Arc::downgrade(self.resolver));
        // Held only to swap the value, never during an evaluation or a call. Listeners run one at a
        // time.
        let last = Mutex::new(value(&resolver, &key, &context));
        let id = self.changes.add({
            let key = key.clone();
            move |change| {
                if change.key != key {
                    return;
                }
                let new_value = value(&resolver, &key, &context);
                let last = || last.lock().unwrap_or_else(PoisonError::into_inner);
                let old_value = std::mem::replace(&mut *last(), new_value.clone());
                if old_value != new_value {
                    listener(&FlagValueChange {
                        key: key.clone(),
                        old_value,
                        new_value,
                    });
                }
            }
        });
        // The flag may have changed between the evaluation and the registration of the listener.
        self.changes.announce_to(id, key);
        id
    }

    /// Subscribes to the changes that [`add_listener`](Self::add_listener) notifies of.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::Client;
    /// use vexil_testing::TestData;
    ///
    /// # pollster::block_on(async {
    /// let flags = TestData::new().with("limit", 10);
    /// let client = Client::builder("sdk-key").data_source(flags.clone()).start()?;
    /// let mut changes = client.flag_tracker().subscribe();
    /// flags.set("limit", 20);
    /// assert_eq!(changes.next().await.map(|change| change.key), Some("limit".into()));
    ///
    /// // Closing the client ends the subscription.
    /// client.close(Duration::from_secs(5)).await;
    /// assert_eq!(changes.next().await, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    #[must_use]
    pub fn subscribe(&self) -> FlagSubscription<FlagChange> {
        FlagSubscription::new(self.changes, |sender| {
            self.changes.add(move |change| sender.send(change.clone()))
        })
    }

    /// Subscribes to the changes of a flag's value for a context, as
    /// [`add_flag_value_change_listener`](Self::add_flag_value_change_listener) notifies of them.
    ///
    /// A subscriber that falls behind receives several changes as one, from the first old value to the
    /// last new one, and no change if these are equal.
    ///
    /// ```
    /// use std::time::Duration;
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// let flags = TestData::new().with("limit", 10);
    /// let client = Client::builder("sdk-key").data_source(flags.clone()).start()?;
    /// let mut changes = client.flag_tracker().subscribe_to_value("limit", &Context::new("ada")?);
    /// flags.set("limit", 20);
    /// let change = changes.blocking_next(Duration::from_secs(30)).expect("the value has changed");
    /// assert_eq!((change.old_value, change.new_value), (10.into(), 20.into()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn subscribe_to_value(
        &self,
        key: impl Into<Text>,
        context: &Context,
    ) -> FlagSubscription<FlagValueChange> {
        FlagSubscription::new(self.changes, |sender| {
            let listener = move |change: &FlagValueChange| sender.send(change.clone());
            self.add_flag_value_change_listener(key, context, listener)
        })
    }

    /// Removes a listener. Has no effect if it was already removed or belongs to another client.
    ///
    /// ```
    /// use vexil::Client;
    /// use vexil_testing::TestData;
    ///
    /// let client = Client::builder("sdk-key").data_source(TestData::new()).start()?;
    /// let tracker = client.flag_tracker();
    /// // A listener that holds a clone of the client keeps it open until it is removed.
    /// let held = client.clone();
    /// let id = tracker.add_listener(move |change| {
    ///     println!("{} has changed; initialized: {}", change.key, held.is_initialized());
    /// });
    /// tracker.remove_listener(id);
    /// tracker.remove_listener(id);
    /// # Ok::<(), vexil::config::ConfigError>(())
    /// ```
    pub fn remove_listener(&self, id: ListenerId) {
        self.changes.remove(id);
    }
}

impl Change for FlagChange {
    fn key(&self) -> &Text {
        &self.key
    }

    fn merge(&mut self, _: Self) -> bool {
        true
    }
}

impl Change for FlagValueChange {
    fn key(&self) -> &Text {
        &self.key
    }

    fn merge(&mut self, later: Self) -> bool {
        self.new_value = later.new_value;
        self.old_value != self.new_value
    }
}

/// The flag's value, or null. The resolver is a `Weak`, so that a listener does not keep a closed
/// client's store alive.
fn value(resolver: &Weak<Resolver>, key: &str, context: &Context) -> Value {
    let evaluated = resolver.upgrade().and_then(|resolver| {
        let view = DataView::new(&resolver, None);
        let context = view.admit(Some(key), Ok(context)).ok()?;
        let value = view.resolve(key, context, |_, evaluation| {
            evaluation.variation.map(|(_, value)| value.clone())
        });
        value.ok().flatten()
    });
    evaluated.unwrap_or_default()
}
