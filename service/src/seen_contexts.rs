//! [`SeenContexts`]: the contexts that SDKs have sent.

use std::collections::VecDeque;
use std::fmt;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use vexil_eval::Context;

/// The largest JSON of a context that is kept, in bytes.
const MAX_BYTES: usize = 64 << 10;

/// The last distinct contexts that SDKs have sent, newest first. Of contexts with the same kinds and
/// keys, the newest is kept.
///
/// ```
/// use serde_json::json;
/// use vexil_service::SeenContexts;
///
/// let mut contexts = SeenContexts::new(200);
/// contexts.add(1, "JSClient/4.10.3", &r#"{"kind": "user", "key": "ada", "plan": "pro"}"#.parse()?);
/// let event = json!({"kind": "identify", "context": {"kind": "org", "key": "acme"}});
/// contexts.add_event(2, "GoClient/7.14.6", &event);
/// let rows = serde_json::to_value(contexts.iter().collect::<Vec<_>>())?;
/// let expected = json!([
///     {"context": {"kind": "org", "key": "acme"}, "sdk": "GoClient/7.14.6", "at": 2},
///     {"context": {"kind": "user", "key": "ada", "plan": "pro"}, "sdk": "JSClient/4.10.3", "at": 1},
/// ]);
/// assert_eq!(rows, expected);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct SeenContexts {
    max: usize,
    contexts: VecDeque<SeenContext>,
}

/// A context that an SDK has sent. The JSON has the names `context`, `sdk` and `at`.
#[derive(Clone, Serialize)]
pub struct SeenContext {
    context: Box<RawValue>,
    sdk: String,
    at: u64,
    /// The fully qualified key.
    #[serde(skip)]
    key: String,
    #[serde(skip)]
    is_whole: bool,
}

impl SeenContexts {
    /// Creates an empty list of at most this many contexts.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self {
            max,
            contexts: VecDeque::new(),
        }
    }

    /// Adds the context of a request, at a time in milliseconds since the epoch. A context whose JSON is
    /// larger than 64 KiB is ignored.
    pub fn add(&mut self, at: u64, sdk: &str, context: &Context) {
        self.insert(at, sdk, context, true);
    }

    /// Adds the context of an event of the kinds `identify` and `index`. Other events, and contexts that
    /// cannot be read, are ignored. SDKs omit private attributes in events, so a context of which some
    /// were omitted does not replace a whole one.
    pub fn add_event(&mut self, at: u64, sdk: &str, event: &Value) {
        let kind = event.get("kind").and_then(Value::as_str);
        if !matches!(kind, Some("identify" | "index")) {
            return;
        }
        // Older SDKs send a user.
        let json = event.get("context").or_else(|| event.get("user"));
        let context = json.and_then(|json| json.to_string().parse().ok());
        if let (Some(json), Some(context)) = (json, context) {
            self.insert(at, sdk, &context, !has_redacted(json));
        }
    }

    /// Returns the contexts, newest first.
    pub fn iter(&self) -> impl Iterator<Item = &SeenContext> {
        self.contexts.iter()
    }

    fn insert(&mut self, at: u64, sdk: &str, context: &Context, is_whole: bool) {
        let Ok(json) = to_raw_value(context) else {
            return;
        };
        if json.get().len() > MAX_BYTES {
            return;
        }
        let key = context.fully_qualified_key();
        let place = self.contexts.iter().position(|known| known.key == key);
        let known = place.and_then(|place| self.contexts.remove(place));
        let whole = known.filter(|known| known.is_whole && !is_whole);
        let (context, is_whole) = match whole {
            Some(known) => (known.context, true),
            None => (json, is_whole),
        };
        self.contexts.push_front(SeenContext {
            context,
            sdk: sdk.to_owned(),
            at,
            key: key.to_owned(),
            is_whole,
        });
        self.contexts.truncate(self.max);
    }
}

/// Whether attributes were omitted from a context, or from a member of it.
fn has_redacted(context: &Value) -> bool {
    let is_redacted = |context: &Value| {
        let of_context = context.pointer("/_meta/redactedAttributes");
        // In the form of a user.
        let redacted = of_context.or_else(|| context.get("privateAttrs"));
        redacted.is_some_and(Value::is_array)
    };
    let members = context.as_object().into_iter().flatten();
    is_redacted(context) || members.map(|(_, member)| member).any(is_redacted)
}

