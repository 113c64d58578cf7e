//! The data set as a store of the peer.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use launchdarkly_server_sdk_evaluation::{Context, Flag, Reason, Segment, Store, evaluate};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::deviation::UNDEMANDED_INDEX;

/// Flags and segments by key.
///
/// It can hide that the peer never removes a failed prerequisite from its path: a flag whose
/// prerequisites fail is returned without them and with the off variation as its fallthrough. The
/// peer then gets the same result and leaves nothing on the path.
pub(super) struct PeerStore {
    flags: HashMap<String, (Flag, Value)>,
    segments: HashMap<String, Segment>,
    settles_failures: Option<Settling>,
}

struct Settling {
    context: Context,
    /// Keys being evaluated by [`PeerStore::settled`]; reaching one again is a cycle, which is left
    /// to the peer.
    under_way: RefCell<HashSet<String>>,
}

impl PeerStore {
    pub(super) fn new(settles_failures: Option<Context>) -> Self {
        Self {
            flags: HashMap::new(),
            segments: HashMap::new(),
            settles_failures: settles_failures.map(|context| Settling {
                context,
                under_way: RefCell::default(),
            }),
        }
    }

    pub(super) fn insert_flag(&mut self, key: &str, json: &Value) -> Result<(), serde_json::Error> {
        let flag = Flag::deserialize(json)?;
        self.flags.insert(key.to_owned(), (flag, json.clone()));
        Ok(())
    }

    pub(super) fn insert_segment(
        &mut self,
        key: &str,
        json: &Value,
    ) -> Result<(), serde_json::Error> {
        let segment = Segment::deserialize(json)?;
        self.segments.insert(key.to_owned(), segment);
        Ok(())
    }

    /// Returns the flag without its prerequisites if they fail.
    fn settled(&self, flag: &Flag, json: &Value) -> Option<Flag> {
        let settling = self.settles_failures.as_ref()?;
        if json.get("prerequisites")?.as_array()?.is_empty()
            || !settling.under_way.borrow_mut().insert(flag.key.clone())
        {
            return None;
        }
        let reason = evaluate(self, flag, &settling.context, None).reason;
        settling.under_way.borrow_mut().remove(&flag.key);
        if !matches!(reason, Reason::PrerequisiteFailed { .. }) {
            return None;
        }
        let mut settled = json.clone();
        let off = match json.get("offVariation") {
            Some(index) if !index.is_null() => index.clone(),
            _ => json!(UNDEMANDED_INDEX),
        };
        let object = settled.as_object_mut()?;
        for list in ["prerequisites", "targets", "contextTargets", "rules"] {
            object.insert(list.into(), json!([]));
        }
        object.insert("fallthrough".into(), json!({ "variation": off }));
        serde_json::from_value(settled).ok()
    }
}

impl Store for PeerStore {
    fn flag(&self, flag_key: &str) -> Option<Flag> {
        let (flag, json) = self.flags.get(flag_key)?;
        Some(self.settled(flag, json).unwrap_or_else(|| flag.clone()))
    }

    fn segment(&self, segment_key: &str) -> Option<Segment> {
        self.segments.get(segment_key).cloned()
    }
}
