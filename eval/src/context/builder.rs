//! [`ContextBuilder`] and [`MultiContextBuilder`]: build contexts, which are validated in `build`.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

use super::kind::DEFAULT_KIND;
use super::name::Name;
use super::reference::Reference;
use super::{Context, Members, Single};
use crate::text::Text;
use crate::value::{Value, sorted_members};

/// Constructors.
impl Context {
    /// Creates a context of kind `user` with only a key.
    ///
    /// ```
    /// use vexil_eval::{Context, ContextError};
    ///
    /// let context = Context::new("ada")?;
    /// assert_eq!((context.kind(), context.key()), ("user", "ada"));
    /// assert!(matches!(Context::new(""), Err(ContextError::EmptyKey)));
    /// # Ok::<(), ContextError>(())
    /// ```
    ///
    /// # Errors
    /// Returns an error if the key is empty.
    #[doc(alias = "create")]
    pub fn new(key: impl Into<Text>) -> Result<Self, ContextError> {
        Self::builder(key).build()
    }

    /// Creates a context of the given kind with only a key. The key comes first, unlike in Go.
    ///
    /// ```
    /// use vexil_eval::{Context, ContextError};
    ///
    /// let context = Context::with_kind("acme", "org")?;
    /// assert_eq!(context.kind(), "org");
    ///
    /// let error = Context::with_kind("acme", "an org").unwrap_err();
    /// assert!(matches!(error, ContextError::KindCharacters));
    /// # Ok::<(), ContextError>(())
    /// ```
    ///
    /// # Errors
    /// Returns an error if the key is empty or the kind is not allowed; see
    /// [`ContextBuilder::kind`].
    #[doc(alias = "new_with_kind")]
    pub fn with_kind(key: impl Into<Text>, kind: impl Into<Text>) -> Result<Self, ContextError> {
        Self::builder(key).kind(kind).build()
    }

    /// Returns a builder of a context of kind `user`; [`ContextBuilder::kind`] changes the kind.
    ///
    /// ```
    /// use vexil_eval::Context;
    ///
    /// let context = Context::builder("acme").kind("org").set("seats", 250).build()?;
    /// assert_eq!(context.get("seats"), Some(250.into()));
    /// # Ok::<(), vexil_eval::ContextError>(())
    /// ```
    #[must_use]
    pub fn builder(key: impl Into<Text>) -> ContextBuilder {
        ContextBuilder::new(key)
    }

    /// Creates a multi-context from the given contexts. A single context is returned unchanged.
    ///
    /// ```
    /// use vexil_eval::{Context, ContextError};
    ///
    /// let context = Context::multi([Context::new("ada")?, Context::with_kind("acme", "org")?])?;
    /// assert!(context.multiple());
    ///
    /// let error = Context::multi([Context::new("ada")?, Context::new("bob")?]).unwrap_err();
    /// assert!(matches!(error, ContextError::DuplicateKind { kind } if kind == "user"));
    /// # Ok::<(), ContextError>(())
    /// ```
    ///
    /// # Errors
    /// Returns an error if there are no contexts, or two of the same kind.
    #[doc(alias("create_multi", "new_multi"))]
    pub fn multi(contexts: impl IntoIterator<Item = Self>) -> Result<Self, ContextError> {
        contexts
            .into_iter()
            .fold(Self::multi_builder(), MultiContextBuilder::add)
            .build()
    }

    /// Returns a builder of a multi-context.
    ///
    /// ```
    /// use vexil_eval::Context;
    ///
    /// /// A request may come without a user.
    /// fn context(user: Option<&str>, device: &str) -> Result<Context, vexil_eval::ContextError> {
    ///     let mut builder = Context::multi_builder().add(Context::with_kind(device, "device")?);
    ///     if let Some(user) = user {
    ///         builder = builder.add(Context::new(user)?);
    ///     }
    ///     builder.build()
    /// }
    ///
    /// assert_eq!(context(Some("ada"), "phone-7")?.fully_qualified_key(), "device:phone-7:user:ada");
    /// assert!(!context(None, "phone-7")?.multiple());
    /// # Ok::<(), vexil_eval::ContextError>(())
    /// ```
    #[must_use]
    pub fn multi_builder() -> MultiContextBuilder {
        MultiContextBuilder::new()
    }

