//! [`ClientFlags`]: the values of flags for one context, as client-side SDKs receive them.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::{self, Write};

use bytes::Bytes;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use vexil_eval::model::Flag;
use vexil_eval::{Context, Evaluation, Outcome, Reason, Text, Value, evaluate};

use crate::{Event, Memberships, Rules, SdkFamily};

/// Beyond this number of changes, a stream sends all values again.
const MAX_CHANGES: usize = 100;
/// The number of revisions whose selectors are known.
const MAX_SELECTORS: usize = 1_000;

/// The values of flags for one context, family of SDKs, and choice of reasons; with the history of
/// their changes.
///
/// A change of a segment or of a prerequisite changes values although the flag stays the same. An
/// entry therefore has two versions: that of the flag, which SDKs report in events, and the revision
/// at which the entry has changed, which SDKs compare.
///
/// ```
/// use serde_json::json;
/// use vexil_eval::Context;
/// use vexil_eval::model::DataKind;
/// use vexil_service::{ClientFlags, Items, Rules, SdkFamily};
///
/// let mut items = Items::new("shop-1f0c");
/// let rule = json!({"clauses": [{"op": "segmentMatch", "attribute": "", "values": ["staff"]}], "variation": 1});
/// let flag = json!({
///     "on": true, "variations": ["a", "b"], "fallthrough": {"variation": 0}, "rules": [rule],
/// });
/// items.put(DataKind::Flag, "banner", flag);
/// let mut rules = Rules::default();
/// rules.update(&items)?;
/// let mut flags = ClientFlags::new(&rules, "shop-1f0c", Context::new("ada")?, SdkFamily::Mobile, false);
/// assert_eq!(flags.body(), r#"{"banner":{"version":1,"value":"a","variation":0,"flagVersion":1}}"#);
///
/// items.put(DataKind::Segment, "staff", json!({"included": ["ada"]}));
/// rules.update(&items)?;
/// assert!(flags.update(&rules));
/// let patch = &flags.changes(1)[0];
/// assert_eq!(patch.name(), "patch");
/// assert_eq!(patch.data(), r#"{"key":"banner","version":2,"value":"b","variation":1,"flagVersion":1}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ClientFlags {
    context: Context,
    family: SdkFamily,
    with_reasons: bool,
    payload_id: String,
    /// Names the context, the family and the choice of reasons in selectors.
    view: String,
    entries: BTreeMap<Text, Entry>,
    /// The last states after an evaluation, in order. Another evaluation may have seen a value between
    /// two of them that this one has not, so selectors of other states are unknown.
    evaluated: VecDeque<State>,
    revision: u64,
    /// The big segments of the context; `None` if there is no store.
    memberships: Option<Memberships>,
    /// Whether the memberships have changed since the last evaluation.
    has_other_memberships: bool,
}

/// What a selector names, except the view.
#[derive(Clone, Debug, PartialEq)]
struct State {
    revision: u64,
    /// A hash of the values if there is a big-segment store: then values at one revision may differ.
    values: Option<String>,
}

#[derive(Clone, Debug)]
struct Entry {
    /// The members of the entry's JSON except key and version, with the closing brace. `None` if the
    /// flag is gone, or no longer visible.
    members: Option<String>,
    /// The revision of the last change.
    revision: u64,
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

impl ClientFlags {
    /// Evaluates the flags that SDKs of the family may see. See
    /// [`Items::new`](crate::Items::new) for the payload id.
    #[must_use]
    pub fn new(
        rules: &Rules,
        payload_id: impl Into<String>,
        context: Context,
        family: SdkFamily,
        with_reasons: bool,
    ) -> Self {
        Self::first(
            rules,
            payload_id.into(),
            context,
            family,
            with_reasons,
            None,
        )
    }

    /// Evaluates the flags that SDKs of the family may see, with the big segments of the context. Keys
    /// that are still [needed](Memberships::needed) count as if there was no store.
    #[must_use]
    pub fn with_memberships(
        rules: &Rules,
        payload_id: impl Into<String>,
        context: Context,
        family: SdkFamily,
        with_reasons: bool,
        memberships: Memberships,
    ) -> Self {
        let memberships = Some(memberships);
        let payload_id = payload_id.into();
        Self::first(
            rules,
            payload_id,
            context,
            family,
            with_reasons,
            memberships,
        )
    }

    fn first(
        rules: &Rules,
        payload_id: String,
        context: Context,
        family: SdkFamily,
        with_reasons: bool,
        memberships: Option<Memberships>,
    ) -> Self {
        let view = Self::view(&context, family, with_reasons);
        let mut flags = Self {
            context,
            family,
            with_reasons,
            payload_id,
            view,
            entries: BTreeMap::new(),
            evaluated: VecDeque::new(),
            revision: rules.revision(),
            memberships,
            has_other_memberships: false,
        };
        flags.evaluate(rules, rules.all());
        flags
    }

