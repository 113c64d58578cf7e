//! The doors to a flag's value: one generic path, and a typed door to it for each type of value.
//!
//! Every door takes the flag's key, the context and a default, and never fails: where the flag gives no value, the
//! door gives the default. `…_detail` tells why, `…_async` awaits what the others would wait for (big segments and
//! stores that are not in memory; in every default configuration nothing waits).

use serde::de::DeserializeOwned;

use super::Client;
use super::record::Recorder;
use super::value::{EvaluationContext, FlagValue, StrictInt};
use crate::context::{Context, ContextError};
use crate::eval::{Detail, EvalErrorKind, Evaluation, Reason};
use crate::model::Flag;
use crate::text::Text;
use crate::value::Value;

/// What a variation is read as.
enum Read<T> {
    Value(T),
    /// The flag gave no variation, because of an error or because it is off.
    Nothing(Option<EvalErrorKind>),
    WrongType,
}

impl<T> Read<T> {
    fn of(evaluation: &Evaluation<'_>, read: impl Fn(&Value) -> Option<T>) -> Self {
        match evaluation.variation {
            Some((_, value)) => read(value).map_or(Self::WrongType, Self::Value),
            None => Self::Nothing(evaluation.verdict.error()),
        }
    }

    /// The error that the caller gets, if one.
    fn error(&self) -> Option<EvalErrorKind> {
        match self {
            Self::Value(_) => None,
            Self::Nothing(error) => *error,
            Self::WrongType => Some(EvalErrorKind::WrongType),
        }
    }
}

/// Makes the four doors of one type.
macro_rules! doors {
    ($($what:literal, $default:ty => $output:ty, $into:expr,
       $plain:ident $detail:ident $plain_async:ident $detail_async:ident;)+) => {$(
        #[doc = concat!("The value of ", $what, "; `default` if it has none.")]
        #[must_use]
        pub fn $plain(&self, key: &str, context: &impl EvaluationContext, default: $default) -> $output {
            self.variation(key, context, ($into)(default))
        }

        #[doc = concat!("The value of ", $what, " and why it is this one; `default` if it has none.")]
        #[must_use]
        pub fn $detail(&self, key: &str, context: &impl EvaluationContext, default: $default) -> Detail<$output> {
            self.variation_detail(key, context, ($into)(default))
        }

        #[doc = concat!("Like [`Client::", stringify!($plain), "`], awaiting what that one would wait for.")]
        pub async fn $plain_async(
            &self,
            key: &str,
            context: &impl EvaluationContext,
            default: $default,
        ) -> $output {
            self.variation_async(key, context, ($into)(default)).await
        }

        #[doc = concat!("Like [`Client::", stringify!($detail), "`], awaiting what that one would wait for.")]
        pub async fn $detail_async(
            &self,
            key: &str,
            context: &impl EvaluationContext,
            default: $default,
        ) -> Detail<$output> {
            self.variation_detail_async(key, context, ($into)(default)).await
        }
    )+};
}

impl Client {
    doors! {
        "a boolean flag", bool => bool, std::convert::identity,
        bool_variation bool_variation_detail bool_variation_async bool_variation_detail_async;

        "a number flag as an integer, a fraction being cut off", i64 => i64, std::convert::identity,
        int_variation int_variation_detail int_variation_async int_variation_detail_async;

        "a number flag as an integer, where `1.5` is none", i64 => i64, StrictInt,
        strict_int_variation strict_int_variation_detail strict_int_variation_async strict_int_variation_detail_async;

        "a number flag", f64 => f64, std::convert::identity,
        double_variation double_variation_detail double_variation_async double_variation_detail_async;

        "a string flag", &str => Text, std::convert::identity,
        string_variation string_variation_detail string_variation_async string_variation_detail_async;

        "a flag of any type", Value => Value, std::convert::identity,
        json_variation json_variation_detail json_variation_async json_variation_detail_async;
    }

    /// The value of a flag, of the type that `default` has; `default` if it has none.
    ///
    /// ```
    /// # fn example(client: &vexil::Client, context: &vexil::Context) {
    /// let limit = client.variation("rate-limit", context, 100);
    /// let theme = client.variation("theme", context, "light");
    /// let beta = client.variation("beta", context, false);
    /// # }
    /// ```
    #[inline]
    pub fn variation<T: FlagValue>(&self, key: &str, context: &impl EvaluationContext, default: T) -> T::Output {
        let result = self.evaluate(key, context, &default, false, |read, _| read);
        self.value_of(key, result, default)
    }

