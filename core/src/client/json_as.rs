//! Flag values of any type that serde can deserialize.

use serde::Serialize;
use serde::de::DeserializeOwned;
use vexil_eval::model::Flag;
use vexil_eval::{Detail, EvalErrorKind, Evaluation, TypeMismatch, Value};

use super::Client;
use super::hooked::end;
use super::value::{AsContext, FlagValue, sealed};
use super::variation::{Read, ReadDetail, read_detail};
use crate::hooks::{Asked, EvaluationMethod};

/// The caller's default. The flag is evaluated as JSON and deserialized afterwards.
struct OwnDefault<'a, T>(&'a T);

impl<T> Clone for OwnDefault<'_, T> {
    fn clone(&self) -> Self {
        Self(self.0)
    }
}

impl<T> sealed::Sealed for OwnDefault<'_, T> {}
impl<T: Serialize + DeserializeOwned + Sync> FlagValue for OwnDefault<'_, T> {
    type Output = Value;

    const EXPECTED: &'static str = "any value";

    fn read(value: &Value) -> Option<Value> {
        Some(value.clone())
    }

    fn into_default(self) -> Value {
        self.to_value()
    }

    /// Null if the type cannot be serialized as JSON.
    fn to_value(&self) -> Value {
        Value::from_serialize(self.0).unwrap_or_default()
    }

    fn reported(&self, configured: Option<&Value>) -> Value {
        let fitting = configured.filter(|value| T::deserialize(*value).is_ok());
        fitting.cloned().unwrap_or_else(|| self.to_value())
    }
}

/// A flag's value as JSON, and the flag's version.
type Found = (ReadDetail<Value>, u64);

fn read_versioned(read: Read<Value>, flag: &Flag, evaluation: &Evaluation<'_>) -> Found {
    (read_detail(read, flag, evaluation), flag.version())
}

impl Client {
    /// Returns the value of a flag, deserialized as `T`, or `default` if the flag has no value or it
    /// does not fit.
    ///
    /// Events report the default as the JSON that it serializes to. Integers beyond ±(2^53−1) do
    /// not fit an integer type: flags' numbers are floats, which skip integers there. A mismatch is
    /// logged once for each version of the flag, and returned by [`Detail::type_mismatch`].
    ///
    /// ```
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// #[derive(serde::Deserialize, serde::Serialize)]
    /// struct Limits {
    ///     rps: u32,
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let flags = TestData::new().with("limits", serde_json::json!({"rps": 7})).with("banner", "hello");
    /// let client = Client::builder("sdk-key").data_source(flags).without_events().start()?;
    /// let ada = Context::new("ada")?;
    /// assert_eq!(client.json_as("limits", &ada, Limits { rps: 10 }).rps, 7);
    /// // The default is returned for a value that does not fit, and for an unknown flag.
    /// assert_eq!(client.json_as("banner", &ada, Limits { rps: 10 }).rps, 10);
    /// assert_eq!(client.json_as("no-such-flag", &ada, Limits { rps: 10 }).rps, 10);
    /// # Ok(())
    /// # }
    /// ```
    pub fn json_as<T: Serialize + DeserializeOwned + Sync>(
        &self,
        key: &str,
        context: &(impl AsContext + ?Sized),
        default: T,
    ) -> T {
        self.deserialized(EvaluationMethod::Variation, key, context, default)
            .value
    }

