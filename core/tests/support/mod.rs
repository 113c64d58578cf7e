//! What several test files need.

use std::sync::Arc;

use vexil::data_source::{DataSink, DataSource, DataSourceError};
use vexil::model::DataSet;
use vexil::{Client, async_trait};

/// A data source that delivers one data set and is done.
#[derive(Clone, Debug)]
pub(crate) struct Fixed(DataSet);

#[async_trait]
impl DataSource for Fixed {
    async fn run(&self, sink: Arc<dyn DataSink>) -> Result<(), DataSourceError> {
        sink.init(self.0.clone()).await.map_err(DataSourceError::store)
    }
}

/// A client with the flags and segments of `{"flags": {…}, "segments": {…}}`.
pub(crate) fn client(data: &serde_json::Value) -> Client {
    let data = DataSet::from_json(data.to_string().as_bytes()).unwrap();
    Client::builder("sdk-key").data_source(Fixed(data)).start().unwrap()
}
