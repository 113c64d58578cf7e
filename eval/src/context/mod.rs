//! [`Context`]: the subject of an evaluation.
//!
//! Every constructor validates and returns a `Result`, so the evaluator need not check contexts. A
//! context is immutable, shared by its clones, and stores its canonical key.

mod builder;
mod json;
mod kind;
mod name;
mod reference;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

pub use builder::{ContextBuilder, ContextError, MultiContextBuilder};
pub(crate) use kind::Kind;
use name::{Attribute, BuiltIn, Name, NameHash};
pub use reference::{Reference, ReferenceError};

use crate::text::{Text, key_hash};
use crate::value::Value;

/// The subject of an evaluation: a user, an organisation, a device, or several of these at once.
///
/// Cheap to clone. Build one with [`Context::new`], [`Context::builder`] or [`Context::multi`], or
/// read it from JSON with serde, `str::parse` or `TryFrom`. Its `Debug` output contains neither the
/// key nor the attributes.
///
/// ```
/// use vexil_eval::Context;
///
/// let user = Context::builder("ada").set("country", "GB").build()?;
/// let both = Context::multi([user, Context::with_kind("acme", "org")?])?;
/// assert_eq!(both.fully_qualified_key(), "org:acme:user:ada");
///
/// let parsed: Context = r#"{"kind": "org", "key": "acme", "seats": 250}"#.parse()?;
/// assert_eq!(parsed.get("seats"), Some(250.into()));
/// # Ok::<(), vexil_eval::ContextError>(())
/// ```
#[derive(Clone)]
pub struct Context(Arc<Inner>);

/// The hashes come first and together: event processing reads only these of a known context.
#[repr(C)]
struct Inner {
    /// A hash of the canonical key.
    key_hash: u64,
    /// A hash of the kinds.
    kinds_hash: u64,
    members: Members,
    canonical_key: Text,
}

enum Members {
    Single(Single),
    /// At least two members, sorted by kind.
    Multi(Box<[Context]>),
}

/// The data of one kind. Built-in attributes are stored as values, so that a lookup can borrow them
/// like any other attribute.
struct Single {
    /// Always a string.
    kind: Value,
    is_user: bool,
    /// Always a string.
    key: Value,
    /// A string or null.
    name: Value,
    anonymous: bool,
    /// Sorted by name, without null values.
    attributes: Vec<(Name, Value)>,
    private: Vec<Reference>,
}

impl Context {
    /// The kind of a context that is created without one.
    ///
    /// ```
    /// use vexil_eval::Context;
    ///
    /// assert_eq!(Context::new("ada")?.kind(), Context::DEFAULT_KIND);
    /// # Ok::<(), vexil_eval::ContextError>(())
    /// ```
    pub const DEFAULT_KIND: &'static str = kind::DEFAULT_KIND;

    /// The kind of every multi-context.
    pub const MULTI_KIND: &'static str = kind::MULTI_KIND;

    /// Returns the kind; `multi` for a multi-context.
    #[must_use]
    pub fn kind(&self) -> &str {
        match &self.0.members {
            Members::Single(single) => single.kind_text(),
            Members::Multi(_) => Self::MULTI_KIND,
        }
    }

    /// Returns the key; empty for a multi-context.
    ///
    /// ```
    /// use vexil_eval::Context;
    ///
    /// assert_eq!(Context::new("ada")?.key(), "ada");
    /// let both = Context::multi([Context::new("ada")?, Context::with_kind("acme", "org")?])?;
    /// assert_eq!((both.kind(), both.key()), ("multi", ""));
    /// # Ok::<(), vexil_eval::ContextError>(())
    /// ```
    #[must_use]
    pub fn key(&self) -> &str {
        self.single().map_or("", |single| single.key_text())
    }

