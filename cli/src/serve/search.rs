//! [`SearchIndex`]: finds flags by words in them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::environment::Environment;
use super::snapshot::Snapshot;

/// The searchable text of each flag: its key, its values, and the attributes, segments and
/// prerequisites that it uses.
#[derive(Debug, Default)]
pub(super) struct SearchIndex(Mutex<Index>);

#[derive(Debug, Default)]
struct Index {
    texts: BTreeMap<String, String>,
    revision: u64,
}

impl SearchIndex {
    /// Adds what has changed up to a snapshot, so that the next search does not have to.
    fn update(&self, snapshot: &Snapshot) {
        let mut index = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        index.update(snapshot);
    }

    /// Returns the keys of the flags that contain all words of a query, in any case.
    pub(super) fn find(&self, snapshot: &Snapshot, query: &str) -> Vec<String> {
        let mut index = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        index.update(snapshot);
        let query = query.to_lowercase();
        let words: Vec<_> = query.split_whitespace().collect();
        let texts = index.texts.iter();
        texts
            .filter(|(_, text)| words.iter().all(|word| text.contains(word)))
            .map(|(key, _)| key.clone())
            .collect()
    }
}

impl Environment {
    /// Keeps the index up to date.
    pub(crate) async fn index(self: Arc<Self>) {
        let mut snapshots = self.snapshots();
        snapshots.mark_changed();
        while snapshots.changed().await.is_ok() {
            let snapshot = Arc::clone(&snapshots.borrow_and_update());
            let environment = Arc::clone(&self);
            let indexed = tokio::task::spawn_blocking(move || environment.search.update(&snapshot));
            if let Err(error) = indexed.await {
                tracing::error!("flags could not be indexed: {error}");
            }
        }
    }
}

impl Index {
    fn update(&mut self, snapshot: &Snapshot) {
        if snapshot.revision() <= self.revision {
            return;
        }
        let flags = snapshot.items.of_kind(vexil::model::DataKind::Flag);
        for (key, item) in flags.filter(|(_, item)| item.revision() > self.revision) {
            match item.json() {
                Some(json) => {
                    let text = searchable(key, json);
                    self.texts.insert(key.to_owned(), text);
                }
                None => drop(self.texts.remove(key)),
            }
        }
        self.revision = snapshot.revision();
    }
}

fn searchable(key: &str, json: &str) -> String {
    let mut text = key.to_lowercase();
    let Ok(flag) = serde_json::from_str::<Value>(json) else {
        return text;
    };
    let mut add = |words: &str| {
        text.push('\n');
        text.push_str(&words.to_lowercase());
    };
    for value in elements(&flag["variations"]) {
        match value {
            Value::String(value) => add(value),
            value => add(&value.to_string()),
        }
    }
    for required in elements(&flag["prerequisites"]) {
        add(required["key"].as_str().unwrap_or_default());
    }
    for clause in elements(&flag["rules"]).flat_map(|rule| elements(&rule["clauses"])) {
        add(clause["attribute"].as_str().unwrap_or_default());
        if clause["op"] == "segmentMatch" {
            elements(&clause["values"])
                .for_each(|segment| add(segment.as_str().unwrap_or_default()));
        }
    }
    text
}

fn elements(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_is_found_by_what_it_uses_and_not_by_the_names_of_properties() {
        let flag = r#"{"variations": ["Dark", {"size": 7}], "salt": "x1y2", "prerequisites": [{"key": "base"}],
            "targets": [{"values": ["ada"]}], "rules": [{"clauses": [
                {"attribute": "plan", "op": "in", "values": ["gold"]},
                {"attribute": "", "op": "segmentMatch", "values": ["Staff"]}]}]}"#;
        let text = searchable("Theme", flag);
        for found in ["theme", "dark", "size", "base", "plan", "staff"] {
            assert!(text.contains(found), "{found}");
        }
        for absent in ["variations", "x1y2", "segmentmatch", "gold", "ada"] {
            assert!(!text.contains(absent), "{absent}");
        }
    }
}
