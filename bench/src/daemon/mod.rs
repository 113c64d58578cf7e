//! Daemon mode: the cost of a client that reads its flags from Redis, compared with one that has
//! them in memory.
//!
//! The server is a real one on this machine, with the data that a Relay Proxy would write.

mod cold_start;
mod evaluation;
mod push;

use std::error::Error;

use redis::Connection;
use vexil::Client;
use vexil_redis::RedisDataStore;
use vexil_testing::servers::RedisServer;

use crate::effort::Effort;
use crate::report::Report;
use crate::sdk::START_LIMIT;
use crate::workload::{Data, generate};

/// The keys with the default prefix.
const FLAGS: &str = "launchdarkly:features";
const SEGMENTS: &str = "launchdarkly:segments";
const MARKER: &str = "launchdarkly:$inited";

/// A Redis server filled with flags.
pub(crate) struct Database {
    pub(crate) server: RedisServer,
    data: Data,
}

impl Database {
    pub(crate) fn start(data: Data) -> Result<Self, Box<dyn Error>> {
        let database = Self {
            server: RedisServer::start()?,
            data,
        };
        database.fill()?;
        Ok(database)
    }

    /// Writes all data in one transaction.
    pub(crate) fn fill(&self) -> Result<(), Box<dyn Error>> {
        let mut all = redis::pipe();
        all.atomic()
            .hset_multiple(FLAGS, &self.data.flag_texts()?)
            .hset_multiple(SEGMENTS, &self.data.segment_texts()?)
            .set(MARKER, "");
        all.query::<()>(&mut self.connection()?)?;
        Ok(())
    }

    /// Writes one flag, like a writer that has not noticed that the server lost its data.
    pub(crate) fn patch(&self) -> Result<(), Box<dyn Error>> {
        let texts = self.data.flag_texts()?;
        let (key, flag) = texts.first().ok_or("the workload has no flags")?;
        redis::cmd("HSET")
            .arg(FLAGS)
            .arg(key)
            .arg(flag)
            .query::<()>(&mut self.connection()?)?;
        Ok(())
    }

    /// Writes all data item by item: the marker first, which is the worst possible order, then the
    /// flags, then the segments.
    pub(crate) fn refill(&self) -> Result<(), Box<dyn Error>> {
        let mut connection = self.connection()?;
        redis::cmd("SET")
            .arg(MARKER)
            .arg("")
            .query::<()>(&mut connection)?;
        for (name, texts) in [
            (FLAGS, self.data.flag_texts()?),
            (SEGMENTS, self.data.segment_texts()?),
        ] {
            for (key, item) in texts {
                redis::cmd("HSET")
                    .arg(name)
                    .arg(key)
                    .arg(item)
                    .query::<()>(&mut connection)?;
            }
        }
        Ok(())
    }

    fn connection(&self) -> Result<Connection, Box<dyn Error>> {
        Ok(redis::Client::open(self.server.url())?.get_connection()?)
    }

    /// Returns a client in daemon mode that has read all data.
    pub(crate) fn client(&self) -> Result<Client, Box<dyn Error>> {
        let store = RedisDataStore::builder().url(self.server.url());
        let client = Client::builder("sdk-key")
            .daemon_mode(store)
            .without_events()
            .start()?;
        client.blocking_wait_until_ready(START_LIMIT)?;
        Ok(client)
    }
}

pub(crate) fn reports(effort: Effort, each: &mut impl FnMut(Report)) -> Result<(), Box<dyn Error>> {
    let database = Database::start(generate(10_000))?;
    each(evaluation::report(&database, effort.pace())?);
    each(push::report(&database, effort.choose(10, 200))?);
    each(cold_start::report(&database, effort.choose(3, 9))?);
    Ok(())
}
