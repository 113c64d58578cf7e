//! [`Row`]: one item of a list.

use serde::Serialize;
use serde_json::Value;
use vexil::Text;
use vexil::model::{Flag, Item, Segment};

type Members = serde_json::Map<String, Value>;

/// One item of a list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Row {
    pub(super) kind: String,
    pub(super) key: Text,
    pub(super) version: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    deleted: bool,
    /// Whether a flag is on.
    #[serde(skip_serializing_if = "Option::is_none")]
    on: Option<bool>,
    /// The number of variations of a flag.
    #[serde(skip_serializing_if = "Option::is_none")]
    variations: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rules: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prerequisites: Option<Vec<Text>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    segments: Option<Vec<Text>>,
    /// Whether a segment is a big segment.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    big: bool,
    /// The generation of a big segment.
    #[serde(skip_serializing_if = "Option::is_none")]
    generation: Option<i64>,
    pub(super) bytes: usize,
}

impl Row {
    pub(super) fn new(item: &Item, bytes: usize) -> Self {
        let mut row = Self {
            kind: item.kind().to_string(),
            key: item.key().clone(),
            version: item.version(),
            deleted: item.is_deleted(),
            on: None,
            variations: None,
            rules: None,
            prerequisites: None,
            segments: None,
            big: false,
            generation: None,
            bytes,
        };
        let json = item.json().unwrap_or_default();
        // An item that was read is a JSON object.
        let json: Members = serde_json::from_slice(&json).unwrap_or_default();
        match item {
            Item::Flag(entry) => {
                if let Some(flag) = entry.present() {
                    row.fill_flag(flag, &json);
                }
            }
            Item::Segment(entry) => {
                if let Some(segment) = entry.present() {
                    row.fill_segment(segment, &json);
                }
            }
        }
        row
    }

    fn fill_flag(&mut self, flag: &Flag, json: &Members) {
        self.on = Some(flag.is_on());
        self.variations = Some(flag.variations().len());
        self.rules = Some(rules(json));
        self.prerequisites = Some(flag.prerequisites().cloned().collect());
        self.segments = Some(distinct(flag.segments()));
    }

    fn fill_segment(&mut self, segment: &Segment, json: &Members) {
        self.rules = Some(rules(json));
        self.segments = Some(distinct(segment.segments()));
        self.big = segment.is_big();
        self.generation = json.get("generation").and_then(Value::as_i64);
    }

    /// Returns the cells of a table: key, kind, version, state, variations, rules, uses.
    pub(super) fn cells(&self) -> Vec<String> {
        let number = |number: Option<usize>| {
            number.map_or_else(|| "–".to_owned(), |number| number.to_string())
        };
        let state = match (self.deleted, self.on, self.big, self.generation) {
            (true, ..) => "deleted".to_owned(),
            (_, Some(true), ..) => "on".to_owned(),
            (_, Some(false), ..) => "off".to_owned(),
            (_, _, true, Some(generation)) => format!("big (g{generation})"),
            (_, _, true, None) => "big".to_owned(),
            _ => "–".to_owned(),
        };
        let named = |name: &str, keys: &Option<Vec<Text>>| {
            let keys = keys.iter().flatten();
            keys.map(|key| format!("{name} {key}")).collect::<Vec<_>>()
        };
        let mut uses = named("flag", &self.prerequisites);
        uses.extend(named("segment", &self.segments));
        let uses = if uses.is_empty() {
            "–".to_owned()
        } else {
            uses.join(", ")
        };
        vec![
            self.key.to_string(),
            self.kind.clone(),
            self.version.to_string(),
            state,
            number(self.variations),
            number(self.rules),
            uses,
        ]
    }
}

fn rules(json: &Members) -> usize {
    json.get("rules")
        .and_then(Value::as_array)
        .map_or(0, Vec::len)
}

fn distinct<'t>(keys: impl Iterator<Item = &'t Text>) -> Vec<Text> {
    let mut distinct: Vec<Text> = Vec::new();
    for key in keys {
        if !distinct.contains(key) {
            distinct.push(key.clone());
        }
    }
    distinct
}