    /// Evaluates the flags again that a change may affect. Returns whether an entry has changed.
    pub fn update(&mut self, rules: &Rules) -> bool {
        let since = self.revision;
        if rules.revision() == since {
            return false;
        }
        match std::mem::take(&mut self.has_other_memberships) {
            true => self.evaluate(rules, rules.all()),
            false => self.evaluate(rules, rules.affected_after(since)),
        }
    }

    /// Replaces the big segments of the context. The next [`update`](Self::update) to another revision
    /// evaluates all flags with them: until then there is no version for the new values.
    pub fn set_memberships(&mut self, memberships: Memberships) {
        let memberships = Some(memberships);
        self.has_other_memberships |= self.memberships != memberships;
        self.memberships = memberships;
    }

    fn evaluate<'r>(
        &mut self,
        rules: &Rules,
        flags: impl Iterator<Item = (&'r Text, Option<&'r Flag>)>,
    ) -> bool {
        self.revision = rules.revision();
        let mut is_changed = false;
        for (key, flag) in flags {
            let visible = flag.filter(|flag| is_visible(flag, self.family));
            let members = visible.and_then(|flag| self.members(flag, rules));
            let known = self.entries.get(key);
            let is_same = match known {
                Some(known) => known.members == members,
                None => members.is_none(),
            };
            if !is_same {
                is_changed = true;
                let revision = self.revision;
                self.entries
                    .insert(key.clone(), Entry { members, revision });
            }
        }
        let state = State {
            revision: self.revision,
            values: self.memberships.as_ref().map(|_| self.hash()),
        };
        if self.evaluated.back() != Some(&state) {
            self.evaluated.push_back(state);
        }
        if self.evaluated.len() > MAX_SELECTORS {
            self.evaluated.pop_front();
        }
        is_changed
    }

    fn members(&self, flag: &Flag, rules: &Rules) -> Option<String> {
        let (context, with_reasons) = (&self.context, self.with_reasons);
        if let Some(memberships) = &self.memberships
            && let Outcome::Done(evaluation) = evaluate(flag, context, &memberships.over(rules))
        {
            return Some(members(flag, &evaluation, with_reasons));
        }
        match evaluate(flag, context, rules) {
            Outcome::Done(evaluation) => Some(members(flag, &evaluation, with_reasons)),
            // `Rules` knows of every item whether it exists.
            Outcome::Needs(_) => None,
        }
    }

    /// Returns the revision of the items that were evaluated last.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Returns the body of a poll response in the classic protocol.
    #[must_use]
    pub fn body(&self) -> Bytes {
        self.map().into()
    }

    /// Returns the first event of a stream in the classic protocol.
    #[must_use]
    pub fn put(&self) -> Event {
        Event::new("put", self.map())
    }

