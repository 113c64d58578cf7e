//! Flags as the fields of a struct: [`Flags`], for `#[derive(Flags)]`.
//!
//! The derive macro, in the crate `vexil-derive`, lists the fields as constants of the type
//! [`Field`] and calls one method for each. Everything else is here.

mod declared;
mod field;
mod flag_type;

use std::future::Future;

pub use declared::{DeclaredFlag, DeclaredFlags};
#[doc(hidden)]
pub use field::{Field, FieldValue, TextDefault, text_default};
pub use flag_type::FlagType;

use crate::client::{AsContext, Client, Scope};

/// A struct whose fields are flags.
///
/// `#[derive(Flags)]`, with the feature `derive`, implements it for a struct with named fields. The
/// type of a field is the type of the flag; its key is the name of the field in kebab case, unless
/// another one is given; a default is required.
///
/// ```
/// # #[cfg(feature = "derive")]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use serde::{Deserialize, Serialize};
/// use vexil::eval::Detail;
/// use vexil::{Client, Context, Flags};
/// use vexil_testing::TestData;
///
/// #[derive(Debug, Deserialize, PartialEq, Serialize)]
/// #[serde(rename_all = "lowercase")]
/// enum Theme {
///     Light,
///     Dark,
/// }
///
/// #[derive(Debug, Flags)]
/// struct ShopFlags {
///     /// The key is `new-checkout`.
///     #[flag(default = false)]
///     new_checkout: bool,
///     #[flag(key = "rate.limit", default = 20)]
///     rate_limit: u8,
///     #[flag(default = "hello")]
///     banner: String,
///     #[flag(default = Theme::Light)]
///     theme: Theme,
///     /// With the reason for the value.
///     #[flag(default = 0.5)]
///     ratio: Detail<f64>,
/// }
///
/// let data = TestData::new().with("new-checkout", true).with("rate.limit", 300).with("theme", "dark");
/// let client = Client::builder("sdk-key").data_source(data).start()?;
/// let flags = ShopFlags::evaluate(&client, &Context::new("ada")?);
/// assert!(flags.new_checkout);
/// assert_eq!(flags.theme, Theme::Dark);
/// // The default is returned for a value that does not fit, and for an unknown flag.
/// assert_eq!((flags.rate_limit, &*flags.banner), (20, "hello"));
/// assert_eq!(flags.ratio.reason.to_string(), "error: there is no such flag");
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "derive"))]
/// # fn main() {}
/// ```
///
/// # Types
///
/// | type of the field | flag |
/// | --- | --- |
/// | `bool` | boolean |
/// | an integer type | number without a fraction, within the range of the type and ±(2^53−1) |
/// | `f64`, `f32` | number |
/// | `String`, [`Text`](crate::Text) | string |
/// | an enum or struct with `serde::Serialize` and `Deserialize` | what serde accepts for it |
/// | `Option<T>` | null or what `T` accepts |
/// | [`Value`](crate::Value), `serde_json::Value` | any |
/// | [`Detail<T>`](crate::eval::Detail), named so | as `T`; with the reason for the value |
///
/// A value that does not fit yields the default, with the reason
/// [`WrongType`](crate::eval::EvalErrorKind::WrongType), and is logged once for each version of the
/// flag, with the types and without the value. Events report the default in this case, and hooks run
/// as for [`Client::variation`].
///
/// # Attributes
///
/// - `#[flag(default = EXPRESSION)]`: an expression of the field's type; for strings, a literal. It
///   is evaluated only if the default is needed.
/// - `#[flag(key = "KEY")]`: the key of the flag.
/// - `#[flag(flatten)]`: the field is a struct of flags itself, whose keys are not changed.
///
/// # One moment
///
/// [`Flags::evaluate`] evaluates each field with the current data, as single calls do. In a
/// [`Scope`], all fields, and all structs of a request, see the data of one moment.
pub trait Flags: Sized {
    /// Evaluates all flags for a context. Costs as much as an evaluation for each field, and
    /// allocates only what the values of the fields allocate.
    fn evaluate(client: &Client, context: &(impl AsContext + ?Sized)) -> Self;

