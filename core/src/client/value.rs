//! [`FlagValue`]: the types that a flag can be evaluated as. [`AsContext`]: the arguments
//! that it can be evaluated for.

use vexil_eval::migration::Stage;
use vexil_eval::{Context, ContextError, Number, Text, Value};

/// A type that a flag can be evaluated as. The type of the default determines the requested type.
///
/// | default | flag | result |
/// | --- | --- | --- |
/// | `bool` | boolean | `bool` |
/// | `i64` | number, a fraction being cut off, within ±(2^53−1) | `i64` |
/// | [`StrictInt`] | number without a fraction, within ±(2^53−1) | `i64` |
/// | `f64` | number | `f64` |
/// | `&str`, [`Text`] | string | [`Text`] |
/// | `String` | string | `String` |
/// | [`Value`], [`serde_json::Value`] | any | the same |
/// | [`Stage`](crate::migration::Stage) | string that names a stage | `Stage` |
///
/// This trait is sealed; for other types, use
/// [`Client::json_as`](crate::Client::json_as). There is only one integer type
/// and one float type, so that a literal needs no suffix:
/// `client.variation("limit", &context, 100)`. For unsupported types, the compiler error names the
/// alternatives:
///
/// ```compile_fail,E0277
/// # fn example(client: &vexil::Client, context: &vexil::Context) {
/// let limit = client.variation("limit", context, 100_u32);
/// # }
/// ```
///
/// ```compile_fail,E0277
/// # fn example(client: &vexil::Client, context: &vexil::Context) {
/// let limit = client.variation("limit", context, Some(100));
/// # }
/// ```
///
/// ```
/// # fn example(client: &vexil::Client, context: &vexil::Context) {
/// let limit = client.json_as("limit", context, 100_u32);
/// let maybe = client.json_as("limit", context, Some(100_u32));
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "a flag cannot be evaluated as `{Self}`",
    label = "not a supported type of default",
    note = "use `bool`, `i64`, `f64`, `&str`, `String`, `vexil::Text`, `vexil::Value` or `serde_json::Value`",
    note = "for other integers, `f32`, `Option` and custom types, call `json_as`"
)]
pub trait FlagValue: sealed::Sealed + Clone + Send + Sync {
    /// The type returned for a default of this type.
    type Output: Clone + Into<Value> + Send + 'static;

    /// The name of the type with its article, for messages.
    #[doc(hidden)]
    const EXPECTED: &'static str;

    /// Whether events report the variation even if its value has another type. Otherwise they
    /// report the default.
    #[doc(hidden)]
    const MISMATCH_IS_REPORTED_AS_VARIATION: bool = false;

    /// Reads a variation's value. Returns `None` if it has another type.
    fn read(value: &Value) -> Option<Self::Output>;

    /// The caller's default.
    fn into_default(self) -> Self::Output;

    /// The caller's default as JSON.
    fn to_value(&self) -> Value;

    /// The default that events report: the one configured for the flag if it has this type,
    /// otherwise the caller's.
    #[doc(hidden)]
    fn reported(&self, configured: Option<&Value>) -> Value {
        configured
            .and_then(Self::read)
            .map_or_else(|| self.to_value(), Into::into)
    }
}

/// A context, the error of building one, or a scope. For an error, evaluations return the default,
/// with the reason [`UserNotSpecified`](vexil_eval::EvalErrorKind::UserNotSpecified).
///
/// This trait is sealed. It is implemented for [`Context`], for `Result<Context, ContextError>` and
/// for [`Scope`](crate::Scope).
///
/// ```
/// use vexil::{Client, Context};
///
/// let client = Client::builder("sdk-key").offline(true).start()?;
/// let ada = Context::new("ada")?;
/// assert!(client.bool_variation("new-checkout", &ada, true));
/// // Not unwrapped: an invalid context is logged and yields the default.
/// assert!(client.bool_variation("new-checkout", &Context::new(""), true));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// If the arguments are in another order, the compiler error names the right one:
///
/// ```compile_fail,E0277
/// # fn example(client: &vexil::Client, ada: &vexil::Context) {
/// let on = client.bool_variation(ada, "new-checkout", false);
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "a context is expected, not a `{Self}`",
    label = "not a `Context`, a `Result<Context, ContextError>` or a `Scope`",
    note = "the order of the arguments is: the key of the flag, the context, the default"
)]
pub trait AsContext: sealed::Sealed + sealed::MayBeScope + Sync {
    /// Returns the context.
    ///
    /// ```
    /// use vexil::client::AsContext;
    /// use vexil::{Client, Context};
    ///
    /// /// Accepts whatever evaluations accept, and logs who the request is for.
    /// fn describe(context: &impl AsContext) -> String {
    ///     match context.as_context() {
    ///         Ok(context) => format!("{} {}", context.kind(), context.key()),
    ///         Err(error) => format!("invalid context: {error}"),
    ///     }
    /// }
    ///
    /// assert_eq!(describe(&Context::new("ada")?), "user ada");
    /// assert_eq!(describe(&Context::new("")), "invalid context: context key must not be null or empty");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Returns the error of the context if it is invalid.
    fn as_context(&self) -> Result<&Context, &ContextError>;
}