    /// Returns the events of a stream in the classic protocol that announce the changes after a
    /// revision. The list is empty if no entry has changed. If many have, the event is a
    /// [`put`](Self::put).
    #[must_use]
    pub fn changes(&self, revision: u64) -> Vec<Event> {
        if self.is_much(revision) {
            return vec![self.put()];
        }
        let events = self.changed_after(revision).map(|(key, entry)| {
            let key = json!(key);
            match entry.json() {
                Some(json) => {
                    let members = json.strip_prefix('{').unwrap_or_default();
                    Event::new("patch", format!(r#"{{"key":{key},{members}"#))
                }
                None => {
                    let delete = format!(r#"{{"key":{key},"version":{}}}"#, entry.revision);
                    Event::new("delete", delete)
                }
            }
        });
        events.collect()
    }

    /// Returns the answer of the second protocol to a client with this basis: everything, the
    /// difference, or nothing. The basis of another context is unknown.
    #[must_use]
    pub fn payload(&self, basis: Option<&str>) -> Vec<Event> {
        let known = basis.and_then(|basis| self.revision_of(basis));
        let Some(revision) = known else {
            let reason = match basis {
                None => "payload-missing",
                Some(_) => "cant-catchup",
            };
            return self.everything(reason);
        };
        if self.changed_after(revision).next().is_none() {
            return vec![self.intent("none", "up-to-date")];
        }
        if self.is_much(revision) {
            return self.everything("stale");
        }
        let mut events = vec![self.intent("xfer-changes", "stale")];
        events.extend(self.payload_changes(revision));
        events
    }

    /// Returns the events of an open stream in the second protocol that announce the changes after a
    /// revision, with their commit. The list is empty if no entry has changed. If many have, everything
    /// is sent again.
    #[must_use]
    pub fn payload_changes(&self, revision: u64) -> Vec<Event> {
        if self.is_much(revision) {
            return self.everything("stale");
        }
        let mut events: Vec<_> = self
            .changed_after(revision)
            .map(|(key, entry)| entry.object(key))
            .collect();
        if !events.is_empty() {
            events.push(self.commit());
        }
        events
    }

    /// Returns the selector of the current values. It belongs to this context, family and choice of
    /// reasons.
    #[must_use]
    pub fn selector(&self) -> String {
        let current = self.evaluated.back();
        let values = current.and_then(|state| state.values.as_deref());
        let (payload_id, view) = (&self.payload_id, &self.view);
        let values = values.unwrap_or_default();
        format!("(c:{payload_id}:{}:{view}{values})", self.revision)
    }

    /// Names a context, a family and a choice of reasons.
    pub(crate) fn view(context: &Context, family: SdkFamily, with_reasons: bool) -> String {
        let named = json!([context, format!("{family:?}"), with_reasons]);
        short(&Sha256::digest(named.to_string()))
    }

    fn map(&self) -> String {
        let mut map = String::from("{");
        let present = self
            .entries
            .iter()
            .filter_map(|(key, entry)| Some((key, entry.json()?)));
        for (index, (key, json)) in present.enumerate() {
            let separator = if index == 0 { "" } else { "," };
            // Writing to a string does not fail.
            let _ = write!(map, "{separator}{}:{json}", json!(key));
        }
        map.push('}');
        map
    }

    fn changed_after(&self, revision: u64) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries
            .iter()
            .filter(move |(_, entry)| entry.revision > revision)
            .map(|(key, entry)| (&**key, entry))
    }

    /// Whether so much has changed that a client should receive everything.
    fn is_much(&self, revision: u64) -> bool {
        let count = self.changed_after(revision).count();
        count > MAX_CHANGES
    }

    /// The revision that a selector names. `None` if its changes are unknown.
    fn revision_of(&self, selector: &str) -> Option<u64> {
        let rest = selector
            .strip_prefix("(c:")?
            .strip_prefix(&*self.payload_id)?;
        let rest = rest.strip_prefix(':')?.strip_suffix(')')?;
        let (revision, view) = rest.split_once(':')?;
        let revision = revision.parse().ok()?;
        let values = view.strip_prefix(&*self.view)?;
        let states = &self.evaluated;
        let state = states.binary_search_by_key(&revision, |state| state.revision);
        let state = state.ok().and_then(|at| states.get(at))?;
        let is_known = values == state.values.as_deref().unwrap_or_default();
        is_known.then_some(revision)
    }

    /// A hash of the entries except their versions.
    fn hash(&self) -> String {
        let mut hash = Sha256::new();
        for (key, entry) in &self.entries {
            if let Some(members) = &entry.members {
                hash.update(json!([key, members]).to_string());
            }
        }
        short(&hash.finalize())
    }

    fn everything(&self, reason: &str) -> Vec<Event> {
        let mut events = vec![self.intent("xfer-full", reason)];
        let present = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.members.is_some());
        events.extend(present.map(|(key, entry)| entry.object(key)));
        events.push(self.commit());
        events
    }

    fn intent(&self, code: &str, reason: &str) -> Event {
        let payload = json!({
            "id": self.payload_id,
            "target": self.revision,
            "intentCode": code,
            "reason": reason,
        });
        Event::new("server-intent", json!({"payloads": [payload]}).to_string())
    }

    fn commit(&self) -> Event {
        let commit = json!({"state": self.selector(), "version": self.revision});
        Event::new("payload-transferred", commit.to_string())
    }
}

/// Omits the context, which is personal data, and the values.
impl fmt::Debug for ClientFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientFlags")
            .field("family", &self.family)
            .field("with_reasons", &self.with_reasons)
            .field("revision", &self.revision)
            .field("entries", &self.entries.len())
            .finish_non_exhaustive()
    }
}

/// Returns the event that makes a client poll the values again.
///
/// ```
/// assert_eq!(vexil_service::ping().name(), "ping");
/// ```
#[must_use]
pub fn ping() -> Event {
    Event::new("ping", " ")
}

impl Entry {
    /// Returns the JSON without the key.
    fn json(&self) -> Option<String> {
        let members = self.members.as_ref()?;
        Some(format!(r#"{{"version":{},{members}"#, self.revision))
    }

    /// Returns the event of the second protocol. Some SDKs read the version beside the object, others
    /// the one in it.
    fn object(&self, key: &str) -> Event {
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

/// The first digits of a hash.
fn short(hash: &[u8]) -> String {
    let bytes = hash.iter().take(8);
    bytes.map(|byte| format!("{byte:02x}")).collect()
}

fn is_visible(flag: &Flag, family: SdkFamily) -> bool {
    match family {
        SdkFamily::Server => true,
        SdkFamily::Mobile => flag.using_mobile_key(),
        SdkFamily::JavaScript => flag.using_environment_id(),
    }
}

/// Returns the members of an entry without the opening brace.
fn members(flag: &Flag, evaluation: &Evaluation<'_>, with_reasons: bool) -> String {
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

#[cfg(test)]
mod tests;
