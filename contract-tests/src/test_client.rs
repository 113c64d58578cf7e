//! [`TestClient`]: one client under test.

use std::time::Duration;

use serde::Serialize;
use vexil::client::{FlagValue, FlagsStateOptions};
use vexil::config::ConfigError;
use vexil::{Client, Context, ContextError, Text, Value};

use crate::Options;
use crate::api::{
    BigSegmentsStatus, Command, Config, Evaluate, EvaluateAll, Evaluated, EvaluatedAll,
    HashContext, Hashed, Identify, Track, ValueType,
};
use crate::api_error::{ApiError, describe};
use crate::client_config::ClientConfig;
use crate::listeners::Listeners;
use crate::{contexts, migration};

/// Timeout for closing a client.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// The response to a command: JSON, or nothing.
pub(crate) type Reply = Option<serde_json::Value>;

/// One client under test.
#[derive(Debug)]
pub(crate) struct TestClient {
    client: Client,
    listeners: Listeners,
}

impl TestClient {
    /// Starts a client and waits until it is ready. Returns an error if it is not ready in time,
    /// unless the configuration allows initialization to fail.
    pub(crate) async fn start(config: Config, options: Options) -> Result<Self, ApiError> {
        let ClientConfig {
            builder,
            start_wait,
            init_can_fail,
        } = ClientConfig::new(config, options)?;
        let client = builder.start().map_err(|error| match error {
            ConfigError::Runtime { .. } => ApiError::failed(describe(&error)),
            _ => ApiError::bad(describe(&error)),
        })?;
        let client = Self {
            client,
            listeners: Listeners::default(),
        };
        match client.client.wait_until_ready(start_wait).await {
            Err(error) if init_can_fail => {
                tracing::info!(error = describe(&error), "the client is not ready")
            }
            Err(error) => {
                client.close().await;
                return Err(ApiError::failed(describe(&error)));
            }
            Ok(()) => {}
        }
        Ok(client)
    }

    /// Runs one command.
    pub(crate) async fn run(&self, command: Command) -> Result<Reply, ApiError> {
        match command.command.as_str() {
            "evaluate" => reply(self.evaluate(params(command.evaluate)?).await?),
            "evaluateAll" => reply(self.evaluate_all(params(command.evaluate_all)?).await?),
            "secureModeHash" => reply(self.hash(params(command.secure_mode_hash)?)?),
            "contextBuild" => reply(contexts::build(params(command.context_build)?)?),
            "contextConvert" => reply(contexts::convert(&params(command.context_convert)?)?),
            "contextComparison" => reply(contexts::compare(params(command.context_comparison)?)?),
            "migrationVariation" => reply(
                migration::variation(&self.client, params(command.migration_variation)?).await?,
            ),
            "migrationOperation" => {
                reply(migration::operate(&self.client, params(command.migration_operation)?).await?)
            }
            "identifyEvent" => self.identify(params(command.identify_event)?),
            "customEvent" => self.track(params(command.custom_event)?),
            "registerFlagChangeListener" => {
                let params = params(command.register_flag_change_listener)?;
                self.listeners.add(&self.client, params);
                Ok(None)
            }
            "registerFlagValueChangeListener" => {
                let params = params(command.register_flag_value_change_listener)?;
                self.listeners.add_for_value(&self.client, params)?;
                Ok(None)
            }
            "unregisterListener" => {
                let params = params(command.unregister_listener)?;
                self.listeners.remove(&self.client, &params.listener_id);
                Ok(None)
            }
            "getBigSegmentStoreStatus" => reply(self.big_segment_store_status().await),
            "flushEvents" => {
                self.client.flush();
                Ok(None)
            }
            unknown => Err(ApiError::bad(format!("{unknown}: not supported"))),
        }
    }

    /// Closes the client.
    pub(crate) async fn close(&self) {
        self.client.close(CLOSE_TIMEOUT).await;
    }

