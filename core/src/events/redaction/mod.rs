//! [`Redaction`]: decides which attributes of a context events contain.
//!
//! Custom event processors can apply the same rules: see [`Redaction::redact`].
//!
//! The references that apply to a context are determined before it is serialized: sorted by path,
//! none inside another. The serializer therefore only looks up the names it meets, and the same
//! list reports the redacted attributes. Nothing is copied.

use std::borrow::Borrow;
use std::fmt;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use vexil_eval::{Context, Object, Reference, Text, Value};

/// The private attributes of contexts, in addition to those that a context itself declares private.
///
/// ```
/// use vexil::Context;
/// use vexil::events::Redaction;
///
/// let redaction = Redaction::new().private_attributes(["email", "/address/street"]);
/// let ada = Context::builder("ada").set("email", "ada@example.com").set("plan", "pro").build()?;
/// assert_eq!(
///     serde_json::to_value(redaction.redact(&ada))?,
///     serde_json::json!({"kind": "user", "key": "ada", "plan": "pro", "_meta": {"redactedAttributes": ["email"]}}),
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Redaction {
    all: bool,
    /// Valid references only, sorted by path, none inside another.
    references: Vec<Reference>,
}

/// How anonymous contexts, and anonymous members of multi-contexts, are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anonymous {
    /// With their attributes, like any other context.
    Shown,
    /// Without any attributes.
    Redacted,
}

impl Redaction {
    /// Creates a redaction that leaves out only the attributes that a context itself declares
    /// private.
    ///
    /// ```
    /// use vexil::Context;
    /// use vexil::events::Redaction;
    ///
    /// let ada = Context::builder("ada").set("email", "ada@example.com").private(["email"]).build()?;
    /// let written = serde_json::to_string(&Redaction::new().redact(&ada))?;
    /// assert!(!written.contains("example.com"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets whether all attributes are left out, except kind, key and anonymous. Default: `false`.
    ///
    /// ```
    /// use vexil::Context;
    /// use vexil::events::Redaction;
    ///
    /// let ada = Context::builder("ada").set("plan", "pro").build()?;
    /// let redaction = Redaction::new().all_attributes_private(true);
    /// assert_eq!(
    ///     serde_json::to_value(redaction.redact(&ada))?,
    ///     serde_json::json!({"kind": "user", "key": "ada", "_meta": {"redactedAttributes": ["plan"]}}),
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn all_attributes_private(mut self, on: bool) -> Self {
        self.all = on;
        self
    }

    /// Adds attributes, or parts of attributes, to those left out of all contexts. Invalid
    /// references are ignored. Default: no attributes.
    ///
    /// ```
    /// use vexil::Context;
    /// use vexil::events::Redaction;
    ///
    /// let address = serde_json::json!({"city": "London", "street": "Square"});
    /// let ada = Context::builder("ada").set("address", address).build()?;
    /// // An invalid reference is ignored.
    /// let redaction = Redaction::new().private_attributes(["/address/street", "//"]);
    /// let shown = serde_json::to_value(redaction.redact(&ada))?;
    /// assert_eq!(shown["address"], serde_json::json!({"city": "London"}));
    /// assert_eq!(shown["_meta"]["redactedAttributes"], serde_json::json!(["/address/street"]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn private_attributes<R: Into<Reference>>(
        mut self,
        references: impl IntoIterator<Item = R>,
    ) -> Self {
        self.references.extend(
            references
                .into_iter()
                .map(Into::into)
                .filter(|reference| reference.error().is_none()),
        );
        keep_outermost(&mut self.references);
        self
    }

    /// Returns the context as the SDK writes it into events: without private attributes, whose
    /// names it lists. For custom event processors.
    ///
    /// Serializing a [`Context`] directly writes all attributes, private or not, and is meant for
    /// storage.
    ///
    /// ```
    /// use vexil::Context;
    /// use vexil::events::Redaction;
    ///
    /// let ada = Context::builder("ada").set("email", "ada@example.com");
    /// let ada = ada.private(["email"]).build()?;
    /// assert!(serde_json::to_string(&ada)?.contains("ada@example.com"));
    /// let redaction = Redaction::new();
    /// assert!(!serde_json::to_string(&redaction.redact(&ada))?.contains("ada@example.com"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn redact<'a>(&'a self, context: &'a Context) -> RedactedContext<'a> {
        self.apply(context, Anonymous::Shown)
    }

    /// Returns the context as an event shows it, with this treatment of anonymous contexts.
    pub(super) fn apply<'a>(
        &'a self,
        context: &'a Context,
        anonymous: Anonymous,
    ) -> RedactedContext<'a> {
        RedactedContext {
            rules: self,
            context,
            anonymous,
        }
    }

    /// Returns the references to private data that `context`, which has one kind, contains.
    fn references<'a>(&'a self, context: &'a Context) -> Vec<&'a Reference> {
        let private = context.private_attributes().iter().chain(&self.references);
        let mut found = private
            .filter(|reference| has(context, reference))
            .collect();
        keep_outermost(&mut found);
        found
    }
}

/// Returns whether the context has a value at `reference` that may be left out: kind, key and
/// `anonymous` never are.
fn has(context: &Context, reference: &Reference) -> bool {
    let Some((first, rest)) = reference.components().split_first() else {
        return false;
    };
    let found = context.custom_attribute(first);
    found
        .and_then(|value| rest.iter().try_fold(value, |value, name| value.get(name)))
        .is_some()
        || rest.is_empty() && *first == "name" && context.name().is_some()
}

/// Sorts by path and removes references that are equal to, or inside, an earlier one.
fn keep_outermost<R: Borrow<Reference>>(references: &mut Vec<R>) {
    fn path<R: Borrow<Reference>>(reference: &R) -> &[Text] {
        reference.borrow().components()
    }
    references.sort_by(|a, b| path(a).cmp(path(b)));
    references.dedup_by(|later, earlier| path(later).starts_with(path(earlier)));
}

