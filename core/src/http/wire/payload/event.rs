//! [`Event`]: one event of the second protocol.

use serde_json::value::RawValue;
use vexil_eval::Text;
use vexil_eval::json::{Cursor, ObjectReader, Step};
use vexil_eval::model::{Item, ItemReader, Selector};

use super::super::members::{Members, lenient, malformed, members, open, required, text};
use super::super::update::Goodbye;
use super::super::{WireError, version_of};
use super::one_pass::{OnePass, PUT, known_kind};

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
            "server-intent" | PUT | "delete-object" | "payload-transferred" | "error" | "goodbye"
        )
    }

    pub(super) fn read(
        name: &str,
        data: &str,
        objects: &mut ItemReader,
    ) -> Result<Self, WireError> {
        match name {
            "server-intent" => open("server-intent", data, ["payloads"], intent),
            PUT => {
                let mut cursor = Cursor::whole(data);
                let event = Self::read_put(&mut cursor, objects)?;
                cursor.end().map_err(|error| malformed(PUT, error))?;
                // The text is complete, so truncation is already an error.
                event.ok_or(WireError::NotCommitted)
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

    /// Reads the data of a `put-object`. Returns `None` if the end of the data has not arrived.
    pub(super) fn read_put(
        cursor: &mut Cursor<'_>,
        objects: &mut ItemReader,
    ) -> Result<Option<Self>, WireError> {
        if let Ok(item) = cursor.value_with(OnePass(objects)) {
            return Ok(item.map(Self::Change));
        }
        let mut members = ObjectReader::default();
        let mut put = Put::default();
        loop {
            let is_read = match members
                .step(cursor)
                .map_err(|error| malformed(PUT, error))?
            {
                Step::Incomplete => return Ok(None),
                Step::End => return put.finish(objects).map(Some),
                Step::Member(name) => put.member(name, cursor)?,
            };
            if !is_read {
                return Ok(None);
            }
            members.value_read();
        }
    }
}

/// The members of a `put-object` read so far. Null counts as missing; of a duplicate member, the
/// last one wins.
#[derive(Default)]
struct Put<'t> {
    kind: Option<Text>,
    /// The text of the key. Its type does not matter if the kind is unknown.
    key: Option<&'t str>,
    /// The text of the version, which is read only if the object has none.
    version: Option<&'t str>,
    /// The beginning of the object.
    object: Option<Cursor<'t>>,
}

impl<'t> Put<'t> {
    /// Reads a member. Returns whether its end has arrived.
    fn member(&mut self, name: &str, cursor: &mut Cursor<'t>) -> Result<bool, WireError> {
        let invalid = |error| malformed(PUT, error);
        if name == "kind" {
            let kind = cursor.value::<Option<Text>>().map_err(invalid)?;
            let is_read = kind.is_some();
            self.kind = kind.flatten();
            return Ok(is_read);
        }
        let begin = cursor.clone();
        let Some(text) = cursor.text().map_err(invalid)? else {
            return Ok(false);
        };
        let text = Some(text).filter(|text| *text != "null");
        match name {
            "key" => self.key = text,
            "version" => self.version = text,
            "object" => self.object = text.map(|_| begin),
            _ => {}
        }
        Ok(true)
    }

    fn finish(self, objects: &mut ItemReader) -> Result<Event, WireError> {
        let missing = |property| WireError::Missing {
            event: PUT,
            property,
        };
        let Some(kind) = known_kind(&self.kind.ok_or(missing("kind"))?) else {
            return Ok(Event::Ignored);
        };
        let key = key_of(self.key.ok_or(missing("key"))?)?;
        let object = self.object.ok_or(missing("object"))?;
        let item = objects.read_at(kind, key.clone(), &mut object.clone())?;
        // The end of the object has arrived, since that of the event has.
        let item = item.ok_or(missing("object"))?;
        // The version of the object counts, if it has one.
        if item.version() == 0
            && let Some(version) = self.version
            && let Some(object) = object
                .clone()
                .text()
                .map_err(|error| malformed(PUT, error))?
            && matches!(members(PUT, object, ["version"])?, [None])
        {
            let version = version_of(version, || format!("{kind} {key}"))?;
            return Ok(Event::Change(item.with_version(version)));
        }
        Ok(Event::Change(item))
    }
}

/// Reads the text of a key.
fn key_of(text: &str) -> Result<Text, WireError> {
    let key = Cursor::whole(text).value::<Text>();
    let key = key.map_err(|error| malformed(PUT, error))?;
    key.ok_or(WireError::Missing {
        event: PUT,
        property: "key",
    })
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

fn delete([kind, key, version]: Members<'_, 3>) -> Result<Event, WireError> {
    let event = "delete-object";
    let Some(kind) = known_kind(&text(event, "kind", kind)?) else {
        return Ok(Event::Ignored);
    };
    let key = text(event, "key", key)?;
    let version = version_of(required(event, "version", version)?.get(), || {
        format!("{kind} {key}")
    })?;
    Ok(Event::Change(Item::deleted(kind, &*key, version)))
}

#[expect(
    clippy::as_conversions,
    reason = "truncating the fraction and saturating are intended"
)]
fn whole_seconds(seconds: f64) -> i64 {
    seconds as i64
}
