//! [`FlagValue`]: the types that a flag can be asked for, and [`EvaluationContext`]: what it can be asked with.

use crate::context::{Context, ContextError};
use crate::model::migration::Stage;
use crate::text::Text;
use crate::value::Value;

/// A type of flag values. What is given as the default decides which type is asked for.
///
/// Sealed: for types of your own there is [`Client::json_variation_as`](crate::Client::json_variation_as).
pub trait FlagValue: sealed::Sealed + Clone + Send + Sync {
    /// What is given back for a default of this type.
    type Output: Clone + Into<Value> + Send + 'static;

    /// The variation's value; none if it has another type.
    fn read(value: &Value) -> Option<Self::Output>;

    /// The caller's default.
    fn into_default(self) -> Self::Output;

    /// The caller's default as it is reported.
    fn to_value(&self) -> Value;
}

/// A context, or the failed attempt to make one: then evaluations give the default, with the reason
/// [`UserNotSpecified`](crate::eval::EvalErrorKind::UserNotSpecified).
///
/// Sealed, and implemented for [`Context`] and for `Result<Context, ContextError>`.
pub trait EvaluationContext: sealed::Sealed + Sync {
    /// The context, if it is valid.
    fn context(&self) -> Result<&Context, &ContextError>;
}

pub(crate) mod sealed {
    #[expect(unnameable_types, reason = "a trait that nobody can name cannot be implemented elsewhere")]
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

/// `type` read by `read`, with `into` turning the default into what is given back and `value` into what is reported.
macro_rules! flag_value {
    ($type:ty => $output:ty, $read:expr, $into:expr, $value:expr) => {
        impl sealed::Sealed for $type {}
        impl FlagValue for $type {
            type Output = $output;

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

flag_value!(bool => Self, Value::as_bool, |default| default, |default| (*default).into());
flag_value!(f64 => Self, Value::as_f64, |default| default, |default| (*default).into());
flag_value!(i64 => Self, truncated, |default| default, |default| (*default).into());
flag_value!(StrictInt => i64, whole, |default| default.0, |default| default.0.into());
flag_value!(String => Self, |value| value.as_str().map(str::to_owned), |default| default, |default| default.into());
flag_value!(Text => Self, text, |default| default, |default| default.clone().into());
flag_value!(&str => Text, text, Into::into, |default| (*default).into());
flag_value!(Value => Self, |value| Some(value.clone()), |default| default, Clone::clone);
// A text that names no stage is of the wrong type, like anything that is no text.
flag_value!(Stage => Self, |value| value.as_str()?.parse().ok(), |stage| stage, |stage| (*stage).into());
flag_value!(serde_json::Value => Self, |value| Some(value.into()), |default| default, |default| default.clone().into());

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
    exact(value.as_f64()?.trunc())
}

/// A number with a fraction is none.
fn whole(value: &Value) -> Option<i64> {
    value.as_f64().filter(|number| number.fract() == 0.0).and_then(exact)
}

/// Beyond ±(2^53−1) floats skip integers, so nobody can tell which one was meant.
fn exact(number: f64) -> Option<i64> {
    const LIMIT: f64 = 9_007_199_254_740_991.0;
    #[expect(clippy::as_conversions, reason = "a whole number within the range of i64")]
    (-LIMIT..=LIMIT).contains(&number).then_some(number as i64)
}
