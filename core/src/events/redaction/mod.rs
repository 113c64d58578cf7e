//! [`Redaction`]: what events show of a context, and what they leave out.
//!
//! Event processors of an application can apply the same rules: see [`Redaction::redact`].
//!
//! Which references apply to a context is settled before it is written: they are kept in the order
//! of their paths, none inside another. So the writer only looks for the names that it comes
//! across, and the list of what was left out is the same list. Nothing is copied on the way.

use std::borrow::Borrow;
use std::fmt;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use vexil_eval::{Context, Object, Reference, Text, Value};

/// Which attributes of contexts are private, besides those that a context itself keeps private.
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
    /// Valid ones, in the order of their paths, none inside another.
    references: Vec<Reference>,
}

/// What becomes of anonymous contexts, and of anonymous members of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anonymous {
    /// They are shown like any other.
    Shown,
    /// All their attributes are left out.
    Redacted,
}

impl Redaction {
    /// Only what a context itself keeps private is left out.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether all attributes are left out, but for kind, key and anonymous. Default: `false`.
    pub fn all_attributes_private(mut self, on: bool) -> Self {
        self.all = on;
        self
    }

    /// Attributes, or parts of attributes, that are left out of all contexts. Invalid references
    /// are ignored. Adds to earlier calls. Default: none.
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

    /// The context as the SDK writes it into events: without private attributes, whose names it
    /// lists. For event processors of your own.
    ///
    /// Serializing a [`Context`] itself writes everything, private or not, and is meant for storing
    /// it.
    pub fn redact<'a>(&'a self, context: &'a Context) -> RedactedContext<'a> {
        self.apply(context, Anonymous::Shown)
    }

    /// The context as an event of this kind shows it.
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

    /// All that `context`, which has one kind, has and must not show.
    fn references<'a>(&'a self, context: &'a Context) -> Vec<&'a Reference> {
        let private = context.private_attributes().iter().chain(&self.references);
        let mut found = private
            .filter(|reference| has(context, reference))
            .collect();
        keep_outermost(&mut found);
        found
    }
}

/// Whether there is something at `reference` that may be left out: kind, key and `anonymous` never
/// are.
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

/// Sorts by path and drops whatever is the same as, or inside of, an earlier one.
fn keep_outermost<R: Borrow<Reference>>(references: &mut Vec<R>) {
    fn path<R: Borrow<Reference>>(reference: &R) -> &[Text] {
        reference.borrow().components()
    }
    references.sort_by(|a, b| path(a).cmp(path(b)));
    references.dedup_by(|later, earlier| path(later).starts_with(path(earlier)));
}

/// A context as an event shows it. Serializes to the form of the protocol; see [`Redaction::redact`].
#[derive(Clone, Copy)]
#[must_use]
pub struct RedactedContext<'a> {
    rules: &'a Redaction,
    context: &'a Context,
    anonymous: Anonymous,
}

impl RedactedContext<'_> {
    /// Leaves out all attributes of anonymous contexts too, as the SDK does in events about
    /// evaluations, custom events and events of migrations, but not where it introduces a context.
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

/// Attributes stay out of logs, redacted or not.
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
                    &Parts(RedactedContext {
                        context: member,
                        ..*self
                    }),
                )?;
            }
        } else {
            map.serialize_entry("kind", self.context.kind())?;
            Parts(*self).write(&mut map)?;
        }
        map.end()
    }
}

/// All but the kind of a context that has one kind: where it is a member of another, the kind is
/// its name there.
struct Parts<'a>(RedactedContext<'a>);

impl Serialize for Parts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.write(&mut map)?;
        map.end()
    }
}

impl Parts<'_> {
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

/// Writes all of `members` that none of `redacted` leaves out; `depth` names lead to where these
/// members are.
fn write_members<'a, M: SerializeMap>(
    map: &mut M,
    members: impl Iterator<Item = (&'a str, &'a Value)>,
    redacted: &[&Reference],
    depth: usize,
) -> Result<(), M::Error> {
    for (name, value) in members {
        match (at(redacted, depth, name), value) {
            ([], value) => map.serialize_entry(name, value)?,
            // If one of them ends here, it is the only one.
            ([first, ..], Value::Object(object)) if first.depth() > depth + 1 => {
                map.serialize_entry(
                    name,
                    &Partial {
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

/// Those of `redacted` that have `name` behind the first `depth` names, which all of them share.
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

/// An object of which something is left out.
struct Partial<'a> {
    object: &'a Object,
    redacted: &'a [&'a Reference],
    depth: usize,
}

impl Serialize for Partial<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        write_members(&mut map, self.object.iter(), self.redacted, self.depth)?;
        map.end()
    }
}

/// Tells what was left out, if anything was.
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
