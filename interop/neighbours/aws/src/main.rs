//! The AWS SDK with its default HTTP client.

use std::env;

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::{Client, Config};

#[tokio::main]
async fn main() {
    let url = env::var("HTTPS_URL").unwrap();
    #[cfg(feature = "vexil")]
    tokio::task::spawn_blocking(|| beside::work(&env::var("HTTPS_URL").unwrap())).await.unwrap();
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("local"))
        .credentials_provider(Credentials::new("local", "local", None, None, "neighbour"))
        .endpoint_url(url);
    println!("{:?}", Client::from_conf(config.build()).list_tables().send().await.unwrap().table_names());
}
