//! The flags of the front end, for the JavaScript SDK in the page: the service's endpoint in secure
//! mode.

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Map, Value, json};
use vexil::Client;
use vexil::client::FlagsStateOptions;
use vexil_service::{Route, is_secure_mode_hash};

pub(crate) fn routes(client: Client) -> Router {
    Router::new()
        .route("/sdk/evalx/{environment}/contexts/{context}", get(flags))
        .with_state(client)
}

/// A browser may claim to be any user. The hash of a context is made with the SDK key, so only the
/// server of the page can have made it, for a user that it has authenticated.
async fn flags(State(client): State<Client>, uri: Uri) -> Result<Json<Value>, StatusCode> {
    let route = Route::find("GET", uri.path(), uri.query()).map_err(|_| StatusCode::BAD_REQUEST)?;
    let context = route.context(b"").map_err(|_| StatusCode::BAD_REQUEST)?;
    // Compares in constant time.
    let hash = route.hash().unwrap_or_default();
    if !is_secure_mode_hash(client.sdk_key().as_str(), &context, hash) {
        return Err(StatusCode::FORBIDDEN);
    }
    let state = client.all_flags_state(
        &context,
        FlagsStateOptions::default().client_side_only(true),
    );
    match state.is_valid() {
        true => Ok(Json(by_flag(state.to_json()))),
        false => Err(StatusCode::SERVICE_UNAVAILABLE),
    }
}

/// Converts bootstrap data, which has values and metadata apart, to an object for each flag.
fn by_flag(mut state: Value) -> Value {
    let metadata = state["$flagsState"].take();
    let flags = metadata.as_object().into_iter().flatten();
    let flags = flags.map(|(key, metadata)| {
        let mut flag = metadata.clone();
        flag["value"] = state[key].take();
        flag["flagVersion"] = flag["version"].clone();
        (key.clone(), flag)
    });
    json!(flags.collect::<Map<_, _>>())
}
