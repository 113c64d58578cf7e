//! [`Field`]: a flag as a field of a struct.

use std::any::{Any, type_name};
use std::borrow::Cow;

use serde::Serialize;
use serde::de::DeserializeOwned;
use vexil_eval::{Detail, Text, TypeMismatch, Value};

use super::declared::{DeclaredFlag, DeclaredFlags};
use super::flag_type::FlagType;
use crate::client::requested::Requested;
use crate::client::variation::read_detail;
use crate::client::{AsContext, Client};
use crate::hooks::{Asked, EvaluationMethod};

/// A type that a field of flags can have, apart from `Detail`.
#[diagnostic::on_unimplemented(
    message = "a flag cannot have the type `{Self}`",
    label = "not a type that serde serializes and deserializes, and that can be sent to other threads",
    note = "derive `serde::Serialize` and `serde::Deserialize` for types of the application",
    note = "a field that is a struct of flags has the attribute `#[flag(flatten)]`"
)]
pub trait FieldValue: Serialize + DeserializeOwned + Send + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + Send + 'static> FieldValue for T {}

/// A flag as a field of a struct.
#[derive(Debug)]
pub struct Field<T> {
    key: &'static str,
    default: fn() -> T,
}

impl<T: FieldValue> Field<T> {
    /// Creates a field. `default` is called whenever the default is needed.
    #[must_use]
    pub const fn new(key: &'static str, default: fn() -> T) -> Self {
        Self { key, default }
    }

    /// Evaluates the flag.
    #[inline]
    pub fn value(&self, client: &Client, context: &(impl AsContext + ?Sized)) -> T {
        if client.has_hooks() {
            let method = EvaluationMethod::Variation;
            return self.evaluate_in_series(method, client, context).value;
        }
        client.value(self.key, context, FieldDefault(self.default))
    }

    /// Evaluates the flag, with the reason for its value.
    pub fn detail(&self, client: &Client, context: &(impl AsContext + ?Sized)) -> Detail<T> {
        self.evaluate_in_series(EvaluationMethod::VariationDetail, client, context)
    }

    /// Async form of [`Field::value`].
    pub async fn value_async(&self, client: &Client, context: &(impl AsContext + ?Sized)) -> T {
        if client.has_hooks() {
            let method = EvaluationMethod::Variation;
            let series = self.evaluate_in_series_async(method, client, context);
            return series.await.value;
        }
        let default = FieldDefault(self.default);
        let result = client
            .evaluate_async(self.key, context, &default, false, |read, _, _| read)
            .await;
        client.value_of(self.key, result, default)
    }

    /// Async form of [`Field::detail`].
    pub async fn detail_async(
        &self,
        client: &Client,
        context: &(impl AsContext + ?Sized),
    ) -> Detail<T> {
        let method = EvaluationMethod::VariationDetail;
        self.evaluate_in_series_async(method, client, context).await
    }

    /// Adds the flag to `declared`.
    pub fn declare(&self, declared: &mut DeclaredFlags) {
        declared.extend([DeclaredFlag {
            key: self.key,
            flag_type: FlagType::of::<T>(),
            default: json(&(self.default)()),
        }]);
    }

    /// Evaluates the flag between the stages of hooks, if there are any.
    #[inline(never)]
    fn evaluate_in_series(
        &self,
        method: EvaluationMethod,
        client: &Client,
        context: &(impl AsContext + ?Sized),
    ) -> Detail<T> {
        let default_value = || json(&(self.default)());
        let series = client.series(Asked {
            key: self.key,
            context: context.as_context(),
            method,
            default: &default_value,
        });
        let default = FieldDefault(self.default);
        let with_reason = method.with_reason();
        let result = client.evaluate(self.key, context, &default, with_reason, read_detail);
        let detail = client.detail_of(self.key, result, default);
        if let Some(series) = series {
            series.end(&as_json(&detail));
        }
        detail
    }

    async fn evaluate_in_series_async(
        &self,
        method: EvaluationMethod,
        client: &Client,
        context: &(impl AsContext + ?Sized),
    ) -> Detail<T> {
        let default_value = || json(&(self.default)());
        let series = client.series(Asked {
            key: self.key,
            context: context.as_context(),
            method,
            default: &default_value,
        });
        let default = FieldDefault(self.default);
        let with_reason = method.with_reason();
        let result = client
            .evaluate_async(self.key, context, &default, with_reason, read_detail)
            .await;
        let detail = client.detail_of(self.key, result, default);
        if let Some(series) = series {
            series.end(&as_json(&detail));
        }
        detail
    }
}

/// The detail that hooks see.
fn as_json<T: FieldValue>(detail: &Detail<T>) -> Detail<Value> {
    let (value, reason) = (json(&detail.value), detail.reason.clone());
    match detail.type_mismatch() {
        None => Detail::new(value, detail.variation_index, reason),
        Some(mismatch) => Detail::mismatched(value, Box::new(mismatch.clone()), reason),
    }
}

/// Null if the value cannot be serialized as JSON.
fn json<T: FieldValue>(value: &T) -> Value {
    Value::from_serialize(value).unwrap_or_default()
}

/// The default of a field.
struct FieldDefault<T>(fn() -> T);

impl<T: FieldValue> Requested for FieldDefault<T> {
    type Output = T;

    #[inline]
    fn read(value: &Value) -> Option<T> {
        shared(value).or_else(|| T::deserialize(value).ok())
    }

    fn mismatch(found: &Value) -> Box<TypeMismatch> {
        let mismatch = TypeMismatch::new(type_name::<T>(), found);
        match T::deserialize(found) {
            Ok(_value) => mismatch,
            Err(error) => mismatch.with_error(&error),
        }
    }

    fn into_default(self) -> T {
        self.0()
    }

    fn reported(&self, configured: Option<&Value>) -> Value {
        let fitting = configured.filter(|value| Self::read(value).is_some());
        fitting.cloned().unwrap_or_else(|| json(&self.0()))
    }
}

/// Returns a clone that shares the memory of the flag, if `T` is a type that can: deserializing
/// copies arrays, objects and strings.
#[inline]
fn shared<T: FieldValue>(value: &Value) -> Option<T> {
    let mut found: Option<T> = None;
    let slot: &mut dyn Any = &mut found;
    if let Some(slot) = slot.downcast_mut::<Option<Value>>() {
        *slot = Some(value.clone());
    } else if let Some(slot) = slot.downcast_mut::<Option<Text>>()
        && let Value::String(text) = value
    {
        *slot = Some(text.clone());
    }
    found
}

/// A type whose default may be a string literal.
#[diagnostic::on_unimplemented(
    message = "the default of a flag of the type `{Self}` cannot be a string literal",
    label = "not an expression of the type `{Self}`",
    note = "write an expression of the field's type, for example `default = Theme::Light`"
)]
pub trait TextDefault {
    /// Converts the literal.
    fn from_literal(literal: &'static str) -> Self;
}

macro_rules! text_default {
    ($($type:ty)+) => {$(
        impl TextDefault for $type {
            fn from_literal(literal: &'static str) -> Self {
                literal.into()
            }
        }
    )+};
}
text_default! { String Text Value serde_json::Value Box<str> std::sync::Arc<str> Cow<'static, str> }

/// Converts a string literal to a default.
pub fn text_default<T: TextDefault>(literal: &'static str) -> T {
    T::from_literal(literal)
}