/// A context as an event shows it. Serializes to the protocol's format; see [`Redaction::redact`].
///
/// ```
/// use vexil::Context;
/// use vexil::events::Redaction;
///
/// let org = Context::builder("acme").kind("org").set("plan", "pro").build()?;
/// let ada = Context::builder("ada").set("email", "ada@example.com").build()?;
/// let both = Context::multi([ada, org])?;
///
/// let redaction = Redaction::new().private_attributes(["email"]);
/// let written = serde_json::to_value(redaction.redact(&both))?;
/// assert_eq!(written["org"]["plan"], "pro");
/// assert_eq!(written["user"]["_meta"]["redactedAttributes"], serde_json::json!(["email"]));
/// // A log line shows no attributes at all.
/// assert!(!format!("{:?}", redaction.redact(&both)).contains("pro"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
#[must_use]
pub struct RedactedContext<'a> {
    rules: &'a Redaction,
    context: &'a Context,
    anonymous: Anonymous,
}

impl RedactedContext<'_> {
    /// Also leaves out all attributes of anonymous contexts, as the SDK does in evaluation, custom
    /// and migration events, but not in events that introduce a context.
    ///
    /// ```
    /// use vexil::Context;
    /// use vexil::events::Redaction;
    ///
    /// let guest = Context::builder("guest-7").anonymous(true).set("country", "GB").build()?;
    /// let redaction = Redaction::new();
    /// let written = serde_json::to_value(redaction.redact(&guest).without_anonymous_attributes())?;
    /// assert_eq!(written["_meta"]["redactedAttributes"], serde_json::json!(["country"]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn without_anonymous_attributes(self) -> Self {
        Self {
            anonymous: Anonymous::Redacted,
            ..self
        }
    }
}

/// Keeps attributes out of logs, redacted or not.
impl fmt::Debug for RedactedContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RedactedContext")
            .field(self.context)
            .finish()
    }
}

impl Serialize for RedactedContext<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if self.context.multiple() {
            map.serialize_entry("kind", "multi")?;
            for member in self.context.individual_contexts() {
                map.serialize_entry(
                    member.kind(),
                    &ContextBody(RedactedContext {
                        context: member,
                        ..*self
                    }),
                )?;
            }
        } else {
            map.serialize_entry("kind", self.context.kind())?;
            ContextBody(*self).write(&mut map)?;
        }
        map.end()
    }
}

/// A context of one kind without its kind: in a multi-context, the kind is the name of the member.
struct ContextBody<'a>(RedactedContext<'a>);

impl Serialize for ContextBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.write(&mut map)?;
        map.end()
    }
}

impl ContextBody<'_> {
    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let RedactedContext {
            rules,
            context,
            anonymous,
        } = self.0;
        map.serialize_entry("key", context.key())?;
        if context.anonymous() {
            map.serialize_entry("anonymous", &true)?;
        }
        if rules.all || context.anonymous() && anonymous == Anonymous::Redacted {
            let name = context.name().map(|_| Reference::literal("name"));
            let attributes = context
                .attributes()
                .map(|(name, _)| Reference::literal(name));
            return write_meta(map, &name.into_iter().chain(attributes).collect::<Vec<_>>());
        }
        let redacted = rules.references(context);
        if let (Some(name), []) = (context.name(), at(&redacted, 0, "name")) {
            map.serialize_entry("name", name)?;
        }
        let attributes = context.attributes();
        write_members(map, attributes, &redacted, 0)?;
        write_meta(map, &redacted)
    }
}

/// Writes the `members` that `redacted` does not leave out. `depth` is the number of path
/// components that lead to them.
fn write_members<'a, M: SerializeMap>(
    map: &mut M,
    members: impl Iterator<Item = (&'a str, &'a Value)>,
    redacted: &[&Reference],
    depth: usize,
) -> Result<(), M::Error> {
    for (name, value) in members {
        match (at(redacted, depth, name), value) {
            ([], value) => map.serialize_entry(name, value)?,
            // A reference that ends here is the only one.
            ([first, ..], Value::Object(object)) if first.depth() > depth + 1 => {
                map.serialize_entry(
                    name,
                    &RedactedObject {
                        object,
                        redacted: at(redacted, depth, name),
                        depth: depth + 1,
                    },
                )?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Returns the references that have `name` after the first `depth` components, which all of them
/// share.
fn at<'r, 'a>(redacted: &'r [&'a Reference], depth: usize, name: &str) -> &'r [&'a Reference] {
    let part = |reference: &&Reference| {
        reference
            .components()
            .get(depth)
            .map_or("", |part| part.as_str())
            .cmp(name)
    };
    let start = redacted.partition_point(|reference| part(reference).is_lt());
    let end = redacted.partition_point(|reference| part(reference).is_le());
    redacted.get(start..end).unwrap_or_default()
}

/// An object with redacted members.
struct RedactedObject<'a> {
    object: &'a Object,
    redacted: &'a [&'a Reference],
    depth: usize,
}

impl Serialize for RedactedObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        write_members(&mut map, self.object.iter(), self.redacted, self.depth)?;
        map.end()
    }
}

/// Writes the list of redacted attributes, if there are any.
fn write_meta<M: SerializeMap, R: Serialize>(map: &mut M, redacted: &[R]) -> Result<(), M::Error> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Meta<'a, R> {
        redacted_attributes: &'a [R],
    }
    if redacted.is_empty() {
        Ok(())
    } else {
        map.serialize_entry(
            "_meta",
            &Meta {
                redacted_attributes: redacted,
            },
        )
    }
}

#[cfg(test)]
mod tests;
