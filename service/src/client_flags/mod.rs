//! [`ClientFlags`]: the values of flags for one context, as client-side SDKs receive them.

mod entry;
mod events;
mod selector;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use vexil_eval::model::Flag;
use vexil_eval::{Context, Outcome, Text, evaluate};

use self::entry::{Entry, members};
pub use self::events::ping;
use self::selector::State;
use crate::{Memberships, Rules, SdkFamily};

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
        self.remember_state();
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

fn is_visible(flag: &Flag, family: SdkFamily) -> bool {
    match family {
        SdkFamily::Server => true,
        SdkFamily::Mobile => flag.using_mobile_key(),
        SdkFamily::JavaScript => flag.using_environment_id(),
    }
}
