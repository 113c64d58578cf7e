//! [`Provider`]: adapts a client to OpenFeature.

use std::sync::Arc;
use std::time::Duration;

use open_feature::provider::{
    FeatureProvider, ProviderMetadata, ProviderStatus, ResolutionDetails,
};
use open_feature::{EvaluationContext, EvaluationResult, StructValue};
use serde::de::DeserializeOwned;
use vexil::status::DataSourceState;
use vexil::{Client, Context, ContextError};

use crate::value::{Integer, Requested, Structure};
use crate::warnings::Warnings;
use crate::{context, resolution, value};

/// The default of the vendor's providers.
const INITIALIZATION_TIMEOUT: Duration = Duration::from_secs(10);

/// An OpenFeature provider backed by a [`Client`]. Clones share the same client.
///
/// The [crate documentation](crate) describes how contexts, values, reasons and errors are
/// converted. Evaluations use the client's async methods, so a look-up of big segments or in a
/// database does not block the executor.
///
/// To report the provider to the service as a wrapper of the SDK, configure the client so:
///
/// ```
/// use vexil::Client;
/// use vexil::config::WrapperInfo;
/// use vexil_openfeature::Provider;
///
/// let wrapper = WrapperInfo::new("open-feature-rust");
/// let client = Client::builder("sdk-key").offline(true).wrapper(wrapper).start()?;
/// let provider = Provider::new(client);
/// assert!(provider.client().is_offline());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Provider {
    client: Client,
    metadata: ProviderMetadata,
    initialization_timeout: Duration,
    /// Whether initialization failed because the client had no data.
    initialization_failed: bool,
    /// Shared by clones.
    warnings: Arc<Warnings>,
}

impl Provider {
    /// Creates a provider backed by `client`.
    ///
    /// ```
    /// use open_feature::provider::{FeatureProvider, ProviderStatus};
    /// use vexil::Client;
    /// use vexil_openfeature::Provider;
    ///
    /// let provider = Provider::new(Client::builder("sdk-key").offline(true).start()?);
    /// assert_eq!(provider.metadata().name, "vexil");
    /// assert_eq!(provider.status(), ProviderStatus::Ready);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self {
            client,
            metadata: ProviderMetadata::new("vexil"),
            initialization_timeout: INITIALIZATION_TIMEOUT,
            initialization_failed: false,
            warnings: Arc::default(),
        }
    }

    /// Sets how long `OpenFeature::set_provider` waits for the client to have data. The crate
    /// `open-feature` blocks all evaluations while it waits. After the timeout, the provider's
    /// status is `Error` until the client has data. Default: 10 seconds. Zero: no wait.
    /// `Duration::MAX`: waits until the client has data or its data source stops.
    ///
    /// ```
    /// use std::time::Duration;
    /// use open_feature::EvaluationContext;
    /// use open_feature::provider::{FeatureProvider, ProviderStatus};
    /// use vexil::Client;
    /// use vexil_openfeature::Provider;
    /// use vexil_testing::{MemoryPersistentStore, StoreFault};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // A client in daemon mode has no data while its database is unavailable.
    /// let store = MemoryPersistentStore::new();
    /// store.calls().fault_all(StoreFault::Fail);
    /// let client = Client::builder("sdk-key").daemon_mode(store).start()?;
    /// let mut provider = Provider::new(client).initialization_timeout(Duration::from_millis(10));
    /// provider.initialize(&EvaluationContext::default()).await;
    /// assert_eq!(provider.status(), ProviderStatus::Error);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn initialization_timeout(mut self, timeout: Duration) -> Self {
        self.initialization_timeout = timeout;
        self
    }

    /// Returns the client, for operations that OpenFeature does not offer.
    ///
    /// ```
    /// use vexil::Client;
    /// use vexil_openfeature::Provider;
    ///
    /// let provider = Provider::new(Client::builder("sdk-key").offline(true).start()?);
    /// assert!(provider.client().is_offline());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Converts an evaluation context, for calls of the client.
    ///
    /// ```
    /// use open_feature::EvaluationContext;
    /// # use vexil_openfeature::Provider;
    ///
    /// # let provider = Provider::new(vexil::Client::builder("sdk-key").offline(true).start()?);
    /// let ada = EvaluationContext::default().with_targeting_key("ada").with_custom_field("name", "Ada");
    /// assert_eq!(provider.context(&ada)?.key(), "ada");
    /// assert!(provider.context(&EvaluationContext::default()).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Returns an error if the context has no key, or if one of its kinds is not allowed.
    pub fn context(&self, context: &EvaluationContext) -> Result<Context, ContextError> {
        context::convert(context, &self.warnings)
    }

    /// Records a custom event, following OpenFeature's tracking API: `value` is the event's metric
    /// value, and the structure is its data. For an invalid context no event is recorded, and the
    /// client logs a warning.
    ///
    /// Version 0.3 of the crate `open-feature` has no tracking API; keep a clone of the provider to
    /// call this method.
    ///
    /// ```
    /// use open_feature::{EvaluationContext, StructValue};
    /// # use vexil::Client;
    /// # use vexil_openfeature::Provider;
    /// # use vexil_testing::{EventRecorder, TestData};
    ///
    /// # let events = EventRecorder::new();
    /// # let builder = Client::builder("sdk-key").data_source(TestData::new());
    /// # let client = builder.events(events.clone()).start()?;
    /// # let provider = Provider::new(client);
    /// let ada = EvaluationContext::default().with_targeting_key("ada");
    /// let data = StructValue::default().with_field("items", 3);
    /// provider.track("checkout-completed", &ada, Some(49.9), &data);
    /// # events.custom_events().name("checkout-completed").metric(49.9).assert_once();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn track(
        &self,
        event: &str,
        context: &EvaluationContext,
        value: Option<f64>,
        data: &StructValue,
    ) {
        let context = self.context(context);
        let data = if data.fields.is_empty() {
            vexil::Value::Null
        } else {
            value::object(data)
        };
        match value {
            Some(value) => self.client.track_metric(event, &context, value, data),
            None => self.client.track_data(event, &context, data),
        }
    }

    /// Evaluates the flag as `T` and converts the value to OpenFeature's type. The crate
    /// `open-feature` takes no default and returns errors instead, so events report the default
    /// that is configured on the client for the flag, or null.
    async fn resolve<T: DeserializeOwned + Send + Sync, U>(
        &self,
        flag_key: &str,
        context: &EvaluationContext,
        into: fn(T) -> U,
    ) -> EvaluationResult<ResolutionDetails<U>> {
        let context = self.context(context);
        let detail = self
            .client
            .json_as_detail_async(flag_key, &context, Requested::<T>(None))
            .await;
        resolution::resolve(
            detail.map(|Requested(value)| value.map(into)),
            context.as_ref().err(),
        )
    }
}