    /// Returns the display name.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.single()?.name.as_str()
    }

    /// Whether the context is anonymous, that is, left out of the service's list of contexts.
    ///
    /// ```
    /// use vexil_eval::Context;
    ///
    /// let visitor = Context::builder("session-7").anonymous(true).build()?;
    /// assert!(visitor.anonymous());
    /// assert!(!Context::new("ada")?.anonymous());
    /// # Ok::<(), vexil_eval::ContextError>(())
    /// ```
    #[must_use]
    pub fn anonymous(&self) -> bool {
        self.single().is_some_and(|single| single.anonymous)
    }

    /// Whether this is a multi-context.
    #[doc(alias = "is_multi")]
    #[must_use]
    pub fn multiple(&self) -> bool {
        matches!(self.0.members, Members::Multi(_))
    }

    /// Returns the value of an attribute by its plain name, built-in or custom. For paths, use
    /// [`Context::lookup`].
    ///
    /// ```
    /// use vexil_eval::Context;
    ///
    /// let context = Context::builder("ada").set("plan", "pro").build()?;
    /// assert_eq!(context.get("plan"), Some("pro".into()));
    /// assert_eq!(context.get("kind"), Some("user".into()));
    /// assert_eq!(context.get("country"), None);
    /// # Ok::<(), vexil_eval::ContextError>(())
    /// ```
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Value> {
        match &self.0.members {
            Members::Single(single) => single.attribute(Attribute::named(name), name).cloned(),
            Members::Multi(_) => {
                (name == "kind").then_some(Value::String(Text::from_static(Self::MULTI_KIND)))
            }
        }
    }

    /// Returns the value at a reference. A multi-context has only the attribute `kind`; look up
    /// the others in its members.
    ///
    /// ```
    /// use vexil_eval::{Context, Reference, Value};
    ///
    /// let address = Value::from(serde_json::json!({"city": "London"}));
    /// let context = Context::builder("ada").set("address", address).build()?;
    /// assert_eq!(context.lookup(&Reference::new("/address/city")), Some("London".into()));
    /// assert_eq!(context.lookup(&Reference::new("/address/street")), None);
    /// # Ok::<(), vexil_eval::ContextError>(())
    /// ```
    #[doc(alias = "get_value")]
    #[must_use]
    pub fn lookup(&self, reference: &Reference) -> Option<Value> {
        match (&self.0.members, reference.components()) {
            (Members::Single(single), _) => single.lookup(reference).cloned(),
            (Members::Multi(_), [only]) => self.get(only),
            (Members::Multi(_), _) => None,
        }
    }

    /// Returns the names of all custom attributes in order. A multi-context has none.
    pub fn custom_attributes(&self) -> impl Iterator<Item = &str> {
        self.single()
            .into_iter()
            .flat_map(|single| &single.attributes)
            .map(|(name, _)| name.as_str())
    }

    /// Returns the references of the private attributes, which are removed from events.
    ///
    /// ```
    /// use vexil_eval::Context;
    ///
    /// let ada = Context::builder("ada").set("email", "ada@example.com").private(["email"]).build()?;
    /// assert_eq!(ada.private_attributes()[0].as_str(), "email");
    /// // Rules can still use the attribute.
    /// assert!(ada.get("email").is_some());
    /// # Ok::<(), vexil_eval::ContextError>(())
    /// ```
    #[must_use]
    pub fn private_attributes(&self) -> &[Reference] {
        self.single().map_or(&[], |single| &single.private)
    }

    /// Returns the number of kinds.
    ///
    /// ```
    /// use vexil_eval::Context;
    ///
    /// let ada = Context::new("ada")?;
    /// assert_eq!(ada.individual_context_count(), 1);
    /// let both = Context::multi([ada, Context::with_kind("acme", "org")?])?;
    /// assert_eq!(both.individual_context_count(), 2);
    /// # Ok::<(), vexil_eval::ContextError>(())
    /// ```
    #[must_use]
    pub fn individual_context_count(&self) -> usize {
        self.individual_contexts().len()
    }

    /// Returns the members in the order of their kinds; for a single-kind context, the context
    /// itself.
    ///
    /// ```
    /// use vexil_eval::Context;
    ///
    /// let both = Context::multi([Context::new("ada")?, Context::with_kind("acme", "org")?])?;
    /// let kinds: Vec<_> = both.individual_contexts().map(Context::kind).collect();
    /// assert_eq!(kinds, ["org", "user"]);
    /// # Ok::<(), vexil_eval::ContextError>(())
    /// ```
    pub fn individual_contexts(&self) -> impl ExactSizeIterator<Item = &Self> {
        match &self.0.members {
            Members::Single(_) => std::slice::from_ref(self).iter(),
            Members::Multi(members) => members.iter(),
        }
    }

    /// Returns the member of the given kind.
    ///
    /// ```
    /// use vexil_eval::Context;
    ///
    /// let both = Context::multi([Context::new("ada")?, Context::with_kind("acme", "org")?])?;
    /// assert_eq!(both.individual_context("org").map(Context::key), Some("acme"));
    /// assert_eq!(both.individual_context("device"), None);
    /// # Ok::<(), vexil_eval::ContextError>(())
    /// ```
    #[doc(alias = "as_kind")]
    #[must_use]
    pub fn individual_context(&self, kind: &str) -> Option<&Self> {
        self.individual_contexts()
            .find(|member| member.kind() == kind)
    }

    /// Returns the canonical key of the protocol, an unambiguous string of all kinds and keys.
    ///
    /// ```
    /// use vexil_eval::Context;
    ///
    /// assert_eq!(Context::new("ada")?.fully_qualified_key(), "ada");
    /// assert_eq!(Context::with_kind("a:b", "org")?.fully_qualified_key(), "org:a%3Ab");
    /// # Ok::<(), vexil_eval::ContextError>(())
    /// ```
    #[doc(alias = "canonical_key")]
    #[must_use]
    pub fn fully_qualified_key(&self) -> &str {
        &self.0.canonical_key
    }

    /// Returns the data of a kind for the evaluator.
    #[inline]
    pub(crate) fn member(&self, kind: &Kind) -> Option<Member<'_>> {
        match &self.0.members {
            Members::Single(single) => single.is_of(kind).then_some(Member(single)),
            Members::Multi(members) => members
                .iter()
                .filter_map(Self::single)
                .find(|single| single.is_of(kind))
                .map(Member),
        }
    }

    /// Returns the value at a path of plain names, built-in or custom, unless it is null.
    pub(crate) fn value_at<'p>(&self, mut path: impl Iterator<Item = &'p str>) -> Option<&Value> {
        let name = path.next()?;
        let first = self.single()?.attribute(Attribute::named(name), name)?;
        let found = path.try_fold(first, |value, name| value.get(name))?;
        (!found.is_null()).then_some(found)
    }

    /// Returns the kinds of all members as attribute values.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = &Value> {
        self.individual_contexts()
            .filter_map(Self::single)
            .map(|single| &single.kind)
    }

    fn of(members: Members, canonical_key: Text) -> Self {
        let kinds_hash = match &members {
            Members::Single(single) => key_hash(single.kind_text()),
            Members::Multi(members) => members.iter().fold(0, |all: u64, member| {
                all.rotate_left(1) ^ member.0.kinds_hash
            }),
        };
        Self(Arc::new(Inner {
            key_hash: key_hash(&canonical_key),
            kinds_hash,
            members,
            canonical_key,
        }))
    }

    fn single(&self) -> Option<&Single> {
        match &self.0.members {
            Members::Single(single) => Some(single),
            Members::Multi(_) => None,
        }
    }
}