    async fn evaluate(&self, params: Evaluate) -> Result<Evaluated, ApiError> {
        let Evaluate {
            flag_key,
            subject,
            value_type,
            default_value,
            detail,
        } = params;
        let context = contexts::of(subject)?;
        let call = Call {
            client: &self.client,
            key: &flag_key,
            context: &context,
            detail,
        };
        let other = || ApiError::bad(format!("the default is not a {value_type:?}"));
        Ok(match value_type {
            ValueType::Bool => {
                call.evaluate(default_value.as_bool().ok_or_else(other)?)
                    .await
            }
            ValueType::Int => {
                call.evaluate(default_value.as_i64().ok_or_else(other)?)
                    .await
            }
            ValueType::Double => {
                call.evaluate(default_value.as_f64().ok_or_else(other)?)
                    .await
            }
            ValueType::String => {
                call.evaluate(Text::from(default_value.as_str().ok_or_else(other)?))
                    .await
            }
            ValueType::Any => call.evaluate(default_value).await,
        })
    }

    async fn evaluate_all(&self, params: EvaluateAll) -> Result<EvaluatedAll, ApiError> {
        let EvaluateAll {
            subject,
            with_reasons,
            client_side_only,
            details_only_for_tracked_flags,
        } = params;
        let options = FlagsStateOptions::default()
            .with_reasons(with_reasons)
            .client_side_only(client_side_only)
            .details_only_for_tracked_flags(details_only_for_tracked_flags);
        let state = self
            .client
            .all_flags_state_async(&contexts::of(subject)?, options)
            .await;
        Ok(EvaluatedAll {
            state: state.to_json(),
        })
    }

    fn identify(&self, params: Identify) -> Result<Reply, ApiError> {
        self.client.identify(&contexts::of(params.subject)?);
        Ok(None)
    }

    fn track(&self, params: Track) -> Result<Reply, ApiError> {
        let Track {
            event_key,
            subject,
            data,
            omit_null_data,
            metric_value,
        } = params;
        let context = contexts::of(subject)?;
        match metric_value {
            Some(metric) => self.client.track_metric(&event_key, &context, metric, data),
            None if omit_null_data && data == Value::Null => {
                self.client.track(&event_key, &context)
            }
            None => self.client.track_data(&event_key, &context, data),
        }
        Ok(None)
    }

    async fn big_segment_store_status(&self) -> BigSegmentsStatus {
        let status = self.client.big_segment_store_status().status().await;
        BigSegmentsStatus {
            available: status.available,
            stale: status.stale,
        }
    }

    fn hash(&self, params: HashContext) -> Result<Hashed, ApiError> {
        let context =
            contexts::of(params.subject)?.map_err(|error| ApiError::bad(describe(&error)))?;
        Ok(Hashed {
            result: self.client.secure_mode_hash(&context),
        })
    }
}

/// One evaluation, of any type.
struct Call<'a> {
    client: &'a Client,
    key: &'a str,
    context: &'a Result<Context, ContextError>,
    detail: bool,
}

impl Call<'_> {
    async fn evaluate<T: FlagValue<Output: Into<Value>>>(&self, default: T) -> Evaluated {
        let Self {
            client,
            key,
            context,
            detail,
        } = self;
        if !detail {
            let value = client.variation_async(key, *context, default).await.into();
            return Evaluated {
                value,
                variation_index: None,
                reason: None,
            };
        }
        let detail = client.variation_detail_async(key, *context, default).await;
        Evaluated {
            value: detail.value.into(),
            variation_index: detail.variation_index,
            reason: Some(detail.reason),
        }
    }
}

/// Returns the parameters of a command that requires them.
fn params<T>(params: Option<T>) -> Result<T, ApiError> {
    params.ok_or_else(|| ApiError::bad("the command has no parameters"))
}

fn reply(reply: impl Serialize) -> Result<Reply, ApiError> {
    serde_json::to_value(reply)
        .map(Some)
        .map_err(ApiError::failed)
}
