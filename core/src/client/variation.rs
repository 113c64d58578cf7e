//! The generic methods that evaluate a flag. The typed ones, in `typed_variation.rs`, call them.
//!
//! Each method takes the flag's key, the context and a default, and never fails: if the flag has no
//! value, it returns the default. The `…_detail` methods also return the reason. The `…_async`
//! methods await I/O where the others block; it occurs only with big segments and with stores
//! outside memory, never in a default configuration.

use std::cell::Cell;

use vexil_eval::model::Flag;
use vexil_eval::{
    Context, ContextError, Detail, EvalErrorKind, Evaluation, Reason, TypeMismatch, Value,
};

use super::Client;
use super::data_view::DataView;
use super::record::Recorder;
use super::requested::Requested;
use super::value::{AsContext, FlagValue};
use crate::hooks::EvaluationMethod;

/// The result of reading a variation as type `T`.
pub(crate) enum Read<T> {
    Value(T),
    /// The flag has no variation for the context: it is off, or there was an error.
    Nothing(Option<FlagError>),
    /// Boxed, to keep the common variants small.
    WrongType(Box<WrongType>),
}

/// This version of the flag could not be evaluated.
pub(crate) struct FlagError {
    kind: EvalErrorKind,
    version: u64,
}

/// The value in this version of the flag has another type.
pub(crate) struct WrongType {
    mismatch: Box<TypeMismatch>,
    version: u64,
}

impl<O> Read<O> {
    #[inline]
    fn of<T: Requested<Output = O>>(flag: &Flag, evaluation: &Evaluation<'_>) -> Self {
        let version = flag.version();
        match evaluation.variation {
            Some((_, value)) => T::read(value).map_or_else(
                || Self::WrongType(wrong_type::<T>(version, value)),
                Self::Value,
            ),
            None => Self::Nothing(
                evaluation
                    .verdict
                    .error()
                    .map(|kind| FlagError { kind, version }),
            ),
        }
    }

    /// The error returned to the caller, if any.
    #[inline]
    fn error(&self) -> Option<EvalErrorKind> {
        match self {
            Self::Value(_) => None,
            Self::Nothing(error) => error.as_ref().map(|error| error.kind),
            Self::WrongType(_) => Some(EvalErrorKind::WrongType),
        }
    }

    /// The error that events report, if any.
    #[inline]
    fn reported_error<T: Requested<Output = O>>(&self) -> Option<EvalErrorKind> {
        let is_hidden = T::MISMATCH_IS_REPORTED_AS_VARIATION && matches!(self, Self::WrongType(_));
        if is_hidden { None } else { self.error() }
    }
}

#[cold]
fn wrong_type<T: Requested>(version: u64, found: &Value) -> Box<WrongType> {
    Box::new(WrongType {
        mismatch: T::mismatch(found),
        version,
    })
}

impl Client {
    /// Returns the value of a flag, of the same type as `default`, or `default` if the flag has no
    /// value of that type. [`FlagValue`] lists the types.
    ///
    /// ```
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let flags = TestData::new().with("rate-limit", 20).with("theme", "dark");
    /// let client = Client::builder("sdk-key").data_source(flags).without_events().start()?;
    /// let ada = Context::new("ada")?;
    /// assert_eq!(client.variation("rate-limit", &ada, 100), 20);
    /// assert_eq!(client.variation("theme", &ada, "light"), "dark");
    /// // The default is returned for a flag of another type, and for an unknown one.
    /// assert_eq!(client.variation("theme", &ada, 100), 100);
    /// assert!(!client.variation("no-such-flag", &ada, false));
    /// # Ok(())
    /// # }
    /// ```
    #[inline]
    pub fn variation<T: FlagValue>(
        &self,
        key: &str,
        context: &(impl AsContext + ?Sized),
        default: T,
    ) -> T::Output {
        if !self.shared.hooks.is_empty() {
            return self
                .variation_in_series(EvaluationMethod::Variation, key, context, default)
                .value;
        }
        self.value(key, context, default)
    }