/// Accessors for event processing.
impl Context {
    /// Returns the context without its anonymous members, or `None` if all members are anonymous.
    ///
    /// ```
    /// use vexil_eval::Context;
    ///
    /// let anonymous = Context::builder("session-7").kind("session").anonymous(true).build()?;
    /// let both = Context::multi([Context::new("ada")?, anonymous.clone()])?;
    /// assert_eq!(both.without_anonymous(), Some(Context::new("ada")?));
    /// assert_eq!(anonymous.without_anonymous(), None);
    /// # Ok::<(), vexil_eval::ContextError>(())
    /// ```
    #[doc(alias = "without_anonymous_contexts")]
    #[must_use]
    pub fn without_anonymous(&self) -> Option<Self> {
        if !self.individual_contexts().any(Self::anonymous) {
            return Some(self.clone());
        }
        // The kinds are still distinct, so the only possible error is an empty list.
        Self::multi(
            self.individual_contexts()
                .filter(|member| !member.anonymous())
                .cloned(),
        )
        .ok()
    }

    /// Returns the custom attributes, sorted by name. A multi-context has none.
    ///
    /// ```
    /// use vexil_eval::Context;
    ///
    /// let context = Context::builder("ada").name("Ada").set("plan", "pro").build()?;
    /// assert!(context.attributes().eq([("plan", &"pro".into())]));
    /// # Ok::<(), vexil_eval::ContextError>(())
    /// ```
    pub fn attributes(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        let attributes: &[(Name, Value)] = self.single().map_or(&[], |single| &single.attributes);
        attributes
            .iter()
            .map(|(name, value)| (name.as_str(), value))
    }

    /// Returns the value of a custom attribute.
    #[must_use]
    pub fn custom_attribute(&self, name: &str) -> Option<&Value> {
        self.single()?.custom_attribute(name, NameHash::of(name))
    }

    /// Returns the approximate size of the context in bytes, in memory and as JSON.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.individual_contexts()
            .filter_map(Self::single)
            .map(Single::weight)
            .sum()
    }

    /// Returns a hash of the fully qualified key, computed when the context was built; see
    /// [`key_hash`](crate::key_hash).
    #[inline]
    #[must_use]
    pub fn key_hash(&self) -> u64 {
        self.0.key_hash
    }

    /// Returns a hash of the kinds of all members, computed when the context was built.
    #[inline]
    #[must_use]
    pub fn kinds_hash(&self) -> u64 {
        self.0.kinds_hash
    }
}

