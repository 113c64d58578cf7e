use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;
use vexil::async_trait;
use vexil::data_source::{
    DataSink, DataSource, DataSourceError, DataSourceErrorInfo, DataSourceErrorKind,
    DataSourceState,
};
use vexil::model::DataSet;
use vexil_testing::conformance::DataSourceHarness;

/// Flags that another part of the program receives, as the service's JSON.
#[derive(Clone, Debug)]
struct Received(watch::Receiver<String>);

#[async_trait]
impl DataSource for Received {
    async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
        let mut texts = self.0.clone();
        loop {
            let text = texts.borrow_and_update().clone();
            match DataSet::from_json(text.as_bytes()) {
                // Replaces all flags; the client is ready, and the source valid. If the client's
                // store fails, the same data is delivered again.
                Ok(data) => {
                    if sink.init(data).await.is_err() {
                        sleep(Duration::from_secs(1)).await;
                        texts.mark_changed();
                    }
                }
                // A temporary fault: the last flags stay, and the status has the error.
                Err(error) => {
                    let kind = DataSourceErrorKind::InvalidData;
                    let error = DataSourceErrorInfo::new(kind, error.to_string());
                    sink.update_status(DataSourceState::Interrupted, Some(error));
                }
            }
            if texts.changed().await.is_err() {
                // The sender is gone: there is nothing more to deliver.
                return Ok(());
            }
        }
    }
}

/// Each test has its own sender.
struct Harness(watch::Sender<String>);

#[async_trait]
impl DataSourceHarness for Harness {
    async fn publish(&self, data: &str) {
        self.0.send_replace(data.to_owned());
    }

    async fn source(&self) -> Arc<dyn DataSource> {
        Arc::new(Received(self.0.subscribe()))
    }
}

vexil_testing::data_source_conformance!(
    Harness(watch::Sender::default()),
    delivery,
    changes,
    immediate
);
