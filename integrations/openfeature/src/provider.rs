//! [`Provider`]: a client in OpenFeature's clothes.

use std::sync::Arc;
use std::time::Duration;

use open_feature::provider::{
    FeatureProvider, ProviderMetadata, ProviderStatus, ResolutionDetails,
};
use open_feature::{EvaluationContext, EvaluationResult, StructValue};
use serde::de::DeserializeOwned;
use vexil::status::DataSourceState;
use vexil::{Client, Context, ContextError};

use crate::complaints::Complaints;
use crate::value::{Integer, Requested, Structure};
use crate::{context, resolution, value};

/// As in the vendor's providers.
const INITIALIZATION_TIMEOUT: Duration = Duration::from_secs(10);

/// An OpenFeature provider that asks a [`Client`]. Clones are the same provider, on the same
/// client.
///
/// The [crate documentation](crate) tells how contexts, values, reasons and errors are translated.
/// Evaluations take the awaiting doors of the client, so a look-up of big segments or in a database
/// holds up no executor.
///
/// Introduce the provider to the service as the library around the SDK, if you like:
///
/// ```
/// use vexil::Client;
/// use vexil::config::WrapperInfo;
/// use vexil_openfeature::Provider;
///
/// let client = Client::builder("sdk-key").offline(true).wrapper(WrapperInfo::new("open-feature-rust")).start()?;
/// let provider = Provider::new(client);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Provider {
    client: Client,
    metadata: ProviderMetadata,
    initialization_timeout: Duration,
    /// Whether the client had no data when the provider was to be initialized.
    initialization_failed: bool,
    /// Shared by clones.
    complaints: Arc<Complaints>,
}

impl Provider {
    /// A provider that asks this client.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self {
            client,
            metadata: ProviderMetadata::new("vexil"),
            initialization_timeout: INITIALIZATION_TIMEOUT,
            initialization_failed: false,
            complaints: Arc::default(),
        }
    }

    /// Sets how long `OpenFeature::set_provider` waits for the client to have data. In that time
    /// the crate `open-feature` lets no evaluation through. If it passes, the provider's status is
    /// `Error` until there is data. Default: 10 seconds. Zero: it does not wait. `Duration::MAX`:
    /// it waits until the client has data or its source gives up.
    #[must_use]
    pub fn initialization_timeout(mut self, timeout: Duration) -> Self {
        self.initialization_timeout = timeout;
        self
    }

    /// The client, for all that OpenFeature does not know.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The context that `given` describes, for calls of the client.
    ///
    /// # Errors
    /// If it has no key, or its kind or one of its kinds is not allowed.
    pub fn context(&self, given: &EvaluationContext) -> Result<Context, ContextError> {
        context::convert(given, &self.complaints)
    }

    /// Tells the service that something happened, as OpenFeature's tracking has it: `value` becomes
    /// the event's metric value, and the structure its data. For an invalid context nothing is
    /// told, and the client's log says so.
    ///
    /// Version 0.3 of the crate `open-feature` has no tracking of its own; keep a clone of the
    /// provider for it.
    ///
    /// ```
    /// use open_feature::{EvaluationContext, StructValue};
    /// # use vexil::Client;
    /// # use vexil_openfeature::Provider;
    /// # use vexil_testing::{EventRecorder, RecordedEvent, TestData};
    ///
    /// # let events = EventRecorder::new();
    /// # let client = Client::builder("sdk-key").data_source(TestData::new()).events(events.clone()).start()?;
    /// # let provider = Provider::new(client);
    /// let ada = EvaluationContext::default().with_targeting_key("ada");
    /// provider.track("checkout-completed", &ada, Some(49.9), &StructValue::default().with_field("items", 3));
    /// # let [RecordedEvent::Custom { metric, .. }] = &events.take()[..] else { panic!("one event") };
    /// # assert_eq!(*metric, Some(49.9));
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

    /// The flag's value as `T`, and then as what OpenFeature calls that. The crate `open-feature`
    /// takes no default and returns errors instead, so events report the default that the client
    /// was configured with for the flag, or null.
    async fn resolve<T: DeserializeOwned + Send + Sync, U>(
        &self,
        flag_key: &str,
        context: &EvaluationContext,
        into: fn(T) -> U,
    ) -> EvaluationResult<ResolutionDetails<U>> {
        let context = self.context(context);
        let detail = self
            .client
            .json_variation_as_detail_async(flag_key, &context, Requested::<T>(None))
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
            tracing::warn!(%error, "the OpenFeature provider has no flags yet");
        }
        self.initialization_failed = ready.is_err();
    }

    fn status(&self) -> ProviderStatus {
        let source = self.client.data_source_status().status().state;
        // Not `is_initialized`, which says nothing of a database in daemon mode.
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