    /// The value of a flag, of the type that `default` has, and why it is this one; `default` if it has none.
    pub fn variation_detail<T: FlagValue>(
        &self,
        key: &str,
        context: &impl EvaluationContext,
        default: T,
    ) -> Detail<T::Output> {
        let result = self.evaluate(key, context, &default, true, read_detail);
        self.detail_of(key, result, default)
    }

    /// Like [`Client::variation`], awaiting what that one would wait for.
    pub async fn variation_async<T: FlagValue>(
        &self,
        key: &str,
        context: &impl EvaluationContext,
        default: T,
    ) -> T::Output {
        let result = self.evaluate_async(key, context, &default, false, |read, _| read).await;
        self.value_of(key, result, default)
    }

    /// Like [`Client::variation_detail`], awaiting what that one would wait for.
    pub async fn variation_detail_async<T: FlagValue>(
        &self,
        key: &str,
        context: &impl EvaluationContext,
        default: T,
    ) -> Detail<T::Output> {
        let result = self.evaluate_async(key, context, &default, true, read_detail).await;
        self.detail_of(key, result, default)
    }

    /// The one generic path: admission, evaluation, events.
    #[inline]
    fn evaluate<T: FlagValue, R>(
        &self,
        key: &str,
        context: &impl EvaluationContext,
        default: &T,
        with_reason: bool,
        read: impl Fn(Read<T::Output>, &Evaluation<'_>) -> R,
    ) -> Result<R, EvalErrorKind> {
        let context = context.context();
        if self.shared.processor.is_some() {
            return self.evaluate_and_record(key, context, default, with_reason, read);
        }
        let resolver = &self.shared.resolver;
        let context = resolver.admit(context)?;
        resolver.resolve(key, context, |_, evaluation| read(Read::of(evaluation, T::read), evaluation))
    }

    fn evaluate_and_record<T: FlagValue, R>(
        &self,
        key: &str,
        context: Result<&Context, &ContextError>,
        default: &T,
        with_reason: bool,
        read: impl Fn(Read<T::Output>, &Evaluation<'_>) -> R,
    ) -> Result<R, EvalErrorKind> {
        let resolver = &self.shared.resolver;
        let default = || default.to_value();
        let recorder = |context| Recorder { processor: self.processor(), key, context, with_reason, default: &default };
        let result = resolver.admit(context).and_then(|context| {
            let recorder = recorder(context);
            resolver.resolve(key, context, |flag, evaluation| {
                let value = Read::of(evaluation, T::read);
                recorder.evaluated(flag, evaluation, value.error());
                read(value, evaluation)
            })
        });
        self.record_unknown(&result, context, recorder);
        result
    }

    /// The same path, awaiting.
    async fn evaluate_async<T: FlagValue, R: Send>(
        &self,
        key: &str,
        context: &impl EvaluationContext,
        default: &T,
        with_reason: bool,
        read: impl Fn(Read<T::Output>, &Evaluation<'_>) -> R + Send + Sync,
    ) -> Result<R, EvalErrorKind> {
        let resolver = &self.shared.resolver;
        let default = || default.to_value();
        let context = context.context();
        let recorder = |context| Recorder { processor: self.processor(), key, context, with_reason, default: &default };
        let result = match resolver.admit(context) {
            Ok(context) => {
                let recorder = recorder(context);
                let finish = |flag: &Flag, evaluation: &Evaluation<'_>| {
                    let value = Read::of(evaluation, T::read);
                    recorder.evaluated(flag, evaluation, value.error());
                    read(value, evaluation)
                };
                resolver.resolve_async(key, context, finish).await
            }
            Err(error) => Err(error),
        };
        self.record_unknown(&result, context, recorder);
        result
    }

    /// An evaluation without a flag is counted too, unless the client is offline or the context invalid.
    #[inline]
    fn record_unknown<'a, R>(
        &self,
        result: &Result<R, EvalErrorKind>,
        context: Result<&'a Context, &ContextError>,
        recorder: impl FnOnce(&'a Context) -> Recorder<'a>,
    ) {
        if let (Err(error), Ok(context), false) = (result, context, self.is_offline()) {
            recorder(context).unknown(*error);
        }
    }

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
        let result = self.evaluate(key, context, &Value::Null, false, read_detail);
        self.fit(key, self.detail_of(key, result, Value::Null), default).value
    }

    /// The value of a flag as a type of your own, and why it is this one; `default` if it has none or does not fit.
    pub fn json_variation_as_detail<T: DeserializeOwned>(
        &self,
        key: &str,
        context: &impl EvaluationContext,
        default: T,
    ) -> Detail<T> {
        self.fit(key, self.json_variation_detail(key, context, Value::Null), default)
    }

    /// Like [`Client::json_variation_as`], awaiting what that one would wait for.
    pub async fn json_variation_as_async<T: DeserializeOwned>(
        &self,
        key: &str,
        context: &impl EvaluationContext,
        default: T,
    ) -> T {
        let result = self.evaluate_async(key, context, &Value::Null, false, read_detail).await;
        self.fit(key, self.detail_of(key, result, Value::Null), default).value
    }

    /// Like [`Client::json_variation_as_detail`], awaiting what that one would wait for.
    pub async fn json_variation_as_detail_async<T: DeserializeOwned>(
        &self,
        key: &str,
        context: &impl EvaluationContext,
        default: T,
    ) -> Detail<T> {
        self.fit(key, self.json_variation_detail_async(key, context, Value::Null).await, default)
    }

    #[inline]
    fn value_of<T: FlagValue>(
        &self,
        key: &str,
        result: Result<Read<T::Output>, EvalErrorKind>,
        default: T,
    ) -> T::Output {
        match result {
            Ok(Read::Value(value)) => value,
            Ok(Read::Nothing(None)) => self.default_of(key, default),
            Ok(Read::Nothing(Some(error))) => self.default_because(key, error, default),
            Ok(Read::WrongType) => self.default_because(key, EvalErrorKind::WrongType, default),
            Err(error) => self.default_because(key, error, default),
        }
    }

    fn detail_of<T: FlagValue>(
        &self,
        key: &str,
        result: Result<ReadDetail<T::Output>, EvalErrorKind>,
        default: T,
    ) -> Detail<T::Output> {
        let error = match result {
            Ok((Read::Value(value), index, reason)) => return Detail::new(value, index, reason),
            Ok((Read::Nothing(error), _, reason)) => {
                let value = match error {
                    Some(error) => self.default_because(key, error, default),
                    None => self.default_of(key, default),
                };
                return Detail::new(value, None, reason);
            }
            Ok((Read::WrongType, ..)) => EvalErrorKind::WrongType,
            Err(error) => error,
        };
        Detail::new(self.default_because(key, error, default), None, error.into())
    }

    /// The default, after one line in the log.
    #[cold]
    fn default_because<T: FlagValue>(&self, key: &str, error: EvalErrorKind, default: T) -> T::Output {
        if !matches!(error, EvalErrorKind::ClientNotReady | EvalErrorKind::UserNotSpecified) {
            self.shared.resolver.complaints.about_flag(key, error);
        }
        self.default_of(key, default)
    }

    /// The value that the client was configured to give for this flag, or else the caller's.
    fn default_of<T: FlagValue>(&self, key: &str, default: T) -> T::Output {
        let configured = self.shared.defaults.get(key).and_then(T::read);
        configured.unwrap_or_else(|| default.into_default())
    }

    fn fit<T: DeserializeOwned>(&self, key: &str, detail: Detail<Value>, default: T) -> Detail<T> {
        let fits = |value: &Value| serde_json::from_value(value.into()).ok();
        let default = || self.shared.defaults.get(key).and_then(fits).unwrap_or(default);
        if detail.is_default_value() {
            return detail.map(|_| default());
        }
        match fits(&detail.value) {
            Some(value) => detail.map(|_| value),
            None => {
                self.shared.resolver.complaints.about_flag(key, EvalErrorKind::WrongType);
                Detail::new(default(), None, EvalErrorKind::WrongType.into())
            }
        }
    }
}

type ReadDetail<T> = (Read<T>, Option<usize>, Reason);

fn read_detail<T>(read: Read<T>, evaluation: &Evaluation<'_>) -> ReadDetail<T> {
    (read, evaluation.variation.map(|(index, _)| index), evaluation.reason())
}
