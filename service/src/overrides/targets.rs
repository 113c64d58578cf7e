//! Makes contexts individual targets of a flag.
//!
//! A flag has two lists of targets: the older `targets`, with users, and `contextTargets`, with
//! contexts of all kinds. If the second is empty, the first is tried in its order. Otherwise the
//! order is that of the second, in which an entry of kind `user` without keys stands for the first
//! older list of the same variation (EVAL-4.5). Some SDKs know users only in this form, so it is
//! the one that is written.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Value, json};

use super::apply::serve_all;
use super::{ContextOverride, OverrideError, USER};

/// Makes contexts targets, before all other targets. The flag is one that the evaluator can read.
pub(super) fn add(flag: &mut Value, contexts: &[ContextOverride]) -> Result<(), OverrideError> {
    if contexts.is_empty() {
        return Ok(());
    }
    let mut users: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    let mut others = Vec::new();
    for (index, context) in contexts.iter().enumerate() {
        let variation = context.result.variation(flag, index)?;
        match context.kind == USER {
            true => users.entry(variation).or_default().push(&context.key),
            false => others.push((context, variation)),
        }
    }
    if flag.get("on").and_then(Value::as_bool) != Some(true) {
        serve_off_variation(flag)?;
    }
    let mut targets = Targets::take(flag);
    for context in contexts {
        targets.remove(context);
    }
    // Each comes first, so the first one is added last.
    for (variation, keys) in users.into_iter().rev() {
        targets.add_users(&keys, variation);
    }
    for (context, variation) in others.into_iter().rev() {
        targets.add_context(context, variation);
    }
    targets.put(flag);
    Ok(())
}

/// The kind of a list of keys.
pub(super) fn kind_of(list: &Value) -> &str {
    let kind = list.get("contextKind").and_then(Value::as_str);
    kind.filter(|kind| !kind.is_empty()).unwrap_or(USER)
}

/// Switches on a flag that is off, so that it still returns its off variation.
fn serve_off_variation(flag: &mut Value) -> Result<(), OverrideError> {
    let off = flag.get("offVariation").filter(|off| !off.is_null());
    let off = off.ok_or(OverrideError::NoOffVariation)?.clone();
    serve_all(flag, off);
    Ok(())
}

/// The targets of a flag. All are in `lists`, in the order in which they are tried, where an entry of
/// kind `user` without keys stands for one of `older`, which is a list of users.
#[derive(Default)]
struct Targets {
    older: Vec<Value>,
    lists: Vec<Value>,
}

impl Targets {
    fn take(flag: &mut Value) -> Self {
        let mut take = |name: &str| match flag.get_mut(name).map(Value::take) {
            Some(Value::Array(lists)) => lists,
            _ => Vec::new(),
        };
        let (older, lists) = (take("targets"), take("contextTargets"));
        match lists.is_empty() {
            true => Self::from_older(older),
            false => Self::from_both(older, lists),
        }
    }

    /// Adds the entries that stand for the older lists. Lists of one variation are merged.
    fn from_older(older: Vec<Value>) -> Self {
        let mut targets = Self::default();
        let mut known = HashSet::new();
        for mut list in older {
            if kind_of(&list) != USER {
                targets.lists.push(list);
                continue;
            }
            let variation = variation_of(&list);
            // The first list that contains a key decides, whatever is merged.
            let mut users = keys(&list).to_vec();
            users.retain(|key| known.insert(key.clone()));
            match position(&targets.older, variation).and_then(|at| targets.older.get_mut(at)) {
                Some(first) => {
                    let merged = [keys(first), &*users].concat();
                    set_keys(first, merged);
                }
                None => {
                    set_keys(&mut list, users);
                    targets.lists.push(placeholder(&list));
                    targets.older.push(list);
                }
            }
        }
        targets
    }

    /// Replaces the entries that stand for lists of other kinds.
    fn from_both(older: Vec<Value>, lists: Vec<Value>) -> Self {
        let mut targets = Self { older, lists };
        for list in &mut targets.lists {
            let first = position(&targets.older, variation_of(list))
                .filter(|_| is_placeholder(list))
                .and_then(|at| targets.older.get(at));
            if let Some(first) = first.filter(|first| kind_of(first) != USER) {
                list.clone_from(first);
            }
        }
        targets
    }

