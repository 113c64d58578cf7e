//! Adds to an item the members that SDKs require.
//!
//! Some SDKs refuse an item from which certain members are missing, or all items together with it.
//! [`complete`] adds these members with the values that their absence means. Everything else stays
//! as it is: order, unknown members, white space, and the text of numbers. Only a version that
//! differs from the item's is replaced.

use std::borrow::Cow;

use serde_json::Error;
use vexil_eval::json::{ArrayReader, ArrayStep, Cursor, ObjectReader, Step};
use vexil_eval::model::DataKind;

/// Returns the JSON of an item with all members that SDKs require.
///
/// `key` is the key of the item, which is added if the JSON has none, and `version` is its version.
///
/// ```
/// use vexil_eval::model::DataKind;
/// use vexil_service::complete;
///
/// let segment = complete(DataKind::Segment, "staff", 3, r#"{ "included": ["ada"] }"#)?;
/// assert!(segment.starts_with(r#"{ "included": ["ada"] ,"key":"staff","version":3,"excluded":[],"#));
/// assert_eq!(complete(DataKind::Segment, "staff", 3, &segment)?, segment);
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// # Errors
/// Returns an error if the JSON is not a valid object.
pub fn complete<'j>(
    kind: DataKind,
    key: &str,
    version: u64,
    json: &'j str,
) -> Result<Cow<'j, str>, Error> {
    let object = match kind {
        DataKind::Flag => &FLAG,
        DataKind::Segment => &SEGMENT,
    };
    let item = Item { key, version };
    let mut changes = Changes {
        json,
        list: Vec::new(),
    };
    let mut cursor = Cursor::whole(json);
    changes.object(&mut cursor, object, Some(&item))?;
    cursor.end()?;
    Ok(changes.apply())
}

/// An object with required members.
struct Object {
    /// The names and the JSON that is added for a missing one.
    required: &'static [(&'static str, &'static str)],
    /// The members that are such objects, or lists of them.
    parts: &'static [(&'static str, &'static Self)],
}

/// The key and the version of an item replace their JSON here.
const KEY: &str = "key";
const VERSION: &str = "version";

static FLAG: Object = Object {
    required: &[
        (KEY, "\"\""),
        (VERSION, "0"),
        ("on", "false"),
        ("variations", "[]"),
        ("fallthrough", "{}"),
        ("offVariation", "null"),
        ("salt", "\"\""),
        ("prerequisites", "[]"),
        ("targets", "[]"),
        ("contextTargets", "[]"),
        ("rules", "[]"),
        ("trackEvents", "false"),
        ("trackEventsFallthrough", "false"),
        ("debugEventsUntilDate", "null"),
        ("clientSide", "false"),
        ("deleted", "false"),
    ],
    parts: &[
        ("fallthrough", &SERVE),
        ("prerequisites", &PREREQUISITE),
        ("targets", &TARGET),
        ("contextTargets", &TARGET),
        ("rules", &FLAG_RULE),
    ],
};

static SEGMENT: Object = Object {
    required: &[
        (KEY, "\"\""),
        (VERSION, "0"),
        ("included", "[]"),
        ("excluded", "[]"),
        ("salt", "\"\""),
        ("rules", "[]"),
        ("deleted", "false"),
    ],
    parts: &[
        ("includedContexts", &SEGMENT_TARGET),
        ("excludedContexts", &SEGMENT_TARGET),
        ("rules", &SEGMENT_RULE),
    ],
};

static PREREQUISITE: Object = Object {
    required: &[("key", "\"\""), ("variation", "0")],
    parts: &[],
};

static TARGET: Object = Object {
    required: &[("variation", "0"), ("values", "[]")],
    parts: &[],
};

static SEGMENT_TARGET: Object = Object {
    required: &[("values", "[]")],
    parts: &[],
};

static FLAG_RULE: Object = Object {
    required: &[("clauses", "[]"), ("trackEvents", "false")],
    parts: &[("clauses", &CLAUSE), ("rollout", &ROLLOUT)],
};

static SEGMENT_RULE: Object = Object {
    required: &[("clauses", "[]")],
    parts: &[("clauses", &CLAUSE)],
};

