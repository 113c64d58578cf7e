//! Evaluates one flag that the program sets itself.

use std::time::Duration;

use vexil::{Client, Context};
use vexil_testing::TestData;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let flags = TestData::new().with("new-checkout", true);
    let client = Client::builder("sdk-key").data_source(flags).start()?;
    client.blocking_wait_until_ready(Duration::from_secs(5))?;
    let user = Context::new("ada")?;
    println!("{}", client.bool_variation("new-checkout", &user, false));
    client.blocking_close(Duration::from_secs(5));
    Ok(())
}