    /// Async form of [`Flags::evaluate`]: awaits I/O instead of blocking.
    ///
    /// ```
    /// # #[cfg(feature = "derive")]
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use vexil::{Client, Context, Flags};
    /// use vexil_testing::TestData;
    ///
    /// #[derive(Flags)]
    /// struct ShopFlags {
    ///     #[flag(default = 20)]
    ///     page_size: u8,
    /// }
    ///
    /// # pollster::block_on(async {
    /// // 300 does not fit the type of the field.
    /// let flags = TestData::new().with("page-size", 300);
    /// let client = Client::builder("sdk-key").data_source(flags).start()?;
    /// let flags = ShopFlags::evaluate_async(&client, &Context::new("ada")?).await;
    /// assert_eq!(flags.page_size, 20);
    /// # Ok(())
    /// # })
    /// # }
    /// # #[cfg(not(feature = "derive"))]
    /// # fn main() {}
    /// ```
    fn evaluate_async(
        client: &Client,
        context: &(impl AsContext + ?Sized),
    ) -> impl Future<Output = Self> + Send;

    /// Evaluates all flags in a scope, with the data of its moment.
    ///
    /// ```
    /// # #[cfg(feature = "derive")]
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use vexil::{Client, Context, Flags};
    /// use vexil_testing::TestData;
    ///
    /// #[derive(Flags)]
    /// struct ShopFlags {
    ///     #[flag(default = false)]
    ///     new_checkout: bool,
    /// }
    ///
    /// let flags = TestData::new().with("new-checkout", true);
    /// let client = Client::builder("sdk-key").data_source(flags.clone()).start()?;
    /// let scope = client.scope(&Context::new("ada")?);
    /// flags.set("new-checkout", false);
    /// assert!(ShopFlags::evaluate_in(&scope).new_checkout, "the scope does not see the change");
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "derive"))]
    /// # fn main() {}
    /// ```
    #[must_use]
    fn evaluate_in(scope: &Scope) -> Self {
        Self::evaluate(scope.client(), scope)
    }

    /// Async form of [`Flags::evaluate_in`]: awaits I/O instead of blocking.
    fn evaluate_in_async(scope: &Scope) -> impl Future<Output = Self> + Send {
        Self::evaluate_async(scope.client(), scope)
    }

    /// Adds the flags of this struct.
    #[doc(hidden)]
    fn declare(declared: &mut DeclaredFlags);

    /// The keys, types and defaults of the flags, in the order of the fields.
    ///
    /// ```
    /// # #[cfg(feature = "derive")]
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use vexil::{Client, Context, Flags};
    ///
    /// #[derive(Flags)]
    /// struct ShopFlags {
    ///     #[flag(default = 20)]
    ///     rate_limit: u32,
    /// }
    ///
    /// // For `vexil check --declared FILE`:
    /// let declared = ShopFlags::declared();
    /// assert_eq!(
    ///     serde_json::to_string(&declared)?,
    ///     r#"{"flags":{"rate-limit":{"type":"number","default":20}}}"#
    /// );
    ///
    /// // The same defaults for evaluations by key:
    /// let client = Client::builder("sdk-key").offline(true).defaults(declared.defaults()).start()?;
    /// assert_eq!(client.int_variation("rate-limit", &Context::new("ada")?, 0), 20);
    /// # assert_eq!(ShopFlags::evaluate(&client, &Context::new("ada")?).rate_limit, 20);
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "derive"))]
    /// # fn main() {}
    /// ```
    #[must_use]
    fn declared() -> DeclaredFlags {
        let mut declared = DeclaredFlags::default();
        Self::declare(&mut declared);
        declared
    }
}
