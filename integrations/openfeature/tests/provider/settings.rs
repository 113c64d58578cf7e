//! The initialization timeout accepts any duration.

use std::time::Duration;

use open_feature::EvaluationContext;
use open_feature::provider::{FeatureProvider, ProviderStatus};
use vexil::Client;
use vexil_openfeature::Provider;
use vexil_testing::TestData;

const SETTING: &str = "Provider::initialization_timeout";

#[tokio::test]
async fn the_initialization_timeout_accepts_any_duration() {
    for time in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
        let client = Client::builder("sdk-key")
            .data_source(TestData::new())
            .start()
            .unwrap();
        let mut provider = Provider::new(client).initialization_timeout(time);
        provider.initialize(&EvaluationContext::default()).await;
        assert_eq!(
            provider.status(),
            ProviderStatus::Ready,
            "{SETTING}({time:?})"
        );
    }
}
