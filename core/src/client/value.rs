//! [`FlagValue`]: the types that a flag can be asked for, and [`EvaluationContext`]: what it can be asked with.

use vexil_eval::migration::Stage;
use vexil_eval::{Context, ContextError, Number, Text, Value};

/// A type of flag values. The type of the default decides which type is requested.
///
/// | default | flag | result |
/// | --- | --- | --- |
/// | `bool` | boolean | `bool` |
/// | `i64` | number, a fraction being cut off, within ±(2^53−1) | `i64` |
/// | `f64` | number | `f64` |
/// | `&str`, [`Text`] | string | [`Text`] |
/// | `String` | string | `String` |
/// | [`Value`], [`serde_json::Value`] | any | the same |
/// | [`Stage`](crate::migration::Stage) | string that names a stage | `Stage` |
///
/// Sealed: for other types there is [`Client::json_variation_as`](crate::Client::json_variation_as). There is only one type
/// of integers and one of floats, so that a literal needs no suffix: `client.variation("limit", &context, 100)`. The
/// compiler names the alternatives:
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
/// let limit = client.json_variation_as("limit", context, 100_u32);
/// let maybe = client.json_variation_as("limit", context, Some(100_u32));
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no type that a flag can be requested as",
    label = "not the type of a flag's default",
    note = "use `bool`, `i64`, `f64`, `&str`, `String`, `vexil::Text`, `vexil::Value` or `serde_json::Value`",
    note = "for other integers, `f32`, `Option` and types of your own, call `json_variation_as`"
)]
pub trait FlagValue: sealed::Sealed + Clone + Send + Sync {
    /// What is returned for a default of this type.
    type Output: Clone + Into<Value> + Send + 'static;

    /// The type with its article, for messages.
    #[doc(hidden)]
    const EXPECTED: &'static str;

    /// Whether events report the variation also if its value has another type. Otherwise they
    /// report the default.
    #[doc(hidden)]
    const MISMATCH_IS_REPORTED_AS_VARIATION: bool = false;

    /// The variation's value; `None` if it has another type.
    fn read(value: &Value) -> Option<Self::Output>;

    /// The caller's default.
    fn into_default(self) -> Self::Output;

    /// The caller's default as JSON.
    fn to_value(&self) -> Value;

    /// The default as events report it: the one configured for the flag, if it has the type, or the
    /// caller's.
    #[doc(hidden)]
    fn reported(&self, configured: Option<&Value>) -> Value {
        configured
            .and_then(Self::read)
            .map_or_else(|| self.to_value(), Into::into)
    }
}

/// A context, or the failed attempt to make one: then evaluations give the default, with the reason
/// [`UserNotSpecified`](vexil_eval::EvalErrorKind::UserNotSpecified).
///
/// Sealed, and implemented for [`Context`] and for `Result<Context, ContextError>`.
pub trait EvaluationContext: sealed::Sealed + Sync {
    /// The context, if it is valid.
    fn context(&self) -> Result<&Context, &ContextError>;
}

pub(crate) mod sealed {
    #[expect(
        unnameable_types,
        reason = "a trait that nobody can name cannot be implemented elsewhere"
    )]
    pub trait Sealed {}
}

impl sealed::Sealed for Context {}
impl EvaluationContext for Context {
    fn context(&self) -> Result<&Context, &ContextError> {
        Ok(self)
    }
}

impl sealed::Sealed for Result<Context, ContextError> {}
impl EvaluationContext for Result<Context, ContextError> {
    fn context(&self) -> Result<&Context, &ContextError> {
        self.as_ref()
    }
}

/// `type`, called `expected` in messages, read by `read`, with `into` turning the default into what
/// is returned and `value` into what is reported.
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
// A text that names no stage is of the wrong type, like anything that is no text. Other SDKs
// evaluate such a flag as a string, and read the stage from the result afterwards: so the events of
// all of them report the variation.
flag_value!(
    Stage => Self, "the stage of a migration", |value| value.as_str()?.parse().ok(), |stage| stage,
    |stage| (*stage).into(), MISMATCH_IS_REPORTED_AS_VARIATION = true
);
flag_value!(
    serde_json::Value => Self, "any value", |value| Some(value.into()), |default| default,
    |default| default.clone().into()
);

/// An integer that takes no number with a fraction.
#[derive(Clone, Copy, Debug)]
pub(super) struct StrictInt(pub(super) i64);

fn text(value: &Value) -> Option<Text> {
    match value {
        Value::String(text) => Some(text.clone()),
        _ => None,
    }
}

/// A fraction is cut off, as the protocol has it.
fn truncated(value: &Value) -> Option<i64> {
    Number::new(value.as_f64()?.trunc())?.as_exact_i64()
}

/// A number with a fraction is none.
fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_exact_i64(),
        _ => None,
    }
}