#[open_feature::async_trait]
impl FeatureProvider for Provider {
    async fn initialize(&mut self, _: &EvaluationContext) {
        let ready = self
            .client
            .wait_until_ready(self.initialization_timeout)
            .await;
        if let Err(error) = &ready {
            tracing::warn!(%error, "initialization of the OpenFeature provider failed");
        }
        self.initialization_failed = ready.is_err();
    }

    fn status(&self) -> ProviderStatus {
        let source = self.client.data_source_status().status().state;
        // Not `is_initialized`, which does not reflect the database in daemon mode.
        if self
            .client
            .blocking_wait_until_ready(Duration::ZERO)
            .is_err()
        {
            let failed = self.initialization_failed || source == DataSourceState::Off;
            return if failed {
                ProviderStatus::Error
            } else {
                ProviderStatus::NotReady
            };
        }
        let cut_off = matches!(source, DataSourceState::Interrupted | DataSourceState::Off);
        if cut_off || self.client.data_store_status().status().stale {
            return ProviderStatus::STALE;
        }
        ProviderStatus::Ready
    }

    fn metadata(&self) -> &ProviderMetadata {
        &self.metadata
    }

    async fn resolve_bool_value(
        &self,
        flag_key: &str,
        evaluation_context: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<bool>> {
        self.resolve(flag_key, evaluation_context, |value: bool| value)
            .await
    }

    async fn resolve_int_value(
        &self,
        flag_key: &str,
        evaluation_context: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<i64>> {
        self.resolve(flag_key, evaluation_context, |Integer(value)| value)
            .await
    }

    async fn resolve_float_value(
        &self,
        flag_key: &str,
        evaluation_context: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<f64>> {
        self.resolve(flag_key, evaluation_context, |value: f64| value)
            .await
    }

    async fn resolve_string_value(
        &self,
        flag_key: &str,
        evaluation_context: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<String>> {
        self.resolve(flag_key, evaluation_context, |value: String| value)
            .await
    }

    async fn resolve_struct_value(
        &self,
        flag_key: &str,
        evaluation_context: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<StructValue>> {
        self.resolve(flag_key, evaluation_context, |Structure(value)| value)
            .await
    }
}
