//! Evaluates one flag of the service that `SDK_KEY` names.

use std::time::Duration;

use launchdarkly_server_sdk::{Client, ConfigBuilder, ContextBuilder};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::build(ConfigBuilder::new(&std::env::var("SDK_KEY")?).build()?)?;
    client.start_with_default_executor();
    client.wait_for_initialization(Duration::from_secs(5)).await;
    let user = ContextBuilder::new("ada").build()?;
    println!("{}", client.bool_variation(&user, "new-checkout", false));
    client.close();
    Ok(())
}