    /// Returns a builder with all properties of this context; an empty builder for a multi-context.
    ///
    /// ```
    /// use vexil_eval::Context;
    ///
    /// let context = Context::builder("ada").set("plan", "free").build()?;
    /// let upgraded = context.to_builder().set("plan", "pro").build()?;
    /// assert_eq!(upgraded.get("plan"), Some("pro".into()));
    /// assert_eq!(upgraded.key(), "ada");
    /// # Ok::<(), vexil_eval::ContextError>(())
    /// ```
    #[doc(alias("builder_from_context", "new_builder_from_context"))]
    #[must_use]
    pub fn to_builder(&self) -> ContextBuilder {
        ContextBuilder::from_context(self)
    }
}

/// A builder of a single-kind [`Context`].
///
/// The setters consume the builder and return it. Code that sets an attribute under a condition uses
/// [`try_set`](Self::try_set), or `builder = builder.set(…)`.
///
/// ```
/// use vexil_eval::Context;
///
/// let context = Context::builder("ada")
///     .name("Ada Lovelace")
///     .set("email", "ada@example.com")
///     .set("plan", "pro")
///     .private(["email"])
///     .build()?;
/// assert_eq!(context.get("plan"), Some("pro".into()));
/// # Ok::<(), vexil_eval::ContextError>(())
/// ```
#[derive(Clone)]
pub struct ContextBuilder {
    kind: Text,
    key: Text,
    name: Option<Text>,
    anonymous: bool,
    /// In call order; `build` sorts them, and the last value of a name wins.
    attributes: Vec<(Name, Value)>,
    private: Vec<Reference>,
}

impl ContextBuilder {
    /// Returns a builder of a context of kind `user`, like [`Context::builder`].
    #[must_use]
    pub fn new(key: impl Into<Text>) -> Self {
        Self {
            kind: Text::from_static(DEFAULT_KIND),
            key: key.into(),
            name: None,
            anonymous: false,
            attributes: Vec::new(),
            private: Vec::new(),
        }
    }

    /// Copies the properties of `context`; copies nothing from a multi-context.
    pub(crate) fn from_context(context: &Context) -> Self {
        let Members::Single(single) = &context.0.members else {
            return Self::new(Text::default());
        };
        Self {
            kind: single.kind_text().clone(),
            key: single.key_text().clone(),
            name: single.name_text().cloned(),
            anonymous: single.anonymous,
            attributes: single.attributes.to_vec(),
            private: single.private.to_vec(),
        }
    }

    /// Sets the kind, which may contain letters, digits, `.`, `_` and `-` and must not be `kind` or
    /// `multi`. The default, and the meaning of an empty string, is `user`.
    ///
    /// ```
    /// use vexil_eval::{Context, ContextError};
    ///
    /// let context = Context::builder("acme").kind("org").build()?;
    /// assert_eq!(context.fully_qualified_key(), "org:acme");
    ///
    /// let error = Context::builder("acme").kind("multi").build().unwrap_err();
    /// assert!(matches!(error, ContextError::KindIsMulti));
    /// # Ok::<(), ContextError>(())
    /// ```
    #[must_use]
    pub fn kind(mut self, kind: impl Into<Text>) -> Self {
        self.kind = kind.into();
        self
    }

    /// Sets the key, which must not be empty.
    #[must_use]
    pub fn key(mut self, key: impl Into<Text>) -> Self {
        self.key = key.into();
        self
    }

