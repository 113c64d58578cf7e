//! Evaluations agree with other SDKs: random flags and contexts of `bench/differential`, with the
//! results on which the published Python and Rust SDKs agree. `scripts/evaluation-cases` writes them.

#![cfg(test)]

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::sync::Arc;

use flate2::read::GzDecoder;
use serde::Deserialize;
use serde_json::Value as Json;
use vexil_eval::model::{DataSet, Entry, Flag, ItemData, Segment};
use vexil_eval::{
    BigSegmentsStatus, Context, Found, Lookup, MembershipAnswer, Outcome, Value, evaluate,
};

/// A line of the file. It also has the members `flags` and `segments` of a data set.
#[derive(Deserialize)]
struct Case {
    context: Context,
    results: BTreeMap<String, Expected>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Expected {
    /// `Null` if the default is returned, which has no index.
    value: Value,
    index: Option<usize>,
    reason: Json,
}

/// A data set by key, without a big-segment store.
struct Data {
    flags: HashMap<String, Arc<Flag>>,
    segments: HashMap<String, Arc<Segment>>,
    no_store: MembershipAnswer,
}

impl Data {
    fn read(line: &str) -> Self {
        let data = DataSet::from_json(line.as_bytes()).unwrap();
        Self {
            flags: by_key(&data.flags),
            segments: by_key(&data.segments),
            no_store: MembershipAnswer::new(None, BigSegmentsStatus::NotConfigured),
        }
    }

    fn result(&self, key: &str, context: &Context) -> Expected {
        let Outcome::Done(evaluation) = evaluate(&self.flags[key], context, self) else {
            panic!("{key} needs data that is not in the case");
        };
        let (index, value) = evaluation.variation.unzip();
        Expected {
            value: value.cloned().unwrap_or_default(),
            index,
            reason: serde_json::to_value(evaluation.reason()).unwrap(),
        }
    }
}

impl Lookup for Data {
    fn flag(&self, key: &str) -> Found<&Flag> {
        self.flags.get(key).map(Arc::as_ref).into()
    }

    fn segment(&self, key: &str) -> Found<&Segment> {
        self.segments.get(key).map(Arc::as_ref).into()
    }

    fn membership(&self, _: &str) -> Found<&MembershipAnswer> {
        Found::Present(&self.no_store)
    }
}

fn by_key<T: ItemData>(entries: &[Entry<T>]) -> HashMap<String, Arc<T>> {
    let present = |entry: &Entry<T>| Some((entry.key().to_string(), entry.present()?.clone()));
    entries.iter().filter_map(present).collect()
}

#[test]
fn evaluations_have_the_results_of_other_sdks() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/evaluations.jsonl.gz"
    );
    let lines = BufReader::new(GzDecoder::new(File::open(path).unwrap())).lines();
    let mut kinds = BTreeMap::<String, usize>::new();
    for line in lines {
        let line = line.unwrap();
        let case: Case = serde_json::from_str(&line).unwrap();
        let data = Data::read(&line);
        for (key, expected) in &case.results {
            let result = data.result(key, &case.context);
            assert_eq!(result, *expected, "{key} in {line}");
            let kind = result.reason["kind"].as_str().unwrap();
            *kinds.entry(kind.to_owned()).or_default() += 1;
        }
    }
    // Every kind of result occurs.
    for kind in [
        "ERROR",
        "FALLTHROUGH",
        "OFF",
        "PREREQUISITE_FAILED",
        "RULE_MATCH",
        "TARGET_MATCH",
    ] {
        let count = kinds.get(kind).copied().unwrap_or_default();
        assert!(count >= 20, "{kind} occurs {count} times");
    }
}
