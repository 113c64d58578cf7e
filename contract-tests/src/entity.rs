//! [`Entity`]: one client under test.

use std::time::Duration;

use serde::Serialize;
use vexil::client::{FlagValue, FlagsStateOptions};
use vexil::config::ConfigError;
use vexil::{Client, Context, ContextError, Text, Value};

use crate::Options;
use crate::api::{
    BigSegmentsStatus, Command, Config, Evaluate, EvaluateAll, Evaluated, EvaluatedAll,
    HashContext, Hashed, Identify, Subject, Track, ValueType,
};
use crate::listeners::Listeners;
use crate::recipe::Recipe;
use crate::refusal::{Refusal, describe};
use crate::{contexts, migration};

/// Timeout for closing a client.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// The response to a command: JSON, or nothing.
pub(crate) type Answer = Option<serde_json::Value>;

/// One client under test.
#[derive(Debug)]
pub(crate) struct Entity {
    client: Client,
    listeners: Listeners,
}

impl Entity {
    /// Starts a client and waits until it is ready. Returns an error if it is not ready in time,
    /// unless the configuration allows initialization to fail.
    pub(crate) async fn start(config: Config, options: Options) -> Result<Self, Refusal> {
        let Recipe {
            builder,
            start_wait,
            init_can_fail,
        } = Recipe::new(config, options)?;
        let client = builder.start().map_err(|error| match error {
            ConfigError::Runtime { .. } => Refusal::failed(describe(&error)),
            _ => Refusal::bad(describe(&error)),
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
                return Err(Refusal::failed(describe(&error)));
            }
            Ok(()) => {}
        }
        Ok(client)
    }

    /// Runs one command.
    pub(crate) async fn run(&self, command: Command) -> Result<Answer, Refusal> {
        match command.command.as_str() {
            "evaluate" => answer(self.evaluate(params(command.evaluate)?).await?),
            "evaluateAll" => answer(self.evaluate_all(params(command.evaluate_all)?).await?),
            "secureModeHash" => answer(self.hash(params(command.secure_mode_hash)?)?),
            "contextBuild" => answer(contexts::build(params(command.context_build)?)?),
            "contextConvert" => answer(contexts::convert(&params(command.context_convert)?)?),
            "contextComparison" => answer(contexts::compare(params(command.context_comparison)?)?),
            "migrationVariation" => answer(
                migration::variation(&self.client, params(command.migration_variation)?).await?,
            ),
            "migrationOperation" => answer(
                migration::operate(&self.client, params(command.migration_operation)?).await?,
            ),
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
            "getBigSegmentStoreStatus" => answer(self.big_segment_store_status().await),
            "flushEvents" => {
                self.client.flush();
                Ok(None)
            }
            unknown => Err(Refusal::bad(format!("{unknown}: not supported"))),
        }
    }

    /// Closes the client.
    pub(crate) async fn close(&self) {
        self.client.close(CLOSE_TIMEOUT).await;
    }

    async fn evaluate(&self, params: Evaluate) -> Result<Evaluated, Refusal> {
        let Evaluate {
            flag_key,
            subject,
            value_type,
            default_value,
            detail,
        } = params;
        let context = given(subject)?;
        let call = Call {
            client: &self.client,
            key: &flag_key,
            context: &context,
            detail,
        };
        let other = || Refusal::bad(format!("the default is not a {value_type:?}"));
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

    async fn evaluate_all(&self, params: EvaluateAll) -> Result<EvaluatedAll, Refusal> {
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
            .all_flags_state_async(&given(subject)?, options)
            .await;
        Ok(EvaluatedAll {
            state: state.to_json(),
        })
    }

    fn identify(&self, params: Identify) -> Result<Answer, Refusal> {
        self.client.identify(&given(params.subject)?);
        Ok(None)
    }

    fn track(&self, params: Track) -> Result<Answer, Refusal> {
        let Track {
            event_key,
            subject,
            data,
            omit_null_data,
            metric_value,
        } = params;
        let context = given(subject)?;
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

    fn hash(&self, params: HashContext) -> Result<Hashed, Refusal> {
        let context = given(params.subject)?.map_err(|error| Refusal::bad(describe(&error)))?;
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
fn params<T>(params: Option<T>) -> Result<T, Refusal> {
    params.ok_or_else(|| Refusal::bad("the command has no parameters"))
}

/// Returns the context of a command. It may be invalid: validation is left to the SDK.
pub(crate) fn given(subject: Subject) -> Result<Result<Context, ContextError>, Refusal> {
    subject
        .read()
        .ok_or_else(|| Refusal::bad("the command has neither a context nor a user"))
}

fn answer(answer: impl Serialize) -> Result<Answer, Refusal> {
    serde_json::to_value(answer)
        .map(Some)
        .map_err(Refusal::failed)
}