    /// Sets the display name. By default a context has no name.
    ///
    /// ```
    /// use vexil_eval::Context;
    ///
    /// let ada = Context::builder("ada").name("Ada Lovelace").build()?;
    /// assert_eq!(ada.name(), Some("Ada Lovelace"));
    /// // Rules can refer to it like to any other attribute.
    /// assert_eq!(ada.get("name"), Some("Ada Lovelace".into()));
    /// # Ok::<(), vexil_eval::ContextError>(())
    /// ```
    #[must_use]
    pub fn name(mut self, name: impl Into<Text>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Marks the context as anonymous: it is left out of the service's list of contexts.
    /// Evaluations are not affected. Default: `false`.
    ///
    /// ```
    /// use vexil_eval::Context;
    ///
    /// let context = Context::builder("session-7").anonymous(true).build()?;
    /// assert!(context.anonymous());
    /// # Ok::<(), vexil_eval::ContextError>(())
    /// ```
    #[must_use]
    pub fn anonymous(mut self, anonymous: bool) -> Self {
        self.anonymous = anonymous;
        self
    }

    /// Sets an attribute by name; `null` removes it. Arrays and objects nested deeper than
    /// [`Value::MAX_DEPTH`] levels become null.
    ///
    /// The names `kind`, `key`, `name` and `anonymous` set the built-in attributes. The call is
    /// ignored if the value has the wrong type for a built-in attribute, or if the name is `_meta`
    /// or empty; use [`ContextBuilder::try_set`] to detect this.
    ///
    /// ```
    /// use vexil_eval::{Context, Value};
    ///
    /// let context = Context::builder("ada")
    ///     .set("groups", ["staff", "early-access"])
    ///     .set("age", 36)
    ///     .set("age", Value::Null)
    ///     .build()?;
    /// assert_eq!(context.get("groups"), Some(["staff", "early-access"].into()));
    /// assert_eq!(context.get("age"), None);
    /// # Ok::<(), vexil_eval::ContextError>(())
    /// ```
    #[doc(alias("set_string", "set_bool", "set_int", "set_float", "set_value"))]
    #[must_use]
    #[inline]
    pub fn set(mut self, name: impl Into<Text>, value: impl Into<Value>) -> Self {
        self.try_set(name, value);
        self
    }

    /// Like [`ContextBuilder::set`], but in place. Returns whether the value was accepted.
    ///
    /// ```
    /// use vexil_eval::Context;
    ///
    /// let mut builder = Context::builder("ada");
    /// assert!(builder.try_set("anonymous", true));
    /// assert!(!builder.try_set("anonymous", "yes"));
    /// ```
    #[doc(alias = "try_set_value")]
    #[inline]
    pub fn try_set(&mut self, name: impl Into<Text>, value: impl Into<Value>) -> bool {
        let name = name.into();
        if let "" | "_meta" | "kind" | "key" | "name" | "anonymous" = name.as_str() {
            return self.try_set_built_in(&name, value.into());
        }
        self.attributes.push((name.into(), value.into()));
        true
    }

    fn try_set_built_in(&mut self, name: &str, value: Value) -> bool {
        match (name, value) {
            ("kind", Value::String(kind)) => self.kind = kind,
            ("key", Value::String(key)) => self.key = key,
            ("name", Value::String(text)) => self.name = Some(text),
            ("name", Value::Null) => self.name = None,
            ("anonymous", Value::Bool(anonymous)) => self.anonymous = anonymous,
            _ => return false,
        }
        true
    }

    /// Marks attributes, or values nested in them, as private: they are removed from all analytics
    /// events. Repeated calls add to the list.
    ///
    /// ```
    /// use vexil_eval::{Context, Reference};
    ///
    /// let context = Context::builder("ada")
    ///     .set("email", "ada@example.com")
    ///     .private(["email", "/address/street"])
    ///     .build()?;
    /// assert_eq!(context.private_attributes()[1], Reference::new("/address/street"));
    /// # Ok::<(), vexil_eval::ContextError>(())
    /// ```
    #[doc(alias = "add_private_attribute")]
    #[must_use]
    pub fn private<R: Into<Reference>>(mut self, references: impl IntoIterator<Item = R>) -> Self {
        self.private.extend(references.into_iter().map(Into::into));
        self
    }

    /// Removes references from those that were marked as private, for a context that is built from
    /// another one. `/email` and `email` are the same reference. Removing `/address` does not remove
    /// `/address/street`.
    ///
    /// ```
    /// use vexil_eval::{Context, Reference};
    ///
    /// let template = Context::builder("ada")
    ///     .set("email", "ada@example.com")
    ///     .private(["email", "/address/street"]);
    /// let context = template.clone().remove_private(["email"]).build()?;
    /// assert_eq!(context.private_attributes(), [Reference::new("/address/street")]);
    /// # Ok::<(), vexil_eval::ContextError>(())
    /// ```
    #[must_use]
    pub fn remove_private<R: Into<Reference>>(
        mut self,
        references: impl IntoIterator<Item = R>,
    ) -> Self {
        let removed: Vec<Reference> = references.into_iter().map(Into::into).collect();
        self.private
            .retain(|reference| !removed.contains(reference));
        self
    }

    /// Validates and returns the context.
    ///
    /// ```
    /// use vexil_eval::{Context, ContextError};
    ///
    /// let error = Context::builder("ada").kind("an org").build().unwrap_err();
    /// assert_eq!(error.to_string(), "context kind contains disallowed characters");
    /// ```
    ///
    /// # Errors
    /// Returns an error if the key is empty or the kind is not allowed.
    pub fn build(self) -> Result<Context, ContextError> {
        if self.key.is_empty() {
            return Err(ContextError::EmptyKey);
        }
        self.build_with_any_key()
    }

    /// Like `build`, but accepts an empty key, which only the legacy user format allows.
    pub(crate) fn build_with_any_key(mut self) -> Result<Context, ContextError> {
        if self.kind.is_empty() {
            self.kind = Text::from_static(DEFAULT_KIND);
        }
        check_kind(&self.kind)?;
        self.attributes = sorted_members(self.attributes);
        self.attributes.retain(|(_, value)| !value.is_null());
        let canonical_key = if self.kind == DEFAULT_KIND {
            self.key.clone()
        } else {
            canonical_part(&self.kind, &self.key).into()
        };
        let single = Single {
            is_user: self.kind == DEFAULT_KIND,
            kind: self.kind.into(),
            key: self.key.into(),
            name: self.name.into(),
            anonymous: self.anonymous,
            attributes: self.attributes,
            private: self.private,
        };
        Ok(Context::of(Members::Single(single), canonical_key))
    }

    /// Adds an attribute without looking at its name: the JSON reader has already handled the
    /// built-in names.
    pub(crate) fn push_attribute(&mut self, name: Text, value: Value) {
        self.attributes.push((name.into(), value));
    }
}

/// Omits the attributes, which are private data and must not be logged.
impl fmt::Debug for ContextBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContextBuilder")
            .field("kind", &self.kind)
            .field("attributes", &self.attributes.len())
            .finish_non_exhaustive()
    }
}

