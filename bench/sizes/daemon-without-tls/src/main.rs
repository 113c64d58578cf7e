//! Evaluates one flag of the Redis that `REDIS_URL` names.

use std::time::Duration;

use vexil::{Client, Context};
use vexil_redis::RedisDataStore;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = RedisDataStore::builder().url(std::env::var("REDIS_URL")?);
    let client = Client::builder("sdk-key").daemon_mode(store).start()?;
    client.blocking_wait_until_ready(Duration::from_secs(5))?;
    let user = Context::new("ada")?;
    println!("{}", client.bool_variation("new-checkout", &user, false));
    client.blocking_close(Duration::from_secs(5));
    Ok(())
}
