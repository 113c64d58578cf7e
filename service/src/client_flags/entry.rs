//! [`Entry`]: the value of one flag for a context.

use serde::Serialize;
use serde_json::json;
use vexil_eval::model::Flag;
use vexil_eval::{Evaluation, Reason, Text, Value};

use crate::Event;

#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The members of the entry's JSON except key and version, with the closing brace. `None` if the
    /// flag is gone, or no longer visible.
    pub(super) members: Option<String>,
    /// The revision of the last change.
    pub(super) revision: u64,
}

/// The JSON of an entry, except key and version.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Members<'a> {
    /// Null if the flag has no value for the context.
    value: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    variation: Option<usize>,
    flag_version: u64,
    #[serde(skip_serializing_if = "is_false")]
    track_events: bool,
    #[serde(skip_serializing_if = "is_false")]
    track_reason: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    debug_events_until_date: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    prerequisites: Vec<&'a Text>,
}

fn is_false(value: &bool) -> bool {
    !value
}

impl Entry {
    /// Returns the JSON without the key.
    pub(super) fn json(&self) -> Option<String> {
        let members = self.members.as_ref()?;
        Some(format!(r#"{{"version":{},{members}"#, self.revision))
    }

    /// Returns the event of the second protocol. Some SDKs read the version beside the object, others
    /// the one in it.
    pub(super) fn object(&self, key: &str) -> Event {
        let version = self.revision;
        let head = format!(
            r#"{{"version":{version},"kind":"flag-eval","key":{}"#,
            json!(key)
        );
        match self.json() {
            Some(json) => Event::new("put-object", format!(r#"{head},"object":{json}}}"#)),
            None => Event::new("delete-object", format!("{head}}}")),
        }
    }
}

/// Returns the members of an entry without the opening brace.
pub(super) fn members(flag: &Flag, evaluation: &Evaluation<'_>, with_reasons: bool) -> String {
    let is_experiment = evaluation.verdict.is_experiment(flag);
    let direct = evaluation
        .prerequisites()
        .iter()
        .filter(|evaluated| evaluated.prerequisite_of == flag.key());
    let (variation, value) = evaluation.variation.unzip();
    let members = Members {
        value: value.unwrap_or(&Value::Null),
        variation,
        flag_version: flag.version(),
        track_events: flag.track_events() || is_experiment,
        track_reason: is_experiment,
        reason: (with_reasons || is_experiment).then(|| evaluation.reason()),
        debug_events_until_date: flag.debug_events_until().filter(|until| *until > 0),
        prerequisites: direct.map(|evaluated| evaluated.flag.key()).collect(),
    };
    // Serialization fails only for map keys that are not strings, and for failing writers.
    let json = serde_json::to_string(&members).unwrap_or_default();
    json.get(1..).unwrap_or_default().to_owned()
}