/// A builder of a multi-kind [`Context`].
///
/// ```
/// use vexil_eval::Context;
///
/// let context = Context::multi_builder()
///     .add(Context::new("ada")?)
///     .add(Context::with_kind("acme", "org"))
///     .build()?;
/// assert_eq!(context.kind(), "multi");
/// assert_eq!(context.individual_context_count(), 2);
/// # Ok::<(), vexil_eval::ContextError>(())
/// ```
#[derive(Debug, Default)]
pub struct MultiContextBuilder {
    members: Vec<Context>,
    errors: Vec<ContextError>,
}

impl MultiContextBuilder {
    /// Returns a builder without contexts, like [`Context::multi_builder`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a context, valid or not. A multi-context contributes each of its members.
    ///
    /// ```
    /// use vexil_eval::{Context, ContextError};
    ///
    /// let built = Context::multi_builder().add(Context::new("ada")).add(Context::new("")).build();
    /// let Err(ContextError::InvalidMembers { errors }) = built else { unreachable!() };
    /// assert!(matches!(errors[..], [ContextError::EmptyKey]));
    /// ```
    #[doc(alias = "add_context")]
    #[must_use]
    #[expect(
        clippy::should_implement_trait,
        reason = "the name used by other SDKs; contexts have no `+` operator"
    )]
    pub fn add(mut self, context: impl Into<Result<Context, ContextError>>) -> Self {
        match context.into() {
            Ok(context) => self.members.extend(context.individual_contexts().cloned()),
            Err(error) => self.errors.push(error),
        }
        self
    }

    /// Validates and returns the context. A single member is returned unchanged.
    ///
    /// ```
    /// use vexil_eval::{Context, ContextError};
    ///
    /// let error = Context::multi_builder().build().unwrap_err();
    /// assert!(matches!(error, ContextError::NoKinds), "{error}");
    /// ```
    ///
    /// # Errors
    /// Returns an error if no context was added, a kind was added twice, or a member is invalid.
    pub fn build(mut self) -> Result<Context, ContextError> {
        if !self.errors.is_empty() {
            return Err(ContextError::InvalidMembers {
                errors: self.errors,
            });
        }
        self.members.sort_by(|a, b| a.kind().cmp(b.kind()));
        if let Some([one, _]) = self
            .members
            .windows(2)
            .find(|pair| matches!(pair, [a, b] if a.kind() == b.kind()))
        {
            return Err(ContextError::DuplicateKind {
                kind: one.kind().into(),
            });
        }
        if let [_] = self.members.as_slice() {
            return self.members.pop().ok_or(ContextError::NoKinds);
        }
        if self.members.is_empty() {
            return Err(ContextError::NoKinds);
        }
        let parts: Vec<_> = self
            .members
            .iter()
            .map(|member| canonical_part(member.kind(), member.key()))
            .collect();
        let canonical_key = parts.join(":").into();
        Ok(Context::of(
            Members::Multi(self.members.into()),
            canonical_key,
        ))
    }
}

