//! Runs the published evaluator on the same case.
//!
//! It runs twice: on the unmodified case, and on the case with the peer's known deviations
//! compensated (see [`deviation`](crate::deviation)). Rejected data and panics are recorded as
//! results too.

mod store;

use std::panic::{AssertUnwindSafe, catch_unwind};

use launchdarkly_server_sdk_evaluation::{Context, Flag, FlagValue, Reason, evaluate};
use serde::Deserialize;
use serde_json::Value;

use crate::case::Case;
use crate::deviation::{Deviation, DeviationSet, Prepared};
use crate::observed::Observed;
use store::PeerStore;

/// Evaluates every flag of the case, in the order of [`Case::flag_keys`], with the deviations of
/// the set compensated.
#[must_use]
pub fn evaluate_all(case: &Case, compensated: DeviationSet) -> Vec<Observed> {
    let prepared = Prepared::new(case, compensated);
    let parsed = Parsed::new(&prepared, compensated);
    case.flag_keys()
        .map(|key| match &parsed {
            Ok(parsed) => parsed.observe(key, compensated),
            Err(error) => Observed::failed("REFUSED", error),
        })
        .collect()
}

/// The case in the peer's types.
struct Parsed {
    asked: Vec<(String, Flag)>,
    store: PeerStore,
    context: Context,
}

impl Parsed {
    fn new(prepared: &Prepared, compensated: DeviationSet) -> Result<Self, String> {
        let parse = |error: serde_json::Error| error.to_string();
        let context = Context::deserialize(&prepared.case.context).map_err(parse)?;
        let settles = compensated.contains(Deviation::FailedPrerequisiteOnPath);
        let mut store = PeerStore::new(settles.then(|| context.clone()));
        let mut asked = Vec::new();
        for (key, flag) in &prepared.case.flags {
            let flag = Flag::deserialize(flag).map_err(parse)?;
            asked.push((key.clone(), flag));
        }
        for (key, flag) in &prepared.prerequisites {
            store.insert_flag(key, flag).map_err(parse)?;
        }
        for (key, segment) in &prepared.case.segments {
            store.insert_segment(key, segment).map_err(parse)?;
        }
        Ok(Self {
            asked,
            store,
            context,
        })
    }

    fn observe(&self, key: &str, compensated: DeviationSet) -> Observed {
        let Some((_, flag)) = self.asked.iter().find(|(asked, _)| asked == key) else {
            return Observed::failed("LOST", "the flag is not in the data set");
        };
        let answer = catch_unwind(AssertUnwindSafe(|| {
            let detail = evaluate(&self.store, flag, &self.context, None);
            let is_error = matches!(detail.reason, Reason::Error { .. });
            let clears = is_error && compensated.contains(Deviation::IndexLeftInError);
            Observed::new(
                detail.value.map(plain),
                detail.variation_index.filter(|_| !clears).map(|i| i as i64),
                serde_json::to_value(&detail.reason).unwrap_or_default(),
            )
        }));
        answer.unwrap_or_else(|_| Observed::failed("PANICKED", "the message is on standard error"))
    }
}

fn plain(value: &FlagValue) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}