/// The data of one kind of a context, as borrowed by the evaluator.
#[derive(Clone, Copy)]
pub(crate) struct Member<'a>(&'a Single);

impl<'a> Member<'a> {
    pub(crate) fn key(self) -> &'a str {
        self.0.key_text()
    }

    pub(crate) fn lookup(self, reference: &Reference) -> Option<&'a Value> {
        self.0.lookup(reference)
    }

    pub(crate) fn key_value(self) -> &'a Value {
        &self.0.key
    }
}

static TRUE: Value = Value::Bool(true);
static FALSE: Value = Value::Bool(false);
static EMPTY: Text = Text::from_static("");

impl Single {
    fn weight(&self) -> usize {
        let built_in = [&self.kind, &self.key, &self.name]
            .map(Value::weight)
            .iter()
            .sum::<usize>();
        let attributes = self
            .attributes
            .iter()
            .map(|(name, value)| name.len() + value.weight());
        let private = self
            .private
            .iter()
            .map(|reference| reference.as_str().len());
        built_in + attributes.sum::<usize>() + private.sum::<usize>()
    }

    #[inline]
    fn is_of(&self, kind: &Kind) -> bool {
        kind.is(self.kind_text(), self.is_user)
    }

    fn kind_text(&self) -> &Text {
        text(&self.kind).unwrap_or(&EMPTY)
    }

    fn key_text(&self) -> &Text {
        text(&self.key).unwrap_or(&EMPTY)
    }

    fn name_text(&self) -> Option<&Text> {
        text(&self.name)
    }

    #[inline]
    fn lookup(&self, reference: &Reference) -> Option<&Value> {
        reference.find(|attribute, name| self.attribute(attribute, name))
    }

    /// Returns the attribute `name`, where `attribute` is its parsed form.
    #[inline]
    fn attribute(&self, attribute: Attribute, name: &(impl AsRef<str> + ?Sized)) -> Option<&Value> {
        match attribute {
            Attribute::Custom(hash) => self.custom_attribute(name, hash),
            Attribute::BuiltIn(attribute) => self.built_in(attribute),
        }
    }

    fn built_in(&self, attribute: BuiltIn) -> Option<&Value> {
        match attribute {
            BuiltIn::Kind => Some(&self.kind),
            BuiltIn::Key => Some(&self.key),
            BuiltIn::Name => (!self.name.is_null()).then_some(&self.name),
            BuiltIn::Anonymous => Some(if self.anonymous { &TRUE } else { &FALSE }),
        }
    }

    /// Scans short lists, comparing name hashes; uses binary search for long ones.
    #[inline]
    fn custom_attribute(
        &self,
        name: &(impl AsRef<str> + ?Sized),
        hash: NameHash,
    ) -> Option<&Value> {
        const FEW: usize = 16;
        let found = if self.attributes.len() <= FEW {
            self.attributes
                .iter()
                .find(|(attribute, _)| attribute.is(name, hash))
        } else {
            let at = self
                .attributes
                .binary_search_by(|(attribute, _)| attribute.as_str().cmp(name.as_ref()))
                .ok()?;
            self.attributes.get(at)
        };
        found.map(|(_, value)| value)
    }
}

fn text(value: &Value) -> Option<&Text> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

impl PartialEq for Context {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0.members, &other.0.members) {
            (Members::Single(one), Members::Single(two)) => {
                one.kind == two.kind
                    && one.key == two.key
                    && one.name == two.name
                    && one.anonymous == two.anonymous
                    && one.attributes == two.attributes
                    && same_in_any_order(&one.private, &two.private)
            }
            (Members::Multi(one), Members::Multi(two)) => one == two,
            _ => false,
        }
    }
}

impl Eq for Context {}

impl Hash for Context {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.kind().hash(state);
        self.0.canonical_key.hash(state);
    }
}

fn same_in_any_order(one: &[Reference], two: &[Reference]) -> bool {
    let count = |list: &[Reference], wanted: &Reference| {
        list.iter().filter(|reference| *reference == wanted).count()
    };
    one.len() == two.len()
        && one
            .iter()
            .all(|reference| count(one, reference) == count(two, reference))
}

/// Omits the keys and attributes, which are private data and must not be logged.
impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds: Vec<_> = self.individual_contexts().map(Self::kind).collect();
        f.debug_struct("Context")
            .field("kinds", &kinds)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
