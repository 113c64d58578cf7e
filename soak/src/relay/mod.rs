//! Publishes the environment to the service, the databases and the file, as a relay does.

mod dynamodb;
mod file;
mod redis;

use std::error::Error;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use vexil_testing::FakeService;

pub(crate) use self::dynamodb::{DynamoDbRelay, REGION, TABLE};
pub(crate) use self::file::FileRelay;
pub(crate) use self::redis::{Exclusive, RedisRelay, USER};
use crate::environment::{Environment, Item};
use crate::stop::Stop;

pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// The prefix of what the relay writes to the databases. Clients that write use others.
pub(crate) const PREFIX: &str = "relay";

/// How often an item changes.
const PACE: Duration = Duration::from_millis(50);

/// The number of contexts that are members of the big segment.
pub(crate) const MEMBERS: usize = 50;

pub(crate) fn member(number: usize) -> String {
    format!("member-{number}")
}

/// Everything that the environment is published to.
#[derive(Debug)]
pub(crate) struct Relay {
    pub(crate) environment: Environment,
    pub(crate) service: FakeService,
    /// Held while the service's data is changed, so that versions do not decrease.
    publishing: Mutex<()>,
    pub(crate) redis: RedisRelay,
    pub(crate) dynamodb: DynamoDbRelay,
    pub(crate) file: FileRelay,
}

impl Relay {
    pub(crate) fn start() -> Result<Self, Failure> {
        let environment = Environment::new();
        let service = FakeService::builder()
            .data(environment.json())
            .heartbeat(Duration::from_millis(500))
            .max_requests(200)
            .start()?;
        let redis = RedisRelay::start()?;
        redis.lock().complete(&environment)?;
        let dynamodb = DynamoDbRelay::start()?;
        dynamodb.complete(&environment)?;
        let file = FileRelay::create()?;
        file.write(&environment)?;
        Ok(Self {
            environment,
            service,
            publishing: Mutex::default(),
            redis,
            dynamodb,
            file,
        })
    }

    /// Changes items at random until it is stopped.
    pub(crate) fn run(&self, seed: u64, stop: &Stop) -> Result<(), Failure> {
        let mut random = Rng::with_seed(seed);
        let items: Vec<Item> = Item::all().collect();
        while !stop.wait(PACE) {
            // Mostly single changes, sometimes many at once.
            let count = if random.u8(..40) == 0 { 20 } else { 1 };
            for _ in 0..count {
                if let Some(item) = random.choice(items.iter()) {
                    self.environment.change(*item);
                    self.publish(*item)?;
                }
            }
            self.file.write(&self.environment)?;
        }
        self.redis.catch_up(&self.environment)
    }

    /// Sends all of the environment to clients of the service, changed or not.
    pub(crate) fn replace(&self) -> Result<(), Failure> {
        let _publishing = self
            .publishing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        self.service.set_data(&self.environment.json())?;
        Ok(())
    }

    fn publish(&self, item: Item) -> Result<(), Failure> {
        self.publish_to_service(item)?;
        self.redis.publish(&self.environment, item)?;
        self.dynamodb.put(&self.environment, item)
    }

    fn publish_to_service(&self, item: Item) -> Result<(), Failure> {
        let _publishing = self
            .publishing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let version = self.environment.version(item);
        let json = item.json(version);
        if item.is_deleted(version) {
            self.service.delete(&item.key());
        } else if item.is_flag() {
            self.service.use_preconfigured_flag(json)?;
        } else {
            self.service.use_preconfigured_segment(json)?;
        }
        Ok(())
    }
}
