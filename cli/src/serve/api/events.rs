//! What SDKs have sent: events, contexts, and the SDKs themselves.

use axum::Json;
use axum::extract::{Path, Query};
use serde::Deserialize;
use serde_json::{Value, json};
use vexil_service::EventQuery;

use super::Chosen;
use super::error::{ApiError, Body, Empty};

/// The number of events that are returned if the request does not name one, and the largest one.
const DEFAULT_LIMIT: usize = 200;
const MAX_LIMIT: usize = 10_000;

#[derive(Debug, Deserialize)]
pub(super) struct Filter {
    after: Option<u64>,
    kind: Option<String>,
    sdk: Option<String>,
    query: Option<String>,
    limit: Option<usize>,
}

/// The parameters of the path.
#[derive(Deserialize)]
pub(super) struct SdkPath {
    id: u64,
}

pub(super) async fn events(
    Chosen(environment): Chosen,
    Query(filter): Query<Filter>,
) -> Json<Value> {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let (kind, sdk, text) = (
        given(&filter.kind),
        given(&filter.sdk),
        given(&filter.query),
    );
    let limit = filter.limit.unwrap_or(DEFAULT_LIMIT).min(MAX_LIMIT);
    let query = EventQuery {
        after: filter.after,
        kind: kind.as_deref(),
        sdk: sdk.as_deref(),
        text: text.as_deref(),
        ..EventQuery::new(limit)
    };
    let received = environment.events.received();
    Json(json!(received.log.query(&query)))
}

pub(super) async fn clear(Chosen(environment): Chosen) -> Json<Value> {
    environment.events.received().clear();
    environment.news.announce(&environment.news.events);
    Json(json!({}))
}

pub(super) async fn counts(Chosen(environment): Chosen) -> Json<Value> {
    let received = environment.events.received();
    let rows = received.counts.iter().flat_map(|(sdk, counts)| {
        counts.rows().iter().map(move |row| {
            json!({
                "sdk": sdk,
                "flag": row.flag,
                "variation": row.variation,
                "version": row.version,
                "value": row.value,
                "count": row.count,
            })
        })
    });
    Json(json!({"rows": rows.collect::<Vec<_>>()}))
}

pub(super) async fn contexts(Chosen(environment): Chosen) -> Json<Value> {
    let received = environment.events.received();
    let contexts: Vec<_> = received.contexts.iter().collect();
    Json(json!({"contexts": contexts}))
}

pub(super) async fn sdks(Chosen(environment): Chosen) -> Json<Value> {
    let known = environment.sdks.known();
    let sdks: Vec<_> = known.list.iter().collect();
    Json(json!({"sdks": sdks}))
}

pub(super) async fn cut(
    Chosen(environment): Chosen,
    Path(SdkPath { id }): Path<SdkPath>,
    Body(Empty {}): Body<Empty>,
) -> Result<Json<Value>, ApiError> {
    let cut = environment.sdks.known().cut(id);
    let cut = cut.ok_or_else(|| ApiError::not_found("there is no such SDK"))?;
    Ok(Json(json!({"cut": cut})))
}

pub(super) async fn resend(
    Chosen(environment): Chosen,
    Body(Empty {}): Body<Empty>,
) -> Json<Value> {
    environment.resend.send_modify(|count| *count += 1);
    Json(json!({"streams": environment.sdks.known().list.open_streams()}))
}
