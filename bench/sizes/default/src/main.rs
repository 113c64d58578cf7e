//! Evaluates one flag of the service that `SDK_KEY` names.

use std::time::Duration;

use vexil::{Client, Context};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::builder(std::env::var("SDK_KEY")?).start()?;
    client.blocking_wait_until_ready(Duration::from_secs(5))?;
    let user = Context::new("ada")?;
    println!("{}", client.bool_variation("new-checkout", &user, false));
    client.blocking_close(Duration::from_secs(5));
    Ok(())
}
