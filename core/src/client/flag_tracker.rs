//! [`FlagTracker`]: listeners for changes of flags, and of the value that a flag has for a context.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use vexil_eval::{Context, Text, Value};

use super::resolve::Resolver;
use crate::sink::{ChangeHub, FlagChange, ListenerId};

/// Tells listeners when flags change. See [`Client::flag_tracker`](crate::Client::flag_tracker).
///
/// Listeners run one after the other, in the order of the updates, on a thread of their own where
/// they may block and use the client. One that panics is logged, and the others still run. All of
/// them are dropped when the client is closed. Until then, one that holds a clone of the client
/// keeps the client open.
#[derive(Debug)]
pub struct FlagTracker<'a> {
    changes: &'a Arc<ChangeHub>,
    resolver: &'a Arc<Resolver>,
}

/// The value of a flag for a context has changed.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FlagValueChange {
    /// The flag's key.
    pub key: Text,
    /// The value before; null if the flag gave none.
    pub old_value: Value,
    /// The value now; null if the flag gives none.
    pub new_value: Value,
}

impl<'a> FlagTracker<'a> {
    pub(super) fn new(changes: &'a Arc<ChangeHub>, resolver: &'a Arc<Resolver>) -> Self {
        Self { changes, resolver }
    }

    /// Calls `listener` whenever the configuration of a flag has changed, or that of a flag or
    /// segment it depends on.
    ///
    /// A listener that was added before the first data arrives hears of every flag then.
    pub fn add_listener(
        &self,
        listener: impl Fn(&FlagChange) + Send + Sync + 'static,
    ) -> ListenerId {
        self.changes.add(listener)
    }

    /// Calls `listener` whenever the value of a flag has changed for a context.
    ///
    /// The value is taken now, and again after each change of the flag. These evaluations report no
    /// events.
    pub fn add_flag_value_change_listener(
        &self,
        key: impl Into<Text>,
        context: &Context,
        listener: impl Fn(&FlagValueChange) + Send + Sync + 'static,
    ) -> ListenerId {
        let (key, context, resolver) = (key.into(), context.clone(), Arc::downgrade(self.resolver));
        // Locked to exchange values, never during an evaluation or a call. Listeners run one at a
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
        // The flag may have changed after its value was taken and before the listener was added.
        self.changes.announce_to(id, key);
        id
    }

    /// Stops calling a listener. One that was removed before, or is of another client, changes
    /// nothing.
    pub fn remove_listener(&self, id: ListenerId) {
        self.changes.remove(id);
    }
}

/// The flag's value, or null. Held weakly, so that a listener does not keep a closed client's store
/// alive.
fn value(resolver: &Weak<Resolver>, key: &str, context: &Context) -> Value {
    let evaluated = resolver.upgrade().and_then(|resolver| {
        let context = resolver.admit(Ok(context)).ok()?;
        let value = resolver.resolve(key, context, |_, evaluation| {
            evaluation.variation.map(|(_, value)| value.clone())
        });
        value.ok().flatten()
    });
    evaluated.unwrap_or_default()
}
