//! Runs the evaluator under test on the unmodified case.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;

use serde_json::Value;
use vexil::Context;
use vexil::eval::{
    BigSegmentsStatus, Evaluation, Found, Lookup, MembershipAnswer, Outcome, evaluate,
};
use vexil::model::{DataSet, Entry, Flag, ItemData, Segment};

use crate::case::Case;
use crate::observed::Observed;

/// Evaluates every flag of the case, in the order of [`Case::flag_keys`].
#[must_use]
pub fn evaluate_all(case: &Case) -> Vec<Observed> {
    let parsed = Parsed::new(case);
    case.flag_keys()
        .map(|key| match &parsed {
            Ok(parsed) => parsed.observe(key),
            Err(error) => Observed::failed("REFUSED", error),
        })
        .collect()
}

/// The case in our types. The items keep their JSON.
#[derive(Debug)]
#[non_exhaustive]
pub struct Parsed {
    /// The context.
    pub context: Context,
    /// The data set.
    pub data: Data,
}

impl Parsed {
    /// Reads a case.
    ///
    /// # Errors
    ///
    /// Returns a message if the context or an item cannot be read.
    pub fn new(case: &Case) -> Result<Self, String> {
        let context =
            Context::from_str(&case.context.to_string()).map_err(|error| error.to_string())?;
        let data = DataSet::from_json(case.data_set().to_string().as_bytes())
            .map_err(|error| format!("{error}: {}", error.source))?;
        Ok(Self {
            context,
            data: Data {
                flags: present(data.flags),
                segments: present(data.segments),
                no_store: MembershipAnswer::new(None, BigSegmentsStatus::NotConfigured),
            },
        })
    }

    /// Returns the same case, whose items do not keep their JSON.
    #[must_use]
    pub fn without_json(mut self) -> Self {
        self.data.flags = without_json(self.data.flags);
        self.data.segments = without_json(self.data.segments);
        self
    }

    fn observe(&self, key: &str) -> Observed {
        let Some(flag) = self.data.flags.get(key) else {
            return Observed::failed("LOST", "the flag is not in the data set");
        };
        match evaluate(flag, &self.context, &self.data) {
            Outcome::Done(evaluation) => observe(&evaluation),
            Outcome::Needs(need) => Observed::failed("NEEDS", &format!("{need:?}")),
        }
    }
}

fn observe(evaluation: &Evaluation<'_>) -> Observed {
    let (index, value) = evaluation.variation.unzip();
    Observed::new(
        value.map(Value::from),
        index.and_then(|index| i64::try_from(index).ok()),
        serde_json::to_value(evaluation.reason()).unwrap_or_default(),
    )
}

/// A data set by key, without a big-segment store.
#[derive(Debug)]
pub struct Data {
    flags: HashMap<String, Arc<Flag>>,
    segments: HashMap<String, Arc<Segment>>,
    no_store: MembershipAnswer,
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

fn present<T: ItemData>(entries: Vec<Entry<T>>) -> HashMap<String, Arc<T>> {
    entries
        .iter()
        .filter_map(|entry| Some((entry.key().to_string(), entry.present()?.clone())))
        .collect()
}

fn without_json<T: ItemData>(items: HashMap<String, Arc<T>>) -> HashMap<String, Arc<T>> {
    let entries = items.into_values().map(Entry::Present);
    present(entries.map(Entry::without_json).collect())
}
