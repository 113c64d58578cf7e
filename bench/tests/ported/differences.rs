//! What the guide says about behaviour that the compiler does not compare, of both SDKs.

use std::error::Error;
use std::panic::catch_unwind;
use std::time::Duration;

use launchdarkly_sdk_transport::HyperTransport;
use launchdarkly_server_sdk as official;
use serde_json::{Value, json};
use vexil::Context;
use vexil::config::{ConfigError, ServiceEndpoints};
use vexil_testing::FakeService;
use vexil_testing::fake_service::{Answer, Endpoint};

use super::{FLAGS, choose_provider};

const LIMIT: Duration = Duration::from_secs(60);

fn official_client(url: &str) -> Result<official::Client, Box<dyn Error>> {
    choose_provider();
    let transport = HyperTransport::new()?;
    let config = official::ConfigBuilder::new("sdk-key")
        .service_endpoints(official::ServiceEndpointsBuilder::new().relay_proxy(url))
        .data_source(official::StreamingDataSourceBuilder::new().transport(transport.clone()))
        .event_processor(official::EventProcessorBuilder::new().transport(transport))
        .build()?;
    Ok(official::Client::build(config)?)
}

fn client(url: &str) -> Result<vexil::Client, ConfigError> {
    vexil::Client::builder("sdk-key")
        .service_endpoints(ServiceEndpoints::relay(url))
        .start()
}

/// The counters of a flag in the summary that a service has received.
fn counters(service: &FakeService, flag: &str) -> Value {
    let events = service.events();
    let summary = events.iter().find(|event| event["kind"] == "summary");
    summary.map_or(Value::Null, |summary| {
        summary["features"][flag]["counters"].clone()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn members_that_are_missing_have_defaults() -> Result<(), Box<dyn Error>> {
    let lean = r#"{"flags": {"banner": {"key": "banner", "version": 1, "on": true,
        "variations": ["hello"], "fallthrough": {"variation": 0}}}, "segments": {}}"#;
    let service = FakeService::builder().data(lean).start()?;
    let theirs = official_client(&service.url())?;
    theirs.start_with_default_executor();
    assert_eq!(theirs.wait_for_initialization(LIMIT).await, Some(false));

    let ours = client(&service.url())?;
    ours.wait_until_ready(LIMIT).await?;
    assert_eq!(
        ours.str_variation("banner", &Context::new("ada")?, ""),
        "hello"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_key_ends_the_wait() -> Result<(), Box<dyn Error>> {
    let service = FakeService::start()?;
    service.always(Endpoint::Stream, Answer::status(401));
    let theirs = official_client(&service.url())?;
    theirs.start_with_default_executor();
    assert_eq!(theirs.wait_for_initialization(LIMIT).await, Some(false));
    assert!(
        client(&service.url())?
            .wait_until_ready(LIMIT)
            .await
            .is_err()
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_numbers_of_json_are_integers() -> Result<(), Box<dyn Error>> {
    let flags = FLAGS.replace("2.75", "250");
    let service = FakeService::builder().data(flags).start()?;
    let theirs = official_client(&service.url())?;
    theirs.start_with_default_executor();
    assert_eq!(theirs.wait_for_initialization(LIMIT).await, Some(true));
    let ada = official::ContextBuilder::new("ada").build()?;
    let value = theirs.json_variation(&ada, "rate", json!(0));
    assert_eq!(value.to_string(), "250.0");
    assert!(serde_json::from_value::<u32>(value).is_err());

    let ours = client(&service.url())?;
    ours.wait_until_ready(LIMIT).await?;
    let value = ours.variation("rate", &Context::new("ada")?, json!(0));
    assert_eq!(serde_json::from_value::<u32>(value)?, 250);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_of_another_type_is_reported_as_the_default() -> Result<(), Box<dyn Error>> {
    let service = FakeService::builder().data(FLAGS).start()?;
    let theirs = official_client(&service.url())?;
    theirs.start_with_default_executor();
    assert_eq!(theirs.wait_for_initialization(LIMIT).await, Some(true));
    let ada = official::ContextBuilder::new("ada").build()?;
    assert!(!theirs.bool_variation(&ada, "theme", false));
    theirs.close();
    let sent = json!([{"count": 1, "value": "light", "variation": 0, "version": 5}]);
    assert_eq!(counters(&service, "theme"), sent);

    let service = FakeService::builder().data(FLAGS).start()?;
    let ours = client(&service.url())?;
    ours.wait_until_ready(LIMIT).await?;
    assert!(!ours.bool_variation("theme", &Context::new("ada")?, false));
    assert!(ours.close(LIMIT).await);
    let sent = json!([{"count": 1, "value": false, "version": 5}]);
    assert_eq!(counters(&service, "theme"), sent);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_base_url_without_a_scheme_is_an_error_of_the_start() {
    let build = || official_client("no url").is_ok();
    assert!(catch_unwind(build).is_err(), "it panics");
    let refused = client("no url").unwrap_err();
    assert!(matches!(refused, ConfigError::BaseUrl { .. }));
}