    /// Removes a context from all lists.
    fn remove(&mut self, context: &ContextOverride) {
        let remove = |list: &mut Value| {
            let mut keys = keys(list).to_vec();
            let is_listed = kind_of(list) == context.kind && keys.contains(&json!(context.key));
            if is_listed {
                keys.retain(|key| *key != context.key);
                set_keys(list, keys);
            }
            is_listed
        };
        for list in &mut self.older {
            remove(list);
        }
        // Without keys, a list of users would stand for an older one.
        self.lists
            .retain_mut(|list| !remove(list) || !keys(list).is_empty());
    }

    /// Adds users to the list of a variation, which comes first.
    fn add_users(&mut self, users: &[&str], index: usize) {
        let variation = i64::try_from(index).unwrap_or(i64::MAX);
        let mut all = self.targeted(variation);
        all.extend(users.iter().map(|key| Value::from(*key)));

        let place = position(&self.older, variation);
        let known = place.and_then(|at| self.older.get(at)).cloned();
        let known = known.filter(|list| kind_of(list) == USER);
        let mut list = known.unwrap_or_else(|| json!({"variation": index}));
        set_keys(&mut list, all);
        let entry = placeholder(&list);
        let is_of_variation = |list: &Value| variation_of(list) == variation;
        self.older.retain(|list| !is_of_variation(list));
        let place = place.unwrap_or(self.older.len());
        self.older.insert(place, list);
        self.lists
            .retain(|list| !(is_placeholder(list) && is_of_variation(list)));
        self.lists.insert(0, entry);
    }

    /// Adds a context of another kind as a list that comes first.
    fn add_context(&mut self, context: &ContextOverride, variation: usize) {
        let list = json!({
            "contextKind": context.kind,
            "variation": variation,
            "values": [context.key],
        });
        self.lists.insert(0, list);
    }

    /// The users that are targeted by the entry for the older list of a variation. There are none
    /// without such an entry, and those in an earlier list do not count.
    fn targeted(&self, variation: i64) -> Vec<Value> {
        let mut earlier = HashSet::new();
        for list in self.lists.iter().filter(|list| kind_of(list) == USER) {
            let older = match is_placeholder(list) {
                true => position(&self.older, variation_of(list)).and_then(|at| self.older.get(at)),
                false => None,
            };
            let users = keys(older.unwrap_or(list));
            if is_placeholder(list) && variation_of(list) == variation {
                let targeted = users.iter().filter(|key| !earlier.contains(key));
                return targeted.cloned().collect();
            }
            earlier.extend(users);
        }
        Vec::new()
    }

    fn put(self, flag: &mut Value) {
        flag["targets"] = self.older.into();
        flag["contextTargets"] = self.lists.into();
    }
}

/// The entry that stands for an older list.
fn placeholder(list: &Value) -> Value {
    json!({"contextKind": USER, "variation": variation_of(list), "values": []})
}

fn is_placeholder(list: &Value) -> bool {
    kind_of(list) == USER && keys(list).is_empty()
}

/// The position of the first list of a variation.
fn position(lists: &[Value], variation: i64) -> Option<usize> {
    lists
        .iter()
        .position(|list| variation_of(list) == variation)
}

fn keys(list: &Value) -> &[Value] {
    let keys = list.get("values").and_then(Value::as_array);
    keys.map(Vec::as_slice).unwrap_or_default()
}

fn set_keys(list: &mut Value, keys: Vec<Value>) {
    // The reader has accepted the list, so it is an object.
    if let Some(list) = list.as_object_mut() {
        list.insert("values".to_owned(), keys.into());
    }
}

/// The variation as SDKs read it, without a fraction.
#[expect(
    clippy::as_conversions,
    reason = "truncating the fraction and saturating are intended"
)]
fn variation_of(list: &Value) -> i64 {
    let variation = list.get("variation").and_then(Value::as_number);
    variation.map_or(0, |variation| match variation.as_i64() {
        Some(integer) => integer,
        None => variation.as_f64().unwrap_or(0.0) as i64,
    })
}