    /// Returns the value of a flag, of the same type as `default`, and the reason for it. The value
    /// is `default` if the flag has no value of that type.
    ///
    /// ```
    /// use vexil::eval::EvalErrorKind;
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let flags = TestData::new().with("rate-limit", 20);
    /// let client = Client::builder("sdk-key").data_source(flags).without_events().start()?;
    /// let ada = Context::new("ada")?;
    /// let detail = client.variation_detail("rate-limit", &ada, 100);
    /// assert_eq!((detail.value, detail.reason.error()), (20, None));
    ///
    /// let detail = client.variation_detail("rate-limit", &ada, "none");
    /// assert_eq!((&*detail.value, detail.reason.error()), ("none", Some(EvalErrorKind::WrongType)));
    /// let detail = client.variation_detail("no-such-flag", &ada, 100);
    /// assert_eq!((detail.value, detail.reason.error()), (100, Some(EvalErrorKind::FlagNotFound)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn variation_detail<T: FlagValue>(
        &self,
        key: &str,
        context: &(impl AsContext + ?Sized),
        default: T,
    ) -> Detail<T::Output> {
        if !self.shared.hooks.is_empty() {
            return self.variation_in_series(
                EvaluationMethod::VariationDetail,
                key,
                context,
                default,
            );
        }
        let result = self.evaluate(key, context, &default, true, read_detail);
        self.detail_of(key, result, default)
    }

    /// Async form of [`Client::variation`] and of the typed methods: awaits I/O instead of blocking.
    ///
    /// ```
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// # pollster::block_on(async {
    /// let flags = TestData::new().with("rate-limit", 20);
    /// let client = Client::builder("sdk-key").data_source(flags).without_events().start()?;
    /// let ada = Context::new("ada")?;
    /// assert_eq!(client.variation_async("rate-limit", &ada, 100).await, 20);
    /// assert_eq!(client.variation_async("rate-limit", &ada, "none").await, "none");
    /// assert_eq!(client.variation_async("no-such-flag", &ada, 100).await, 100);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn variation_async<T: FlagValue>(
        &self,
        key: &str,
        context: &(impl AsContext + ?Sized),
        default: T,
    ) -> T::Output {
        if !self.shared.hooks.is_empty() {
            return self
                .variation_in_series_async(EvaluationMethod::Variation, key, context, default)
                .await
                .value;
        }
        let result = self
            .evaluate_async(key, context, &default, false, |read, _, _| read)
            .await;
        self.value_of(key, result, default)
    }

    /// Async form of [`Client::variation_detail`] and of the typed methods with detail: awaits I/O
    /// instead of blocking.
    ///
    /// ```
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// # pollster::block_on(async {
    /// let flags = TestData::new().with("rate-limit", 20);
    /// let client = Client::builder("sdk-key").data_source(flags).without_events().start()?;
    /// let detail = client.variation_detail_async("rate-limit", &Context::new("ada")?, true).await;
    /// assert!(detail.value);
    /// let mismatch = detail.type_mismatch().expect("the flag is a number");
    /// assert_eq!(mismatch.to_string(), "expected a boolean, found a number");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn variation_detail_async<T: FlagValue>(
        &self,
        key: &str,
        context: &(impl AsContext + ?Sized),
        default: T,
    ) -> Detail<T::Output> {
        if !self.shared.hooks.is_empty() {
            return self
                .variation_in_series_async(EvaluationMethod::VariationDetail, key, context, default)
                .await;
        }
        let result = self
            .evaluate_async(key, context, &default, true, read_detail)
            .await;
        self.detail_of(key, result, default)
    }

    /// The data that evaluations for this context see.
    #[inline]
    pub(super) fn view<'a>(&'a self, context: &'a (impl AsContext + ?Sized)) -> DataView<'a> {
        DataView::new(&self.shared.resolver, context.pinned(self))
    }

    /// Checks, evaluates and records events. Hooks run around it.
    #[inline]
    pub(crate) fn evaluate<T: Requested, R>(
        &self,
        key: &str,
        context: &(impl AsContext + ?Sized),
        default: &T,
        with_reason: bool,
        read: impl Fn(Read<T::Output>, &Flag, &Evaluation<'_>) -> R,
    ) -> Result<R, EvalErrorKind> {
        if self.shared.processor.is_some() && context.reports_events() {
            return self.evaluate_and_record(key, context, default, with_reason, read);
        }
        let view = self.view(context);
        let context = view.admit(Some(key), context.as_context())?;
        view.resolve(key, context, |flag, evaluation| {
            read(Read::of::<T>(flag, evaluation), flag, evaluation)
        })
    }

    fn evaluate_and_record<T: Requested, R>(
        &self,
        key: &str,
        context: &(impl AsContext + ?Sized),
        default: &T,
        with_reason: bool,
        read: impl Fn(Read<T::Output>, &Flag, &Evaluation<'_>) -> R,
    ) -> Result<R, EvalErrorKind> {
        let view = self.view(context);
        let context = context.as_context();
        let default = || default.reported(self.shared.defaults.get(key));
        let recorder = |context| Recorder {
            processor: self.processor(),
            key,
            context,
            with_reason,
            default: &default,
        };
        let result = view.admit(Some(key), context).and_then(|context| {
            let recorder = recorder(context);
            view.resolve(key, context, |flag, evaluation| {
                let value = Read::of::<T>(flag, evaluation);
                recorder.evaluated(flag, evaluation, value.reported_error::<T>());
                read(value, flag, evaluation)
            })
        });
        self.record_unknown(&result, context, recorder);
        result
    }

    /// Async form of [`Client::evaluate`].
    pub(crate) async fn evaluate_async<T: Requested, R: Send>(
        &self,
        key: &str,
        context: &(impl AsContext + ?Sized),
        default: &T,
        with_reason: bool,
        read: impl Fn(Read<T::Output>, &Flag, &Evaluation<'_>) -> R + Send + Sync,
    ) -> Result<R, EvalErrorKind> {
        let view = self.view(context);
        let default = || default.reported(self.shared.defaults.get(key));
        let processor = self.processor_for(context);
        let context = context.as_context();
        let recorder = |context| Recorder {
            processor,
            key,
            context,
            with_reason,
            default: &default,
        };
        let result = match view.admit(Some(key), context) {
            Ok(context) => {
                let recorder = recorder(context);
                let finish = |flag: &Flag, evaluation: &Evaluation<'_>| {
                    let value = Read::of::<T>(flag, evaluation);
                    recorder.evaluated(flag, evaluation, value.reported_error::<T>());
                    read(value, flag, evaluation)
                };
                view.resolve_async(key, context, finish).await
            }
            Err(error) => Err(error),
        };
        self.record_unknown(&result, context, recorder);
        result
    }

    /// Records an evaluation that found no flag, unless the client is offline or the context is
    /// invalid.
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

    /// Evaluates for a value, without hooks. What else was read is kept aside: a small result stays in
    /// registers, and a larger one would be copied before its bytes can be loaded as whole words.
    #[inline]
    pub(crate) fn value<T: Requested>(
        &self,
        key: &str,
        context: &(impl AsContext + ?Sized),
        default: T,
    ) -> T::Output {
        let no_value = Cell::new(Read::Nothing(None));
        let read = |read, _: &Flag, _: &Evaluation<'_>| match read {
            Read::Value(value) => Some(value),
            read => {
                no_value.set(read);
                None
            }
        };
        match self.evaluate(key, context, &default, false, read) {
            Ok(Some(value)) => {
                self.shared.meter.returned_value();
                value
            }
            Ok(None) => self.value_of(key, Ok(no_value.into_inner()), default),
            Err(error) => self.value_of(key, Err(error), default),
        }
    }

    pub(crate) fn value_of<T: Requested>(
        &self,
        key: &str,
        result: Result<Read<T::Output>, EvalErrorKind>,
        default: T,
    ) -> T::Output {
        match result {
            Ok(Read::Value(value)) => {
                self.shared.meter.returned_value();
                return value;
            }
            Ok(Read::Nothing(None)) => self.shared.meter.returned_default(None),
            Ok(Read::Nothing(Some(error))) => self.flag_failed(key, &error),
            Ok(Read::WrongType(wrong)) => self.wrong_type(key, &wrong),
            Err(error) => self.no_flag(key, error),
        }
        self.default_of(key, default)
    }

    /// Always inlined: otherwise the second caller, in `hooked.rs`, would turn this into a call on
    /// the path without hooks.
    #[inline(always)]
    pub(crate) fn detail_of<T: Requested>(
        &self,
        key: &str,
        result: Result<ReadDetail<T::Output>, EvalErrorKind>,
        default: T,
    ) -> Detail<T::Output> {
        match result {
            Ok((Read::Value(value), index, reason)) => {
                self.shared.meter.returned_value();
                Detail::new(value, index, reason)
            }
            Ok((Read::Nothing(error), _, reason)) => {
                match error {
                    Some(error) => self.flag_failed(key, &error),
                    None => self.shared.meter.returned_default(None),
                }
                Detail::new(self.default_of(key, default), None, reason)
            }
            Ok((Read::WrongType(wrong), _, reason)) => {
                self.wrong_type(key, &wrong);
                Detail::mismatched(self.default_of(key, default), wrong.mismatch, reason)
            }
            Err(error) => {
                self.no_flag(key, error);
                Detail::new(self.default_of(key, default), None, error.into())
            }
        }
    }

    /// Logs and counts that a flag could not be evaluated.
    #[cold]
    fn flag_failed(&self, key: &str, error: &FlagError) {
        self.shared.meter.returned_default(Some(error.kind));
        self.shared
            .resolver
            .log_once
            .about_flag(key, error.version, error.kind);
    }

    /// Logs and counts that a flag's value has another type than the requested one. The error of serde
    /// is left out of the log, because it may quote the value.
    #[cold]
    fn wrong_type(&self, key: &str, wrong: &WrongType) {
        let error = EvalErrorKind::WrongType;
        self.shared.meter.returned_default(Some(error));
        self.shared
            .resolver
            .log_once
            .wrong_type(key, wrong.version, &wrong.mismatch, None);
    }

    /// Logs and counts that there is no flag to evaluate. Problems that concern all flags were logged
    /// earlier.
    #[cold]
    fn no_flag(&self, key: &str, error: EvalErrorKind) {
        self.shared.meter.returned_default(Some(error));
        if !matches!(
            error,
            EvalErrorKind::ClientNotReady | EvalErrorKind::UserNotSpecified
        ) {
            self.shared.resolver.log_once.about_key(key, error);
        }
    }

    /// The default configured for this flag if it has the type, otherwise the caller's.
    fn default_of<T: Requested>(&self, key: &str, default: T) -> T::Output {
        let configured = self.shared.defaults.get(key).and_then(T::read);
        configured.unwrap_or_else(|| default.into_default())
    }
}

pub(crate) type ReadDetail<T> = (Read<T>, Option<usize>, Reason);

pub(crate) fn read_detail<T>(
    read: Read<T>,
    _: &Flag,
    evaluation: &Evaluation<'_>,
) -> ReadDetail<T> {
    (
        read,
        evaluation.variation.map(|(index, _)| index),
        evaluation.reason(),
    )
}
