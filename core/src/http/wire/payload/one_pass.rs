//! [`OnePass`], [`OnePassEntry`]: read a `put-object` in one pass of the parser, with its members in
//! the order in which the service sends them.
//!
//! Complete data is thousands of such events, so this decides how long a client takes to start.
//! Everything else is an error here: another order, a repeated member, an unknown kind, an object
//! without a version, a malformed one. The event is then read again, member by member.

use std::fmt;

use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use vexil_eval::Text;
use vexil_eval::model::{DataKind, Item, ItemReader};

/// The name of the event.
pub(super) const PUT: &str = "put-object";

/// Reads the data of a `put-object`.
pub(super) struct OnePass<'r>(pub(super) &'r mut ItemReader);

/// Reads the entry of a `put-object` in the body of a poll.
pub(super) struct OnePassEntry<'r>(pub(super) &'r mut ItemReader);

/// Reads the object of this kind and key.
struct Object<'r> {
    kind: DataKind,
    key: Text,
    objects: &'r mut ItemReader,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Member {
    Kind,
    Key,
    Object,
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum EntryMember {
    Event,
    Data,
    #[serde(other)]
    Other,
}

fn unusual<E: Error>() -> E {
    E::custom("an unusual event")
}

impl<'de> DeserializeSeed<'de> for OnePass<'_> {
    type Value = Item;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Item, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for OnePass<'_> {
    type Value = Item;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Item, A::Error> {
        let (mut kind, mut key, mut item) = (None, None, None);
        while let Some(member) = map.next_key()? {
            match (member, kind, &key, &item) {
                (Member::Kind, None, ..) => {
                    kind = Some(known_kind(&map.next_value::<Text>()?).ok_or_else(unusual)?);
                }
                (Member::Key, _, None, _) => key = Some(map.next_value::<Text>()?),
                (Member::Object, Some(kind), Some(key), None) => {
                    item = Some(map.next_value_seed(Object {
                        kind,
                        key: key.clone(),
                        objects: &mut *self.0,
                    })?);
                }
                (Member::Other, ..) => {
                    map.next_value::<IgnoredAny>()?;
                }
                _ => return Err(unusual()),
            }
        }
        // Without a version the object has that of the event.
        item.filter(|item| item.version() != 0).ok_or_else(unusual)
    }
}

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = Item;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Item, D::Error> {
        if self.objects.keeps_json() {
            let json = <&RawValue>::deserialize(deserializer)?;
            let read = self.objects.read(self.kind, self.key, json.get());
            read.map_err(Error::custom)
        } else {
            self.objects.deserialize(self.kind, self.key, deserializer)
        }
    }
}

impl<'de> DeserializeSeed<'de> for OnePassEntry<'_> {
    type Value = Item;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Item, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for OnePassEntry<'_> {
    type Value = Item;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Item, A::Error> {
        let (mut is_put, mut item) = (false, None);
        while let Some(member) = map.next_key()? {
            match member {
                EntryMember::Event if !is_put => {
                    is_put = map.next_value::<Text>()? == PUT;
                    if !is_put {
                        return Err(unusual());
                    }
                }
                EntryMember::Data if is_put && item.is_none() => {
                    item = Some(map.next_value_seed(OnePass(&mut *self.0))?);
                }
                EntryMember::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
                EntryMember::Event | EntryMember::Data => return Err(unusual()),
            }
        }
        item.ok_or_else(unusual)
    }
}