    /// Returns the value of a flag, deserialized as `T`, and the reason for it. The value is
    /// `default` if the flag has no value or it does not fit.
    ///
    /// ```
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// #[derive(serde::Deserialize, serde::Serialize)]
    /// struct Limits {
    ///     rps: u32,
    /// }
    ///
    /// let flags = TestData::new().with("limits", serde_json::json!({"rate": 7}));
    /// let client = Client::builder("sdk-key").data_source(flags).without_events().start()?;
    /// let detail = client.json_as_detail("limits", &Context::new("ada")?, Limits { rps: 10 });
    /// assert_eq!(detail.value.rps, 10);
    /// let mismatch = detail.type_mismatch().expect("a member is missing");
    /// assert!(mismatch.to_string().ends_with("found an object: missing field `rps`"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn json_as_detail<T: Serialize + DeserializeOwned + Sync>(
        &self,
        key: &str,
        context: &(impl AsContext + ?Sized),
        default: T,
    ) -> Detail<T> {
        self.deserialized(EvaluationMethod::VariationDetail, key, context, default)
    }

    /// Async form of [`Client::json_as`]: awaits I/O instead of blocking.
    ///
    /// ```
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// # pollster::block_on(async {
    /// let flags = TestData::new().with("regions", serde_json::json!(["eu", "us"]));
    /// let client = Client::builder("sdk-key").data_source(flags).without_events().start()?;
    /// let ada = Context::new("ada")?;
    /// let regions: Vec<String> = client.json_as_async("regions", &ada, Vec::new()).await;
    /// assert_eq!(regions, ["eu", "us"]);
    /// // Each element has to fit.
    /// let numbers: Vec<u32> = client.json_as_async("regions", &ada, vec![1]).await;
    /// assert_eq!(numbers, [1]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn json_as_async<T: Serialize + DeserializeOwned + Sync>(
        &self,
        key: &str,
        context: &(impl AsContext + ?Sized),
        default: T,
    ) -> T {
        self.deserialized_async(EvaluationMethod::Variation, key, context, default)
            .await
            .value
    }

    /// Async form of [`Client::json_as_detail`]: awaits I/O instead of blocking.
    ///
    /// ```
    /// use vexil::eval::EvalErrorKind;
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// # pollster::block_on(async {
    /// // A number that is too large for a port.
    /// let flags = TestData::new().with("port", 70_000);
    /// let client = Client::builder("sdk-key").data_source(flags).without_events().start()?;
    /// let detail = client.json_as_detail_async("port", &Context::new("ada")?, 8080_u16).await;
    /// assert_eq!(detail.value, 8080);
    /// assert_eq!(detail.reason.error(), Some(EvalErrorKind::WrongType));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn json_as_detail_async<T: Serialize + DeserializeOwned + Sync>(
        &self,
        key: &str,
        context: &(impl AsContext + ?Sized),
        default: T,
    ) -> Detail<T> {
        self.deserialized_async(EvaluationMethod::VariationDetail, key, context, default)
            .await
    }

    fn deserialized<T: Serialize + DeserializeOwned + Sync>(
        &self,
        method: EvaluationMethod,
        key: &str,
        context: &(impl AsContext + ?Sized),
        default: T,
    ) -> Detail<T> {
        let own = OwnDefault(&default);
        let default_value = || own.to_value();
        let series = self.series(Asked {
            key,
            context: context.as_context(),
            method,
            default: &default_value,
        });
        let found = self.evaluate(key, context, &own, method.with_reason(), read_versioned);
        let (json, value) = self.fit(key, found, &default, series.is_some());
        let detail = end(series, json);
        detail.map(|_| value.unwrap_or(default))
    }

    async fn deserialized_async<T: Serialize + DeserializeOwned + Sync>(
        &self,
        method: EvaluationMethod,
        key: &str,
        context: &(impl AsContext + ?Sized),
        default: T,
    ) -> Detail<T> {
        let own = OwnDefault(&default);
        let default_value = || own.to_value();
        let series = self.series(Asked {
            key,
            context: context.as_context(),
            method,
            default: &default_value,
        });
        let found = self
            .evaluate_async(key, context, &own, method.with_reason(), read_versioned)
            .await;
        let (json, value) = self.fit(key, found, &default, series.is_some());
        let detail = end(series, json);
        detail.map(|_| value.unwrap_or(default))
    }

    /// Deserializes the JSON value. Returns the detail for the hooks, and the value; `None` stands
    /// for the caller's default, which is serialized only if there are hooks.
    fn fit<T: Serialize + DeserializeOwned + Sync>(
        &self,
        key: &str,
        found: Result<Found, EvalErrorKind>,
        default: &T,
        has_hooks: bool,
    ) -> (Detail<Value>, Option<T>) {
        let (found, version) = match found {
            Ok((found, version)) => (Ok(found), version),
            Err(error) => (Err(error), 0),
        };
        let mut json = match found {
            // Counted below, when it is known whether the value fits.
            Ok((Read::Value(value), index, reason)) => Detail::new(value, index, reason),
            found => self.detail_of(key, found, Value::Null),
        };
        if !json.is_default_value() {
            match T::deserialize(&json.value) {
                Ok(value) => {
                    self.shared.meter.returned_value();
                    return (json, Some(value));
                }
                Err(error) => {
                    let mismatch = TypeMismatch::new(std::any::type_name::<T>(), &json.value)
                        .with_error(&error);
                    let kind = EvalErrorKind::WrongType;
                    self.shared.meter.returned_default(Some(kind));
                    let error = mismatch.error.as_deref();
                    self.shared
                        .resolver
                        .log_once
                        .wrong_type(key, version, &mismatch, error);
                    json = Detail::mismatched(Value::Null, mismatch, json.reason);
                }
            }
        }
        let configured = self.shared.defaults.get(key);
        if let Some((configured, value)) =
            configured.and_then(|value| Some((value, T::deserialize(value).ok()?)))
        {
            json.value = configured.clone();
            return (json, Some(value));
        }
        if has_hooks {
            json.value = OwnDefault(default).to_value();
        }
        (json, None)
    }
}
