//! vexil with both databases, running inside another program.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use vexil::config::HttpConfig;
use vexil::store::PersistentDataStore;
use vexil::transport::RequestOptions;
use vexil_dynamodb::DynamoDbDataStore;
use vexil_redis::RedisDataStore;

/// Sends a request to this `https` URL with the HTTP transport and with the DynamoDB store, and
/// prepares TLS for Redis.
///
/// # Panics
/// Panics if any of it fails.
pub fn work(url: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(requests(url)).unwrap();
}

async fn requests(url: &str) -> Result<(), Box<dyn Error>> {
    let transport = HttpConfig::new().build()?;
    let request = Request::get(url).body(Bytes::new())?;
    let response = transport.send(request, RequestOptions::new(Duration::from_secs(10))).await?;
    assert_eq!(response.status(), 200);

    let table = DynamoDbDataStore::builder("flags").region("local").endpoint(url).credentials("local", "local");
    table.build()?.probe().await?;

    // Only creates the TLS configuration; does not connect.
    RedisDataStore::builder().url(url.replace("https://", "rediss://")).build()?;
    Ok(())
}
