//! The selectors of [`ClientFlags`].

use serde_json::json;
use sha2::{Digest, Sha256};
use vexil_eval::Context;

use super::ClientFlags;
use crate::SdkFamily;

/// The number of states whose selectors are known.
const MAX_STATES: usize = 1_000;

/// What a selector names, except the view.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct State {
    revision: u64,
    /// A hash of the values if there is a big-segment store: then values at one revision may differ.
    values: Option<String>,
}

impl ClientFlags {
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

    /// Makes the selector of the current values known.
    pub(super) fn remember_state(&mut self) {
        let state = State {
            revision: self.revision,
            values: self.memberships.as_ref().map(|_| self.hash()),
        };
        if self.evaluated.back() != Some(&state) {
            self.evaluated.push_back(state);
        }
        if self.evaluated.len() > MAX_STATES {
            self.evaluated.pop_front();
        }
    }

    /// The revision that a selector names. `None` if its changes are unknown.
    pub(super) fn revision_of(&self, selector: &str) -> Option<u64> {
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
}

/// The first digits of a hash.
fn short(hash: &[u8]) -> String {
    let bytes = hash.iter().take(8);
    bytes.map(|byte| format!("{byte:02x}")).collect()
}