impl SeenContext {
    /// Returns the JSON of the context.
    #[must_use]
    pub fn json(&self) -> &str {
        self.context.get()
    }
}

/// Omits the context, which is personal data.
impl fmt::Debug for SeenContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeenContext")
            .field("sdk", &self.sdk)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn seen(contexts: &SeenContexts) -> Vec<Value> {
        let parsed = |seen: &SeenContext| serde_json::from_str(seen.json()).unwrap();
        contexts.iter().map(parsed).collect()
    }

    fn event(kind: &str, context: Value) -> Value {
        json!({"kind": kind, "context": context})
    }

    #[test]
    fn the_last_distinct_contexts_are_kept() {
        let mut contexts = SeenContexts::new(3);
        for (at, key) in ["a", "b", "a", "c", "d"].into_iter().enumerate() {
            let context = Context::builder(key)
                .set("n", at.to_string())
                .build()
                .unwrap();
            contexts.add(u64::try_from(at).unwrap(), "sdk", &context);
        }
        let expected = [("d", "4"), ("c", "3"), ("a", "2")];
        let expected = expected.map(|(key, n)| json!({"kind": "user", "key": key, "n": n}));
        assert_eq!(seen(&contexts), expected);
        // The same key of another kind is another context.
        let org = Context::with_kind("a", "org").unwrap();
        contexts.add(9, "sdk", &org);
        assert_eq!(contexts.iter().count(), 3);
        assert_eq!(seen(&contexts)[0], json!({"kind": "org", "key": "a"}));
    }

    #[test]
    fn only_identify_and_index_events_have_contexts() {
        let mut contexts = SeenContexts::new(9);
        let ada = json!({"kind": "user", "key": "ada"});
        for ignored in [
            event("feature", ada.clone()),
            event("index", json!(7)),
            event("index", json!({"kind": "kind", "key": "a"})),
            event(
                "index",
                json!({"kind": "user", "key": "a", "x": "y".repeat(MAX_BYTES)}),
            ),
            json!({"kind": "index"}),
            json!("index"),
        ] {
            contexts.add_event(1, "sdk", &ignored);
        }
        assert_eq!(contexts.iter().count(), 0);
        contexts.add_event(1, "sdk", &event("index", ada));
        let user = json!({"kind": "identify", "user": {"key": "bob", "custom": {"x": 1}}});
        contexts.add_event(2, "sdk", &user);
        let expected = json!([
            {"kind": "user", "key": "bob", "x": 1}, {"kind": "user", "key": "ada"},
        ]);
        assert_eq!(json!(seen(&contexts)), expected);
    }

    #[test]
    fn a_context_without_its_private_attributes_does_not_replace_a_whole_one() {
        let whole = json!({"kind": "user", "key": "ada", "mail": "x"});
        let redacted = json!({
            "kind": "user", "key": "ada", "_meta": {"redactedAttributes": ["mail"]},
        });
        let member = json!({
            "kind": "multi", "user": {"key": "ada", "_meta": {"redactedAttributes": ["mail"]}},
        });
        for redacted in [redacted, member] {
            let mut contexts = SeenContexts::new(9);
            contexts.add_event(1, "sdk", &event("index", redacted.clone()));
            assert_eq!(seen(&contexts), [json!({"kind": "user", "key": "ada"})]);
            contexts.add(2, "sdk", &whole.to_string().parse().unwrap());
            contexts.add_event(3, "sdk", &event("index", redacted));
            assert_eq!(seen(&contexts), std::slice::from_ref(&whole));
            assert_eq!(contexts.iter().next().unwrap().at, 3);
            let next = json!({"kind": "user", "key": "ada", "mail": "y"});
            contexts.add_event(4, "sdk", &event("identify", next.clone()));
            assert_eq!(seen(&contexts), [next]);
        }
    }

    #[test]
    fn the_debug_form_has_no_personal_data() {
        let mut contexts = SeenContexts::new(9);
        contexts.add(1, "sdk", &Context::new("ada").unwrap());
        assert!(!format!("{contexts:?}").contains("ada"));
    }
}