static CLAUSE: Object = Object {
    required: &[
        ("attribute", "\"\""),
        ("op", "\"\""),
        ("values", "[]"),
        ("negate", "false"),
    ],
    parts: &[],
};

/// A variation, or a rollout.
static SERVE: Object = Object {
    required: &[],
    parts: &[("rollout", &ROLLOUT)],
};

static ROLLOUT: Object = Object {
    required: &[("variations", "[]")],
    parts: &[("variations", &SHARE)],
};

static SHARE: Object = Object {
    required: &[("variation", "0"), ("weight", "0")],
    parts: &[],
};

/// The members that differ from item to item.
struct Item<'i> {
    key: &'i str,
    version: u64,
}

impl Item<'_> {
    fn value_of(&self, name: &str) -> Option<String> {
        match name {
            KEY => Some(serde_json::Value::from(self.key).to_string()),
            VERSION => Some(self.version.to_string()),
            _ => None,
        }
    }
}

/// Changes of a text.
#[derive(Debug)]
struct Changes<'j> {
    json: &'j str,
    list: Vec<Change>,
}

#[derive(Debug)]
struct Change {
    begin: usize,
    end: usize,
    /// Replaces the text between the positions.
    text: String,
}

impl<'j> Changes<'j> {
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
        // The position of the last of several equal members, which is the one that counts.
        let mut version = None;
        while let Step::Member(name) = reader.step(cursor)? {
            is_empty = false;
            let required = object.required.iter().find(|(member, _)| name == member);
            let part = object.parts.iter().find(|(member, _)| name == member);
            let begin = cursor.value_begins();
            known.extend(required.map(|(member, _)| *member));
            match part {
                Some((_, part)) => self.part(cursor, part)?,
                None => cursor.text().map(drop)?,
            }
            if required.is_some_and(|(member, _)| *member == VERSION) {
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
            .required
            .iter()
            .filter(|(member, _)| !known.contains(member));
        let mut added = String::new();
        for (member, default) in missing {
            if !is_empty || !added.is_empty() {
                added.push(',');
            }
            let value = item.and_then(|item| item.value_of(member));
            let value = value.as_deref().unwrap_or(default);
            added.push_str(&format!("\"{member}\":{value}"));
        }
        if !added.is_empty() {
            // Before the closing brace.
            let end = cursor.position() - 1;
            self.replace(end, end, added);
        }
        Ok(())
    }

    /// Completes a member that is an object or a list of objects. Another value stays as it is.
    fn part(&mut self, cursor: &mut Cursor<'_>, object: &'static Object) -> Result<(), Error> {
        if !self.begins_with(b'[', cursor) {
            return self.element(cursor, object);
        }
        let mut reader = ArrayReader::default();
        while reader.step(cursor)? == ArrayStep::Element {
            self.element(cursor, object)?;
            reader.value_read();
        }
        Ok(())
    }

    /// Completes an object. Another value stays as it is.
    fn element(&mut self, cursor: &mut Cursor<'_>, object: &'static Object) -> Result<(), Error> {
        match self.begins_with(b'{', cursor) {
            true => self.object(cursor, object, None),
            false => cursor.text().map(drop),
        }
    }

    /// Whether the next value begins with this byte.
    fn begins_with(&self, byte: u8, cursor: &mut Cursor<'_>) -> bool {
        self.json.as_bytes().get(cursor.value_begins()) == Some(&byte)
    }

    fn replace(&mut self, begin: usize, end: usize, text: String) {
        self.list.push(Change { begin, end, text });
    }

    fn apply(mut self) -> Cow<'j, str> {
        let json = self.json;
        if self.list.is_empty() {
            return json.into();
        }
        // An item's version is noted after the parts of the item that follow it.
        self.list.sort_by_key(|change| change.begin);
        let mut complete = String::with_capacity(json.len() + 256);
        let mut done = 0;
        for Change { begin, end, text } in self.list {
            complete.push_str(json.get(done..begin).unwrap_or_default());
            complete.push_str(&text);
            done = end;
        }
        complete.push_str(json.get(done..).unwrap_or_default());
        complete.into()
    }
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
mod tests;
