//! Adds to an item what other SDKs require.
//!
//! vexil reads items from which most members are missing. Other SDKs refuse such an item, or all
//! items together with it. [`complete`] adds the missing members with the values that their absence
//! means. Everything that is there stays as it is: order, unknown members, white space, and the text
//! of numbers. Only a version that differs from the item's is replaced.
//!
//! Depends on nothing of the command except the table of members.

use std::borrow::Cow;

use serde_json::Error;
use vexil::json::{ArrayReader, ArrayStep, Cursor, ObjectReader, Step};
use vexil::model::DataKind;

use crate::schema::{self, Member, Object, Shape};

/// Returns the JSON of an item with all members that other SDKs require.
///
/// `key` is the key of the item, which is added if the JSON has none, and `version` is its version.
///
/// # Errors
/// Returns an error if the JSON is not a valid object.
pub(crate) fn complete<'j>(
    kind: DataKind,
    key: &str,
    version: u64,
    json: &'j str,
) -> Result<Cow<'j, str>, Error> {
    let object = match kind {
        DataKind::Flag => &schema::FLAG,
        DataKind::Segment => &schema::SEGMENT,
    };
    let item = Item { key, version };
    let mut changes = Changes::default();
    let mut cursor = Cursor::whole(json);
    changes.object(&mut cursor, object, Some(&item))?;
    cursor.end()?;
    Ok(changes.apply(json))
}

/// The members that differ from item to item.
struct Item<'i> {
    key: &'i str,
    version: u64,
}

impl Item<'_> {
    fn value_of(&self, member: &Member) -> Option<String> {
        match member.name {
            "key" => Some(serde_json::Value::from(self.key).to_string()),
            "version" => Some(self.version.to_string()),
            _ => None,
        }
    }
}

/// Changes of a text, in its order.
#[derive(Debug, Default)]
struct Changes(Vec<Change>);

#[derive(Debug)]
struct Change {
    begin: usize,
    end: usize,
    /// Replaces what is between the positions.
    text: String,
}

impl Changes {
    /// Completes an object; at the top level that of an item.
    fn object(
        &mut self,
        cursor: &mut Cursor<'_>,
        object: &'static Object,
        item: Option<&Item<'_>>,
    ) -> Result<(), Error> {
        let mut reader = ObjectReader::default();
        let mut known: Vec<&str> = Vec::new();
        let mut is_empty = true;
        // Where the last of several equal members is, which is the one that counts.
        let mut version = None;
        while let Step::Member(name) = reader.step(cursor)? {
            is_empty = false;
            let member = object.member(name);
            let begin = cursor.value_begins();
            match member {
                Some(member) => {
                    known.push(member.name);
                    self.value(cursor, member.shape)?;
                }
                None => skip(cursor)?,
            }
            if member.is_some_and(|member| member.name == "version") {
                version = Some((begin, cursor.position(), cursor.since(begin).to_vec()));
            }
            reader.value_read();
        }
        if let (Some(item), Some((begin, end, text))) = (item, version)
            && !is_version(&text, item.version)
        {
            self.replace(begin, end, item.version.to_string());
        }
        let missing = object
            .members
            .iter()
            .filter(|member| member.required && !known.contains(&member.name));
        let mut added = String::new();
        for member in missing {
            if !is_empty || !added.is_empty() {
                added.push(',');
            }
            let value = item.and_then(|item| item.value_of(member));
            let value = value.map_or_else(|| member.default.json(), Cow::Owned);
            added.push_str(&format!("\"{}\":{value}", member.name));
        }
        if !added.is_empty() {
            // Before the closing brace.
            let end = cursor.position() - 1;
            self.replace(end, end, added);
        }
        Ok(())
    }

    /// Completes the objects of a value.
    fn value(&mut self, cursor: &mut Cursor<'_>, shape: Shape) -> Result<(), Error> {
        let begin = cursor.value_begins();
        let mut probe = cursor.clone();
        let text = probe.text()?.unwrap_or_default();
        match shape {
            Shape::Object(object) if text.starts_with('{') => self.object(cursor, object, None),
            Shape::List(element, _) | Shape::Unordered(element, _) if text.starts_with('[') => {
                let mut reader = ArrayReader::default();
                while reader.step(cursor)? == ArrayStep::Element {
                    self.value(cursor, Shape::Object(element))?;
                    reader.value_read();
                }
                Ok(())
            }
            _ => {
                debug_assert_eq!(begin + text.len(), probe.position());
                *cursor = probe;
                Ok(())
            }
        }
    }

    fn replace(&mut self, begin: usize, end: usize, text: String) {
        self.0.push(Change { begin, end, text });
    }

    fn apply(mut self, json: &str) -> Cow<'_, str> {
        if self.0.is_empty() {
            return json.into();
        }
        // An item's version is noted after the parts of the item that follow it.
        self.0.sort_by_key(|change| change.begin);
        let mut complete = String::with_capacity(json.len() + 256);
        let mut done = 0;
        for Change { begin, end, text } in self.0 {
            complete.push_str(json.get(done..begin).unwrap_or_default());
            complete.push_str(&text);
            done = end;
        }
        complete.push_str(json.get(done..).unwrap_or_default());
        complete.into()
    }
}

