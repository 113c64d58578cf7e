//! Tests of the contents of reports.

use super::*;

fn read(report: &[u8]) -> Value {
    serde_json::from_slice(report).unwrap()
}

// EVT-4.1
#[test]
fn the_first_report_describes_the_sdk_the_platform_and_the_settings() {
    let second = Duration::from_secs(1);
    let configuration = DiagnosticConfiguration {
        wrapper_name: Some("web".to_owned()),
        wrapper_version: Some("2.0".to_owned()),
        custom_base_uri: Some(false),
        custom_events_uri: Some(true),
        custom_stream_uri: Some(false),
        events_capacity: Some(500),
        connect_timeout: Some(second),
        socket_timeout: Some(2 * second),
        events_flush_interval: Some(3 * second),
        using_proxy: Some(true),
        streaming_disabled: Some(false),
        using_relay_daemon: Some(false),
        all_attributes_private: Some(true),
        polling_interval: Some(4 * second),
        start_wait: Some(5 * second),
        reconnect_time: Some(6 * second),
        context_keys_capacity: Some(1000),
        context_keys_flush_interval: Some(7 * second),
        diagnostic_recording_interval: Some(8 * second),
        data_store_type: Some("Redis".to_owned()),
    };
    let report = read(&Diagnostics::new("sdk-12345678", configuration).init_at(1_700_000_000_000));
    let id = report["id"]["diagnosticId"].as_str().unwrap();
    assert_eq!(Uuid::parse_str(id).unwrap().get_version_num(), 4);
    let expected = json!({
        "kind": "diagnostic-init",
        "id": { "diagnosticId": id, "sdkKeySuffix": "345678" },
        "creationDate": 1_700_000_000_000_u64,
        "sdk": {
            "name": "VexilRust",
            "version": env!("CARGO_PKG_VERSION"),
            "wrapperName": "web",
            "wrapperVersion": "2.0",
        },
        "platform": platform(),
        "configuration": {
            "customBaseURI": false,
            "customEventsURI": true,
            "customStreamURI": false,
            "eventsCapacity": 500,
            "connectTimeoutMillis": 1000,
            "socketTimeoutMillis": 2000,
            "eventsFlushIntervalMillis": 3000,
            "usingProxy": true,
            "streamingDisabled": false,
            "usingRelayDaemon": false,
            "allAttributesPrivate": true,
            "pollingIntervalMillis": 4000,
            "startWaitMillis": 5000,
            "reconnectTimeMillis": 6000,
            "userKeysCapacity": 1000,
            "userKeysFlushIntervalMillis": 7000,
            "diagnosticRecordingIntervalMillis": 8000,
            "dataStoreType": "Redis",
        },
    });
    assert_eq!(report, expected);
}

// EVT-4.1
#[test]
fn the_platform_has_a_name_and_a_version() {
    let platform = platform();
    let text = |name: &str| platform[name].as_str().unwrap();
    assert_eq!(
        [text("name"), text("osArch"), text("osName")],
        ["Rust", consts::ARCH, os_name(consts::OS)]
    );
    #[cfg(unix)]
    assert!(
        text("osVersion")
            .split('.')
            .take(2)
            .all(|part| part.parse::<u32>().is_ok()),
        "{platform:?}"
    );
}

// EVT-4.1
#[test]
fn unknown_values_are_left_out() {
    let report = read(&Diagnostics::new("sdk", DiagnosticConfiguration::default()).init());
    assert_eq!(report["configuration"], json!({}));
    assert_eq!(
        report["sdk"],
        json!({ "name": "VexilRust", "version": env!("CARGO_PKG_VERSION") })
    );
    assert!(report["creationDate"].as_u64().unwrap() > 1_700_000_000_000);
}

// EVT-4.2
#[test]
fn a_later_report_covers_the_time_since_the_previous_one() {
    let diagnostics = Diagnostics::new("sdk-key", DiagnosticConfiguration::default());
    let id = read(&diagnostics.init_at(1000))["id"].clone();
    diagnostics.add_deduplicated(2);
    diagnostics.add_deduplicated(3);
    diagnostics.set_events_in_last_batch(9);
    diagnostics.set_events_in_last_batch(7);
    diagnostics.stream_init(
        UNIX_EPOCH + Duration::from_millis(1100),
        Duration::from_millis(250),
        true,
    );
    diagnostics.stream_init(
        UNIX_EPOCH + Duration::from_millis(1400),
        Duration::from_millis(50),
        false,
    );
    let expected = json!({
        "kind": "diagnostic",
        "id": id,
        "creationDate": 2000,
        "dataSinceDate": 1000,
        "droppedEvents": 4,
        "deduplicatedUsers": 5,
        "eventsInLastBatch": 7,
        "streamInits": [
            { "timestamp": 1100, "durationMillis": 250, "failed": true },
            { "timestamp": 1400, "durationMillis": 50, "failed": false },
        ],
    });
    assert_eq!(read(&diagnostics.statistics_at(2000, 4)), expected);
    let expected = json!({
        "kind": "diagnostic",
        "id": id,
        "creationDate": 3000,
        "dataSinceDate": 2000,
        "droppedEvents": 2,
        "deduplicatedUsers": 0,
        "eventsInLastBatch": 0,
        "streamInits": [],
    });
    assert_eq!(
        read(&diagnostics.statistics_at(3000, 6)),
        expected,
        "counting starts from zero"
    );
}

// EVT-4.2
#[test]
fn only_the_latest_of_many_stream_attempts_are_reported() {
    let statistics = Statistics::default();
    for timestamp in 0..150 {
        statistics.stream_init(timestamp, Duration::ZERO, true);
    }
    let inits = statistics.take_stream_inits();
    assert_eq!(
        (inits.len(), &inits[0]["timestamp"], &inits[99]["timestamp"]),
        (100, &json!(50), &json!(149))
    );
}

// EVT-4.1
#[test]
fn an_sdk_key_is_reported_by_its_last_six_characters() {
    for (key, expected) in [
        ("", ""),
        ("abc", "abc"),
        ("abcdef", "abcdef"),
        ("sdk-abcdef", "abcdef"),
        ("aéééééé", "éééééé"),
    ] {
        assert_eq!(suffix(key), expected);
    }
}

// EVT-4.1
#[test]
fn operating_systems_have_the_names_that_the_service_knows() {
    let names = ["linux", "macos", "windows", "freebsd"].map(os_name);
    assert_eq!(names, ["Linux", "MacOS", "Windows", "freebsd"]);
}
