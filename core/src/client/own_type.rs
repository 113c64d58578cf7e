//! The doors to a flag's value as a type of the caller's own.

use serde::de::DeserializeOwned;

use super::Client;
use super::series::end;
use super::value::EvaluationContext;
use super::variation::read_detail;
use crate::eval::{Detail, EvalErrorKind};
use crate::hooks::{Asked, EvaluationMethod, Series};
use crate::value::Value;

/// The default of a type of the caller's as it is reported: nobody knows how to write one.
fn unknown() -> Value {
    Value::Null
}

impl Client {
    /// The value of a flag as a type of your own; `default` if it has none or does not fit the type.
    ///
    /// ```
    /// #[derive(serde::Deserialize)]
    /// struct Limits {
    ///     rps: u32,
    /// }
    ///
    /// # fn example(client: &vexil::Client, context: &vexil::Context) {
    /// let limits = client.json_variation_as("limits", context, Limits { rps: 10 });
    /// # }
    /// ```
    pub fn json_variation_as<T: DeserializeOwned>(&self, key: &str, context: &impl EvaluationContext, default: T) -> T {
        self.as_own_type(EvaluationMethod::Variation, key, context, default).value
    }

    /// The value of a flag as a type of your own, and why it is this one; `default` if it has none or does not fit.
    pub fn json_variation_as_detail<T: DeserializeOwned>(
        &self,
        key: &str,
        context: &impl EvaluationContext,
        default: T,
    ) -> Detail<T> {
        self.as_own_type(EvaluationMethod::VariationDetail, key, context, default)
    }

    /// Like [`Client::json_variation_as`], awaiting what that one would wait for.
    pub async fn json_variation_as_async<T: DeserializeOwned>(
        &self,
        key: &str,
        context: &impl EvaluationContext,
        default: T,
    ) -> T {
        self.as_own_type_async(EvaluationMethod::Variation, key, context, default).await.value
    }

    /// Like [`Client::json_variation_as_detail`], awaiting what that one would wait for.
    pub async fn json_variation_as_detail_async<T: DeserializeOwned>(
        &self,
        key: &str,
        context: &impl EvaluationContext,
        default: T,
    ) -> Detail<T> {
        self.as_own_type_async(EvaluationMethod::VariationDetail, key, context, default).await
    }

    fn as_own_type<T: DeserializeOwned>(
        &self,
        method: EvaluationMethod,
        key: &str,
        context: &impl EvaluationContext,
        default: T,
    ) -> Detail<T> {
        let series = self.series(Asked { key, context: context.context(), method, default: &unknown });
        let result = self.evaluate(key, context, &Value::Null, method.with_reason(), read_detail);
        self.fit(key, self.detail_of(key, result, Value::Null), default, series)
    }

    async fn as_own_type_async<T: DeserializeOwned>(
        &self,
        method: EvaluationMethod,
        key: &str,
        context: &impl EvaluationContext,
        default: T,
    ) -> Detail<T> {
        let series = self.series(Asked { key, context: context.context(), method, default: &unknown });
        let result = self.evaluate_async(key, context, &Value::Null, method.with_reason(), read_detail).await;
        self.fit(key, self.detail_of(key, result, Value::Null), default, series)
    }

    /// Turns JSON into the caller's type, and ends the series with what became of it.
    fn fit<T: DeserializeOwned>(
        &self,
        key: &str,
        mut json: Detail<Value>,
        default: T,
        series: Option<Series<'_>>,
    ) -> Detail<T> {
        let fits = |value: &Value| serde_json::from_value(value.into()).ok();
        let mut value = None;
        if !json.is_default_value() {
            value = fits(&json.value);
            if value.is_none() {
                self.shared.resolver.complaints.about_flag(key, EvalErrorKind::WrongType);
                json = Detail::new(Value::Null, None, EvalErrorKind::WrongType.into());
            }
        }
        let value = value.unwrap_or_else(|| {
            let configured = self.shared.defaults.get(key);
            let configured = configured.and_then(|value| Some((fits(value)?, value.clone())));
            let (value, reported) = configured.unwrap_or((default, Value::Null));
            json.value = reported;
            value
        });
        end(series, json).map(|_| value)
    }
}
