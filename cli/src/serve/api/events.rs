//! What SDKs have sent.

use axum::Json;
use serde_json::{Value, json};

use super::Chosen;

pub(super) async fn resend(Chosen(environment): Chosen) -> Json<Value> {
    environment.resend.send_modify(|count| *count += 1);
    Json(json!({"streams": environment.events.open_streams()}))
}

pub(super) async fn events() {}
pub(super) async fn clear() {}
pub(super) async fn counts() {}
pub(super) async fn contexts() {}
pub(super) async fn sdks() {}
pub(super) async fn cut() {}
