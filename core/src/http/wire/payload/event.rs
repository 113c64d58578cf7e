//! [`Event`]: one event of the second protocol.

use serde_json::value::RawValue;
use vexil_eval::model::{DataKind, Item, ItemReader, Selector};

use super::super::members::{Members, lenient, malformed, members, open, required, text};
use super::super::update::Goodbye;
use super::super::{WireError, version_of};

/// An event of the second protocol (FDV2-2.2).
#[derive(Debug)]
pub(super) enum Event {
    /// Announces what follows.
    Intent(String),
    /// Writes or deletes an item.
    Change(Item),
    /// Ends the changes, which lead to this state.
    Commit(Option<Selector>),
    /// The changes so far are void.
    Error { reason: Option<String> },
    /// The service is about to close the connection.
    Goodbye(Goodbye),
    /// No meaning.
    Ignored,
}

impl Event {
    /// Whether an event of this name has a meaning. The data of others is not looked at.
    pub(super) fn is_known(name: &str) -> bool {
        matches!(
            name,
            "server-intent"
                | "put-object"
                | "delete-object"
                | "payload-transferred"
                | "error"
                | "goodbye"
        )
    }

    pub(super) fn read(
        name: &str,
        data: &str,
        objects: &mut ItemReader,
    ) -> Result<Self, WireError> {
        match name {
            "server-intent" => open("server-intent", data, ["payloads"], intent),
            "put-object" => {
                let names = ["kind", "key", "object", "version"];
                open("put-object", data, names, |members| put(members, objects))
            }
            "delete-object" => open("delete-object", data, ["kind", "key", "version"], delete),
            "payload-transferred" => open("payload-transferred", data, ["state"], |[state]| {
                let state = text("payload-transferred", "state", state)?;
                Ok(Self::Commit(Selector::new(&*state)))
            }),
            // What these two say is clear without their members.
            "error" => Ok(Self::Error {
                reason: open("error", data, ["reason"], |[reason]| Ok(lenient(reason)))
                    .unwrap_or_default(),
            }),
            "goodbye" => {
                let names = ["reason", "silent", "protocolFallbackTTL"];
                let goodbye = open("goodbye", data, names, |[reason, silent, seconds]| {
                    Ok(Goodbye {
                        reason: lenient(reason),
                        is_silent: lenient(silent).unwrap_or(false),
                        fallback_seconds: lenient(seconds).map(whole_seconds),
                    })
                });
                Ok(Self::Goodbye(goodbye.unwrap_or_default()))
            }
            _ => Ok(Self::Ignored),
        }
    }
}

/// The first payload counts (FDV2-2.2).
fn intent([payloads]: Members<'_, 1>) -> Result<Event, WireError> {
    let event = "server-intent";
    let payloads = required(event, "payloads", payloads)?;
    let payloads: Vec<&RawValue> =
        serde_json::from_str(payloads.get()).map_err(|error| malformed(event, error))?;
    let first = required(event, "payload", payloads.first().copied())?;
    let [code] = members(event, first.get(), ["intentCode"])?;
    Ok(Event::Intent(text(event, "intentCode", code)?.into_owned()))
}

fn put(
    [kind, key, object, version]: Members<'_, 4>,
    objects: &mut ItemReader,
) -> Result<Event, WireError> {
    let event = "put-object";
    let Some(kind) = known_kind(event, kind)? else {
        return Ok(Event::Ignored);
    };
    let key = text(event, "key", key)?;
    let object = required(event, "object", object)?.get();
    let item = objects.read(kind, &*key, object)?;
    // The version of the object counts, if it has one.
    if item.version() == 0
        && let Some(version) = version
        && matches!(members(event, object, ["version"])?, [None])
    {
        let version = version_of(version, || format!("{kind} {key}"))?;
        return Ok(Event::Change(item.with_version(version)));
    }
    Ok(Event::Change(item))
}

fn delete([kind, key, version]: Members<'_, 3>) -> Result<Event, WireError> {
    let event = "delete-object";
    let Some(kind) = known_kind(event, kind)? else {
        return Ok(Event::Ignored);
    };
    let key = text(event, "key", key)?;
    let version = version_of(required(event, "version", version)?, || {
        format!("{kind} {key}")
    })?;
    Ok(Event::Change(Item::deleted(kind, &*key, version)))
}

/// The kind of an object; `None` if this SDK does not know it.
fn known_kind(event: &'static str, kind: Option<&RawValue>) -> Result<Option<DataKind>, WireError> {
    Ok(match &*text(event, "kind", kind)? {
        "flag" => Some(DataKind::Flag),
        "segment" => Some(DataKind::Segment),
        _ => None,
    })
}

#[expect(
    clippy::as_conversions,
    reason = "truncating the fraction and saturating are intended"
)]
fn whole_seconds(seconds: f64) -> i64 {
    seconds as i64
}
