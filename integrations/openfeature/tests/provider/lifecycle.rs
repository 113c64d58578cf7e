//! Initialization and status.

use std::sync::Arc;
use std::time::Duration;

use open_feature::EvaluationContext;
use open_feature::provider::{FeatureProvider, ProviderStatus};
use vexil::data_source::{
    DataSink, DataSource, DataSourceError, DataSourceErrorInfo, DataSourceErrorKind,
};
use vexil::status::DataSourceState;
use vexil::{Client, ClientBuilder};
use vexil_openfeature::Provider;
use vexil_testing::{MemoryPersistentStore, StoreFault, TestData};

use crate::support::{builder, flags};

/// A source that delivers its data when notified.
#[derive(Clone, Debug)]
struct Late(Arc<tokio::sync::Notify>);

#[vexil::async_trait]
impl DataSource for Late {
    async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
        self.0.notified().await;
        flags().run(sink).await
    }
}

fn late() -> (Arc<tokio::sync::Notify>, ClientBuilder) {
    let now = Arc::new(tokio::sync::Notify::new());
    (
        now.clone(),
        Client::builder("sdk-key")
            .data_source(Late(now))
            .without_events(),
    )
}

// Evaluation: "Provider status accessibility". OpenFeature 2.4.2
#[tokio::test]
async fn a_provider_with_data_is_ready() {
    let mut provider = Provider::new(builder(flags()).start().unwrap());
    provider.initialize(&EvaluationContext::default()).await;
    assert_eq!(provider.status(), ProviderStatus::Ready);
    assert_eq!(provider.metadata().name, "vexil");
}

// TCK: "A provider that successfully initializes becomes ready"
#[tokio::test]
async fn initialization_waits_for_data() {
    let (now, builder) = late();
    let mut provider =
        Provider::new(builder.start().unwrap()).initialization_timeout(Duration::from_secs(60));
    assert_eq!(provider.status(), ProviderStatus::NotReady);
    now.notify_one();
    provider.initialize(&EvaluationContext::default()).await;
    assert_eq!(provider.status(), ProviderStatus::Ready);
}

// TCK: "A provider that cannot reach its backend reports an error". OpenFeature 2.4.4
#[tokio::test]
async fn failed_initialization_is_an_error_until_there_is_data() {
    let (now, builder) = late();
    let client = builder.start().unwrap();
    let mut provider =
        Provider::new(client.clone()).initialization_timeout(Duration::from_millis(1));
    provider.initialize(&EvaluationContext::default()).await;
    assert_eq!(provider.status(), ProviderStatus::Error);
    now.notify_one();
    client
        .wait_until_ready(Duration::from_secs(60))
        .await
        .unwrap();
    assert_eq!(provider.status(), ProviderStatus::Ready);
}

#[tokio::test]
async fn an_offline_client_is_ready() {
    let mut provider = Provider::new(Client::builder("sdk-key").offline(true).start().unwrap());
    provider.initialize(&EvaluationContext::default()).await;
    assert_eq!(provider.status(), ProviderStatus::Ready);
}

fn interruption() -> DataSourceErrorInfo {
    DataSourceErrorInfo::new(DataSourceErrorKind::NetworkError, "connection lost")
}

#[test]
fn an_interrupted_source_makes_the_provider_stale_until_it_recovers() {
    let flags = flags();
    let provider = Provider::new(builder(flags.clone()).start().unwrap());
    flags.update_status(DataSourceState::Interrupted, interruption());
    assert_eq!(provider.status(), ProviderStatus::STALE);
    flags.set("boolean-flag", false);
    assert_eq!(provider.status(), ProviderStatus::Ready);
    flags.update_status(DataSourceState::Off, interruption());
    assert_eq!(provider.status(), ProviderStatus::STALE);
}

#[test]
fn a_source_that_stops_without_data_is_an_error() {
    #[derive(Clone, Debug)]
    struct Refused;
    #[vexil::async_trait]
    impl DataSource for Refused {
        async fn run(&self, _: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
            Err(DataSourceError::invalid_data(std::io::Error::other(
                "refused",
            )))
        }
    }
    let provider = Provider::new(
        builder(TestData::new())
            .data_source(Refused)
            .start()
            .unwrap(),
    );
    assert_eq!(provider.status(), ProviderStatus::Error);
}

#[tokio::test]
async fn an_unavailable_database_makes_the_provider_stale_until_it_recovers() {
    let store = MemoryPersistentStore::new().with_refresh_interval(Duration::from_millis(1));
    let client = Client::builder("sdk-key")
        .daemon_mode(store.clone())
        .without_events()
        .start()
        .unwrap();
    let mut provider = Provider::new(client.clone());
    provider.initialize(&EvaluationContext::default()).await;
    assert_eq!(provider.status(), ProviderStatus::Ready);
    store.calls().fault_all(StoreFault::Fail);
    assert!(
        client
            .data_store_status()
            .wait_for(|status| status.stale, Duration::from_secs(60))
            .await
    );
    assert_eq!(provider.status(), ProviderStatus::STALE);
    store.calls().heal();
    assert!(
        client
            .data_store_status()
            .wait_for(|status| !status.stale, Duration::from_secs(60))
            .await
    );
    assert_eq!(provider.status(), ProviderStatus::Ready);
}

#[tokio::test]
async fn a_database_that_was_never_read_is_an_error_until_it_is_read() {
    let store = MemoryPersistentStore::new().with_refresh_interval(Duration::from_millis(1));
    store.calls().fault_all(StoreFault::Fail);
    let client = Client::builder("sdk-key")
        .daemon_mode(store.clone())
        .without_events()
        .start()
        .unwrap();
    let mut provider =
        Provider::new(client.clone()).initialization_timeout(Duration::from_millis(10));
    assert_eq!(provider.status(), ProviderStatus::NotReady);
    provider.initialize(&EvaluationContext::default()).await;
    assert_eq!(provider.status(), ProviderStatus::Error);
    store.calls().heal();
    client
        .wait_until_ready(Duration::from_secs(60))
        .await
        .unwrap();
    assert_eq!(provider.status(), ProviderStatus::Ready);
}