impl From<Context> for Result<Context, ContextError> {
    fn from(context: Context) -> Self {
        Ok(context)
    }
}

fn check_kind(kind: &str) -> Result<(), ContextError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    match kind {
        "user" => Ok(()),
        "kind" => Err(ContextError::KindIsKind),
        "multi" => Err(ContextError::KindIsMulti),
        kind if kind.bytes().all(allowed) => Ok(()),
        _ => Err(ContextError::KindCharacters),
    }
}

/// Returns `kind:key` with `%` and `:` in the key escaped (EVAL-1.11).
fn canonical_part(kind: &str, key: &str) -> String {
    let mut part = String::with_capacity(kind.len() + 1 + key.len());
    part.push_str(kind);
    part.push(':');
    for character in key.chars() {
        match character {
            '%' => part.push_str("%25"),
            ':' => part.push_str("%3A"),
            other => part.push(other),
        }
    }
    part
}

/// An error of building or reading a context. Messages name properties but never contain their
/// values.
///
/// ```
/// use vexil_eval::{Context, ContextError};
///
/// let context = |json: &str| match json.parse::<Context>() {
///     Ok(context) => context.fully_qualified_key().to_owned(),
///     Err(ContextError::EmptyKey) => "no key".to_owned(),
///     Err(ContextError::Json { source }) => format!("line {}", source.line()),
///     Err(error) => error.to_string(),
/// };
/// assert_eq!(context(r#"{"kind": "org", "key": "acme"}"#), "org:acme");
/// assert_eq!(context(r#"{"kind": "org"}"#), "no key");
/// assert_eq!(context("{"), "line 1");
/// assert_eq!(context(r#"{"kind": "org", "key": 7}"#), "context property \"key\" must be a string");
/// ```
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum ContextError {
    /// The key is missing, null or empty.
    #[error("context key must not be null or empty")]
    EmptyKey,
    /// The kind is an empty string; only in JSON.
    #[error("context kind must not be empty")]
    EmptyKind,
    /// The kind is the reserved word `kind`.
    #[error("\"kind\" is not a valid context kind")]
    KindIsKind,
    /// The kind of a single context is the reserved word `multi`.
    #[error("context of kind \"multi\" must be created by a multi-context builder")]
    KindIsMulti,
    /// The kind has characters other than letters, digits, `.`, `_` and `-`.
    #[error("context kind contains disallowed characters")]
    KindCharacters,
    /// A multi-context has no members.
    #[error("multi-context must contain at least one kind")]
    NoKinds,
    /// A multi-context has two members of the same kind.
    #[error("multi-context cannot have the kind \"{kind}\" more than once")]
    DuplicateKind {
        /// The duplicate kind.
        kind: Text,
    },
    /// Members of a multi-context are invalid.
    #[error("multi-context has invalid members: {}", list(errors))]
    InvalidMembers {
        /// The error of each invalid member.
        errors: Vec<Self>,
    },
    /// A property of the JSON form has a value of the wrong type.
    #[error("context property \"{property}\" must be {expected}")]
    PropertyType {
        /// The property's name.
        property: &'static str,
        /// The expected type, with its article.
        expected: &'static str,
    },
    /// The JSON value is not an object.
    #[error("context must be a JSON object")]
    NotAnObject,
    /// The text is not valid JSON.
    #[error("context is not valid JSON")]
    Json {
        /// The error of the JSON parser.
        #[source]
        source: Arc<serde_json::Error>,
    },
}

fn list(errors: &[ContextError]) -> String {
    errors
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}