/// The kind of an object; `None` if this SDK does not know it.
pub(super) fn known_kind(name: &str) -> Option<DataKind> {
    match name {
        "flag" => Some(DataKind::Flag),
        "segment" => Some(DataKind::Segment),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use vexil_eval::json::Cursor;

    use super::super::event::Event;
    use super::*;

    fn event(version: &str, object: &str) -> String {
        format!(r#"{{"version":{version},"kind":"flag","key":"a","object":{object}}}"#)
    }

    fn entry(data: &str) -> String {
        format!(r#"{{"event":"put-object","data":{data}}}"#)
    }

    fn one_pass(data: &str, keep_json: bool) -> Result<Item, serde_json::Error> {
        let mut objects = ItemReader::new(keep_json);
        let item = Cursor::whole(data).value_with(OnePass(&mut objects));
        item.map(Option::unwrap)
    }

    fn shown(item: &Item) -> String {
        format!("{item:?} {:?}", item.json())
    }

    #[test]
    fn the_events_of_the_service_are_read_in_one_pass() {
        let object = r#"{"key": "b", "on":true,"version": 7}"#;
        let data = event("1", object);
        let with_json = one_pass(&data, true).unwrap();
        let read = ItemReader::new(true).read(DataKind::Flag, "a", object);
        assert_eq!(shown(&with_json), shown(&read.unwrap()));
        assert_eq!(with_json.json().as_deref(), Some(object.as_bytes()));
        let without = one_pass(&data, false).unwrap();
        assert_eq!(shown(&without), shown(&with_json.without_json()));

        let mut objects = ItemReader::new(false);
        let text = entry(&data);
        let entry = Cursor::whole(&text).value_with(OnePassEntry(&mut objects));
        assert_eq!(shown(&entry.unwrap().unwrap()), shown(&without));
    }

    #[test]
    fn everything_else_is_left_to_the_other_reader() {
        let object = r#"{"version":7}"#;
        let unusual = [
            event("1", "{}"),
            event("1", "null"),
            event("1", r#"{"version":7,"on":"yes"}"#),
            event("1", object).replace("flag", "holdout"),
            event("1", object).replace(r#""a""#, "null"),
            event("1", object).replace(r#""version":1"#, r#""key":"b""#),
            event("1", object).replace(r#""kind":"flag","#, ""),
            format!(r#"{{"object":{object},"kind":"flag","key":"a"}}"#),
            format!(r#"{{"kind":"flag","key":"a","object":{object},"object":{object}}}"#),
            format!(r#"{{"kind":"flag","key":"a","object":{object},"kind":"segment"}}"#),
            format!(r#"{{"kind":"flag","key":"a","object":{object},"key":"b"}}"#),
            "[]".to_owned(),
        ];
        for data in unusual {
            for keep_json in [false, true] {
                assert!(one_pass(&data, keep_json).is_err(), "{data}");
            }
        }
        let data = event("1", object);
        let unusual = [
            entry(&data).replace("put", "delete"),
            format!(r#"{{"data":{data},"event":"put-object"}}"#),
            format!(r#"{{"event":"put-object","data":{data},"data":{data}}}"#),
            format!(r#"{{"event":"put-object","data":{data},"event":"error"}}"#),
            r#"{"event":"put-object"}"#.to_owned(),
        ];
        for entry in unusual {
            let mut objects = ItemReader::new(false);
            let read = Cursor::whole(&entry).value_with(OnePassEntry(&mut objects));
            assert!(read.is_err(), "{entry}");
        }
    }

    #[test]
    fn both_readers_read_the_same() {
        let objects = [
            r#"{"version":7,"on":true,"variations":[1.5,"x",{"a":null}]}"#.to_owned(),
            r#"{"version":7,"deleted":true}"#.to_owned(),
            r#"{"version":7,"deleted":true,"on":"yes"}"#.to_owned(),
            r#"{"version":7,"on":"yes","on":true}"#.to_owned(),
            r#"{"version":7,"salt":"\ud800"}"#.to_owned(),
            r#"{"version":0}"#.to_owned(),
            "{}".to_owned(),
        ];
        for object in &objects {
            for keep_json in [false, true] {
                let read = |data: &str| {
                    let mut objects = ItemReader::new(keep_json);
                    let read = Event::read(PUT, data, &mut objects).unwrap();
                    let Event::Change(item) = read else {
                        panic!("{data}: {read:?}")
                    };
                    shown(&item)
                };
                // With the object first, an event is read member by member.
                let first = format!(r#"{{"object":{object},"key":"a","kind":"flag","version":4}}"#);
                assert_eq!(read(&event("4", object)), read(&first), "{object}");
            }
        }
    }

    #[test]
    fn an_event_may_be_cut_off_anywhere() {
        let data = event("1", r#"{"version":7,"variations":["é"]}"#);
        let text = entry(&data);
        for cut in (1..text.len()).filter(|cut| text.is_char_boundary(*cut)) {
            let mut objects = ItemReader::new(false);
            let mut cursor = Cursor::arriving(&text[..cut]);
            let read = cursor.value_with(OnePassEntry(&mut objects));
            assert!(matches!(read, Ok(None)), "{cut}: {read:?}");
            assert_eq!(cursor.position(), 0);
        }
    }
}
