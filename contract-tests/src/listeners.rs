//! [`Listeners`]: notifies the harness of changes of flags.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::json;
use vexil::{Client, ListenerId, Value};

use crate::api::{FlagChangeListener, FlagValueChangeListener};
use crate::api_error::{ApiError, describe};
use crate::callback::Callback;
use crate::contexts;

/// The listeners of one client, by the ids that the harness has chosen.
#[derive(Debug, Default)]
pub(crate) struct Listeners(Mutex<HashMap<String, ListenerId>>);

impl Listeners {
    pub(crate) fn add(&self, client: &Client, params: FlagChangeListener) {
        let FlagChangeListener {
            listener_id,
            callback_uri,
        } = params;
        let (id, callback) = (listener_id.clone(), Callback::new(callback_uri));
        let listener = client.flag_tracker().add_listener(move |change| {
            notify(&callback, &json!({"listenerId": id, "flagKey": change.key}));
        });
        self.insert(client, listener_id, listener);
    }

    pub(crate) fn add_for_value(
        &self,
        client: &Client,
        params: FlagValueChangeListener,
    ) -> Result<(), ApiError> {
        let FlagValueChangeListener {
            listener_id,
            flag_key,
            subject,
            default_value,
            callback_uri,
        } = params;
        let context = contexts::of(subject)?.map_err(|error| ApiError::bad(describe(&error)))?;
        let (id, callback) = (listener_id.clone(), Callback::new(callback_uri));
        // A flag without a value counts as the default.
        let value = move |value: &Value| match value {
            Value::Null => default_value.clone(),
            value => value.clone(),
        };
        let listener = client.flag_tracker().add_flag_value_change_listener(
            flag_key,
            &context,
            move |change| {
                let (old, new) = (value(&change.old_value), value(&change.new_value));
                if old != new {
                    let body = json!({
                        "listenerId": id, "flagKey": change.key, "oldValue": old, "newValue": new,
                    });
                    notify(&callback, &body);
                }
            },
        );
        self.insert(client, listener_id, listener);
        Ok(())
    }

    pub(crate) fn remove(&self, client: &Client, id: &str) {
        if let Some(listener) = self.by_id().remove(id) {
            client.flag_tracker().remove_listener(listener);
        }
    }

    fn insert(&self, client: &Client, id: String, listener: ListenerId) {
        if let Some(replaced) = self.by_id().insert(id, listener) {
            client.flag_tracker().remove_listener(replaced);
        }
    }

    fn by_id(&self) -> MutexGuard<'_, HashMap<String, ListenerId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Posts a notification. Listeners may block.
fn notify(callback: &Callback, body: &serde_json::Value) {
    if let Err(error) = callback.post(&body.to_string()) {
        tracing::warn!(
            error = describe(&error),
            "the harness did not take a notification"
        );
    }
}
