//! The states and statuses as text and as JSON.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::{json, to_value};
use vexil::client::DataAvailability;
use vexil::data_source::{DataSourceErrorInfo, DataSourceErrorKind, DataSourceState};
use vexil::status::{BigSegmentStoreStatus, DataStoreErrorInfo, DataStoreErrorKind};
use vexil::store::StoreError;

use crate::support::controlled;

#[test]
fn states_are_their_names() {
    macro_rules! names {
        ($($state:expr => $name:literal;)+) => {$(
            assert_eq!($state.as_str(), $name);
            assert_eq!($state.to_string(), $name);
            assert_eq!(to_value($state).unwrap(), $name);
        )+};
    }
    names! {
        DataSourceState::Initializing => "INITIALIZING";
        DataSourceState::Valid => "VALID";
        DataSourceState::Interrupted => "INTERRUPTED";
        DataSourceState::Off => "OFF";
        DataSourceErrorKind::Unknown => "UNKNOWN";
        DataSourceErrorKind::NetworkError => "NETWORK_ERROR";
        DataSourceErrorKind::ErrorResponse => "ERROR_RESPONSE";
        DataSourceErrorKind::InvalidData => "INVALID_DATA";
        DataSourceErrorKind::StoreError => "STORE_ERROR";
        DataStoreErrorKind::Unavailable => "UNAVAILABLE";
        DataStoreErrorKind::Timeout => "TIMEOUT";
        DataStoreErrorKind::Auth => "AUTH";
        DataStoreErrorKind::Config => "CONFIG";
        DataStoreErrorKind::Corrupt => "CORRUPT";
        DataStoreErrorKind::TooLarge => "TOO_LARGE";
        DataStoreErrorKind::ReadOnly => "READ_ONLY";
        DataStoreErrorKind::NotInitialized => "NOT_INITIALIZED";
        DataAvailability::Defaults => "DEFAULTS";
        DataAvailability::Cached => "CACHED";
        DataAvailability::Refreshed => "REFRESHED";
    }
    assert_eq!(format!("{:>6}|", DataSourceState::Off), "   OFF|");
}

#[test]
fn the_status_of_a_data_source_is_its_state_and_its_lasting_error() {
    let (client, source) = controlled();
    let status = || client.data_source_status().status();
    source.init(&json!({}));
    source.network_error(DataSourceState::Interrupted, "no route");
    assert_eq!(status().to_string(), "INTERRUPTED: no route");
    let json = to_value(status()).unwrap();
    assert_eq!(
        (&json["state"], &json["error"]["kind"]),
        (&json!("INTERRUPTED"), &json!("NETWORK_ERROR"))
    );
    assert_eq!(json["error"]["ended"], json!(null));
    source.init(&json!({}));
    source.status(DataSourceState::Valid);
    assert_eq!(status().to_string(), "VALID");
    let (json, status) = (to_value(status()).unwrap(), status());
    let since = status.since.duration_since(UNIX_EPOCH).unwrap().as_millis();
    assert_eq!(json["since"], u64::try_from(since).unwrap());
    assert!(json["error"]["ended"].is_u64(), "{json}");
}

#[test]
fn times_are_milliseconds_since_1970() {
    let mut error = DataSourceErrorInfo::new(DataSourceErrorKind::ErrorResponse, "status 503");
    error.status_code = Some(503);
    error.time = UNIX_EPOCH + Duration::from_millis(1_500);
    error.ended = Some(UNIX_EPOCH - Duration::from_secs(1));
    let expected = json!({"kind": "ERROR_RESPONSE", "statusCode": 503, "time": 1_500, "ended": 0,
        "message": "status 503"});
    assert_eq!(to_value(&error).unwrap(), expected);

    let mut error = DataStoreErrorInfo::new(&StoreError::Timeout);
    error.time = UNIX_EPOCH;
    let expected = json!({"kind": "TIMEOUT", "time": 0, "ended": null, "message": error.message});
    assert_eq!(to_value(&error).unwrap(), expected);
}

#[test]
fn the_statuses_of_stores_say_whether_they_are_available_and_stale() {
    let (client, _source) = controlled();
    let status = client.data_store_status().status();
    assert_eq!(status.to_string(), "available");
    let expected = json!({"available": true, "answered": false, "stale": false, "initialized": false,
        "lastRefresh": null, "items": 0, "corrupt": 0, "error": null});
    assert_eq!(to_value(&status).unwrap(), expected);
    let mut status = status;
    (status.available, status.stale) = (false, true);
    status.error = Some(DataStoreErrorInfo::new(&StoreError::Timeout));
    let message = &status.error.as_ref().unwrap().message;
    assert_eq!(status.to_string(), format!("unavailable, stale: {message}"));

    for (status, text) in [
        ((true, false), "available"),
        ((true, true), "available, stale"),
        ((false, false), "unavailable"),
        ((false, true), "unavailable, stale"),
    ] {
        let status = BigSegmentStoreStatus::new(status.0, status.1);
        assert_eq!(status.to_string(), text);
    }
    let status = to_value(BigSegmentStoreStatus::new(true, false)).unwrap();
    assert_eq!(status, json!({"available": true, "stale": false}));
}