pub(crate) mod sealed {
    use crate::client::Client;
    use crate::client::pinned::Pinned;

    #[expect(
        unnameable_types,
        reason = "only the SDK calls it, for a context or for a scope"
    )]
    pub trait MayBeScope {
        /// The data that evaluations of `client` see, if it is pinned.
        #[inline]
        fn pinned(&self, client: &Client) -> Option<&Pinned> {
            let _ = client;
            None
        }

        /// Whether what is done for the context is reported as events.
        #[inline]
        fn reports_events(&self) -> bool {
            true
        }
    }

    #[expect(
        unnameable_types,
        reason = "a trait that other crates cannot name cannot be implemented there"
    )]
    pub trait Sealed {}
}

impl sealed::Sealed for Context {}
impl sealed::MayBeScope for Context {}
impl AsContext for Context {
    fn as_context(&self) -> Result<&Context, &ContextError> {
        Ok(self)
    }
}

impl sealed::Sealed for Result<Context, ContextError> {}
impl sealed::MayBeScope for Result<Context, ContextError> {}
impl AsContext for Result<Context, ContextError> {
    fn as_context(&self) -> Result<&Context, &ContextError> {
        self.as_ref()
    }
}

/// Implements `FlagValue` for `type`. `expected` is its name in messages, `read` reads a value,
/// `into` converts the default to the output, and `value` converts it to the reported value.
macro_rules! flag_value {
    ($type:ty => $output:ty, $expected:literal, $read:expr, $into:expr, $value:expr $(, $name:ident = $constant:expr)?) => {
        impl sealed::Sealed for $type {}
        impl FlagValue for $type {
            type Output = $output;

            const EXPECTED: &'static str = $expected;
            $(const $name: bool = $constant;)?

            #[inline]
            fn read(value: &Value) -> Option<$output> {
                let read: fn(&Value) -> Option<$output> = $read;
                read(value)
            }

            #[inline]
            fn into_default(self) -> $output {
                let into: fn(Self) -> $output = $into;
                into(self)
            }

            fn to_value(&self) -> Value {
                let value: fn(&Self) -> Value = $value;
                value(self)
            }
        }
    };
}

flag_value!(bool => Self, "a boolean", Value::as_bool, |default| default, |default| (*default).into());
flag_value!(f64 => Self, "a number", Value::as_f64, |default| default, |default| (*default).into());
flag_value!(i64 => Self, "an integer", truncated, |default| default, |default| (*default).into());
flag_value!(
    StrictInt => i64, "an integer without a fraction", whole, |default| default.0, |default| default.0.into()
);
flag_value!(
    String => Self, "a string", |value| value.as_str().map(str::to_owned), |default| default, |default| default.into()
);
flag_value!(Text => Self, "a string", text, |default| default, |default| default.clone().into());
flag_value!(&str => Text, "a string", text, Into::into, |default| (*default).into());
flag_value!(Value => Self, "any value", |value| Some(value.clone()), |default| default, Clone::clone);
// A string that names no stage has the wrong type, like any value that is not a string. Other SDKs
// evaluate such a flag as a string and parse the stage afterwards, so their events report the
// variation; ours do the same.
flag_value!(
    Stage => Self, "the stage of a migration", |value| value.as_str()?.parse().ok(), |stage| stage,
    |stage| (*stage).into(), MISMATCH_IS_REPORTED_AS_VARIATION = true
);
flag_value!(
    serde_json::Value => Self, "any value", |value| Some(value.into()), |default| default,
    |default| default.clone().into()
);

/// An integer default for which a number with a fraction has the wrong type.
///
/// ```
/// use vexil::client::StrictInt;
/// use vexil::{Client, Context};
/// use vexil_testing::TestData;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let flags = TestData::new().with("replicas", 2.5);
/// let client = Client::builder("sdk-key").data_source(flags).without_events().start()?;
/// let ada = Context::new("ada")?;
/// assert_eq!(client.variation("replicas", &ada, StrictInt(1)), 1);
/// assert_eq!(client.variation("replicas", &ada, 1), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a newtype around the default")]
pub struct StrictInt(pub i64);

fn text(value: &Value) -> Option<Text> {
    match value {
        Value::String(text) => Some(text.clone()),
        _ => None,
    }
}

/// Truncates a fraction, as the protocol requires.
fn truncated(value: &Value) -> Option<i64> {
    Number::new(value.as_f64()?.trunc())?.as_exact_i64()
}

/// Returns `None` for a number with a fraction.
fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_exact_i64(),
        _ => None,
    }
}
