//! The migration commands (EVT-10.3).

use std::error::Error;
use std::pin::Pin;

use tokio::task::spawn_blocking;
use vexil::Client;
use vexil::migration::{
    AsyncMigrator, AsyncMigratorBuilder, ExecutionOrder, OperationResult, Stage,
};

use crate::api::{Migrated, MigrationOperation, MigrationVariation, Operation, ReadOrder};
use crate::api_error::{ApiError, describe};
use crate::callback::Callback;
use crate::contexts;

pub(crate) async fn variation(
    client: &Client,
    params: MigrationVariation,
) -> Result<Migrated, ApiError> {
    let MigrationVariation {
        key,
        subject,
        default_stage,
    } = params;
    let (stage, _) = client
        .migration_variation_async(&key, &contexts::of(subject)?, parse(&default_stage)?)
        .await;
    Ok(Migrated {
        result: stage.to_string(),
    })
}

pub(crate) async fn operate(
    client: &Client,
    params: MigrationOperation,
) -> Result<Migrated, ApiError> {
    let (context, default_stage) = (contexts::of(params.subject)?, parse(&params.default_stage)?);
    let mut migrator: AsyncMigratorBuilder<String, String, String, String> =
        AsyncMigrator::builder(client)
            .track_latency(params.track_latency)
            .track_errors(params.track_errors)
            .read(origin(&params.old_endpoint), origin(&params.new_endpoint))
            .write(origin(&params.old_endpoint), origin(&params.new_endpoint));
    if let Some(order) = params.read_execution_order {
        migrator = migrator.read_execution_order(match order {
            ReadOrder::Serial => ExecutionOrder::Serial,
            ReadOrder::Random => ExecutionOrder::Random,
            ReadOrder::Concurrent => ExecutionOrder::Concurrent,
        });
    }
    if params.track_consistency {
        migrator = migrator.compare(|one, other| one == other);
    }
    let migrator = migrator.build().map_err(ApiError::failed)?;
    Ok(text(match params.operation {
        Operation::Read => {
            migrator
                .read(&params.key, &context, default_stage, params.payload)
                .await
        }
        Operation::Write => {
            migrator
                .write(&params.key, &context, default_stage, params.payload)
                .await
                .authoritative
        }
    }))
}

fn parse(stage: &str) -> Result<Stage, ApiError> {
    stage
        .parse()
        .map_err(|error| ApiError::bad(format!("{stage}: {error}")))
}

/// The future result of an origin.
type OriginResult =
    Pin<Box<dyn Future<Output = Result<String, Box<dyn Error + Send + Sync>>> + Send>>;

/// Returns an origin that posts the payload to the harness and returns its response.
fn origin(uri: &str) -> impl Fn(String) -> OriginResult + Send + Sync + use<> {
    let callback = Callback::new(uri.to_owned());
    move |payload| {
        let callback = callback.clone();
        Box::pin(async move { Ok(spawn_blocking(move || callback.post(&payload)).await??) })
    }
}

fn text(outcome: OperationResult<String>) -> Migrated {
    Migrated {
        result: outcome.result.unwrap_or_else(|error| describe(&error)),
    }
}