fn skip(cursor: &mut Cursor<'_>) -> Result<(), Error> {
    cursor.text().map(drop)
}

/// Whether a JSON number is this version. SDKs ignore its fraction.
fn is_version(text: &[u8], version: u64) -> bool {
    match serde_json::from_slice(text) {
        Ok(serde_json::Value::Number(number)) => match number.as_u64() {
            Some(number) => number == version,
            None => number
                .as_f64()
                .is_some_and(|number| number.trunc() == version as f64),
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::diff::tests::items;

    fn completed(kind: DataKind, json: &str) -> String {
        complete(kind, "k", 3, json).unwrap().into_owned()
    }

    #[test]
    fn a_minimal_flag_has_all_members_that_other_sdks_require() {
        let flag: Value = serde_json::from_str(&completed(DataKind::Flag, "{}")).unwrap();
        let expected = json!({
            "key": "k", "version": 3, "on": false, "variations": [], "fallthrough": {}, "offVariation": null,
            "salt": "", "prerequisites": [], "targets": [], "contextTargets": [], "rules": [],
            "trackEvents": false, "trackEventsFallthrough": false, "debugEventsUntilDate": null,
            "clientSide": false, "deleted": false,
        });
        assert_eq!(flag, expected);
        let segment: Value = serde_json::from_str(&completed(DataKind::Segment, " { } ")).unwrap();
        let expected = json!({
            "key": "k", "version": 3, "included": [], "excluded": [], "salt": "", "rules": [], "deleted": false,
        });
        assert_eq!(segment, expected);
    }

    #[test]
    fn the_parts_of_an_item_are_completed_too() {
        let flag = r#"{"key":"k","version":3,"on":true,"prerequisites":[{"key":"p"}],"targets":[{}],
            "rules":[{},{"clauses":[{"op":"in"}],"rollout":{"variations":[{"weight":1e5}]}}],
            "fallthrough":{"rollout":{}}}"#;
        let completed: Value = serde_json::from_str(&completed(DataKind::Flag, flag)).unwrap();
        assert_eq!(
            completed["prerequisites"],
            json!([{"key": "p", "variation": 0}])
        );
        assert_eq!(
            completed["targets"],
            json!([{"variation": 0, "values": []}])
        );
        let clause = json!({"op": "in", "attribute": "", "values": [], "negate": false});
        let share = json!({"weight": 1e5, "variation": 0});
        let rules = json!([
            {"clauses": [], "trackEvents": false},
            {"clauses": [clause], "trackEvents": false, "rollout": {"variations": [share]}},
        ]);
        assert_eq!(completed["rules"], rules);
        assert_eq!(
            completed["fallthrough"],
            json!({"rollout": {"variations": []}})
        );
    }

    #[test]
    fn what_is_there_stays_as_it_is() {
        let flag = "{ \"x\\u0065\" : 1.50, \"on\":true ,\"rules\":null,\"variations\":[ {\"rules\":[{}]} ,1E2],\n\
                    \"salt\":\"\\ud800\", \"\\udc00\":[{}], \"version\" : 3.0 }";
        let completed = completed(DataKind::Flag, flag);
        let (kept, _) = flag.rsplit_once(" }").unwrap();
        assert!(completed.starts_with(kept), "{completed}");
        let again = complete(DataKind::Flag, "k", 3, &completed).unwrap();
        assert!(matches!(again, Cow::Borrowed(text) if text == completed));
    }

    #[test]
    fn a_version_that_is_not_the_item_s_is_replaced_in_its_place() {
        for (version, expected) in [
            ("2", "3"),
            ("3", "3"),
            ("3.7", "3.7"),
            ("\"3\"", "3"),
            ("null", "3"),
        ] {
            let segment = format!(r#"{{"version":{version},"rules":[{{}}],"key":"k"}}"#);
            let completed = completed(DataKind::Segment, &segment);
            let begin = format!(r#"{{"version":{expected},"rules":[{{"clauses":[]}}],"key":"k""#);
            assert!(completed.starts_with(&begin), "{completed}");
        }
        // The last of two members counts.
        let twice = completed(DataKind::Segment, r#"{"version":3,"version":1}"#);
        assert!(twice.starts_with(r#"{"version":3,"version":3,"#), "{twice}");
    }

    #[test]
    fn text_that_is_no_object_is_an_error() {
        for text in ["", "[]", "7", "{", "{} {}", r#"{"on":}"#] {
            assert!(complete(DataKind::Flag, "k", 1, text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn completion_changes_no_meaning_and_completes_once(item in items()) {
            let (kind, item) = item;
            let text = item.to_string();
            let completed = complete(kind, "k", 3, &text).unwrap();
            let again = complete(kind, "k", 3, &completed).unwrap();
            prop_assert_eq!(&again, &completed);
            let read: Value = serde_json::from_str(&completed).unwrap();
            let edits = crate::diff::tests::edits(kind, &item, &read);
            prop_assert!(edits.is_empty(), "{:?}", edits);
        }
    }
}
