//! [`Session`]: one kind of measurement, of one program at a time.

use std::error::Error;
use std::thread;
use std::time::Duration;

use vexil_testing::FakeService;

use super::program::{Program, context};
use super::{Options, Reading, Sense, Timed};
use crate::daemon::Database;
use crate::effort::Effort;
use crate::service::Service;
use crate::workload::{Data, USER};

/// The flags of plain calls, with the names of their rows.
const CALLS: [(&str, &str); 4] = [
    ("bench-simple", "fallthrough, ns"),
    ("bench-rules", "three rules, ns"),
    ("bench-rollout", "rollout, ns"),
    ("bench-segment-incl", "segment, ns"),
];
const STORED: [(&str, &str); 2] = [
    ("bench-simple", "cached from Redis: fallthrough, ns"),
    ("bench-segment-incl", "cached from Redis: segment, ns"),
];
/// The number of contexts of evaluations with events.
const CONTEXTS: usize = 10;
/// The warm-up, compared with the timed loop.
const WARM: f64 = 0.25;

pub(super) struct Session {
    kind: Kind,
    options: Options,
}

enum Kind {
    /// Plain calls, and the state of all flags.
    Calls,
    /// Evaluations with events. Each run has a service of its own, which counts.
    Events { json: String },
    /// A start with many flags.
    Start { settled: Duration },
    /// Flags that are read from a database when they are evaluated, and cached.
    Store { _database: Box<Database> },
}

impl Session {
    pub(super) fn calls(data: &Data, effort: Effort) -> Result<Self, Box<dyn Error>> {
        let service = Service::start(data)?;
        let options = Options {
            url: service.url().into(),
            flags: CALLS.map(|(flag, _)| flag.into()).into(),
            state: true,
            ..timed(effort.choose(0.05, 0.4))
        };
        Ok(Self {
            kind: Kind::Calls,
            options,
        })
    }

    pub(super) fn events(data: &Data, effort: Effort) -> Result<Self, Box<dyn Error>> {
        let key = |number| format!("user-{number:06}");
        let contexts = (0..CONTEXTS).map(|number| context(&USER, Some(key(number))));
        let options = Options {
            events: true,
            contexts: contexts.collect(),
            flags: vec!["bench-simple".into()],
            ..timed(effort.choose(0.2, 1.5))
        };
        let json = String::from_utf8(data.to_json()?)?;
        let kind = Kind::Events { json };
        Ok(Self { kind, options })
    }

    pub(super) fn start(
        data: &Data,
        effort: Effort,
        data_system: bool,
    ) -> Result<Self, Box<dyn Error>> {
        let service = Service::start(data)?;
        let options = Options {
            url: service.url().into(),
            data_system,
            ..Options::default()
        };
        let kind = Kind::Start {
            settled: Duration::from_millis(effort.choose(200, 1_000)),
        };
        Ok(Self { kind, options })
    }

    pub(super) fn store(database: Database, effort: Effort) -> Result<Self, Box<dyn Error>> {
        let options = Options {
            // Not used: each program sets the service, and then reads the database instead.
            url: "http://localhost:1".into(),
            redis: database.server.url(),
            flags: STORED.map(|(flag, _)| flag.into()).into(),
            ..timed(effort.choose(0.05, 0.4))
        };
        let kind = Kind::Store {
            _database: Box::new(database),
        };
        Ok(Self { kind, options })
    }

    /// Whether the SDK has what the session measures.
    pub(super) fn is_for(&self, program: &Program) -> bool {
        program.has_redis || self.options.redis.is_empty()
    }

    pub(super) fn run(&self, program: &Program) -> Result<Vec<Reading>, Box<dyn Error>> {
        match &self.kind {
            Kind::Calls => {
                let names = CALLS.map(|(_, name)| name).into_iter();
                self.loops(program, names.chain(["state of 1,009 flags, ns"]))
            }
            Kind::Store { .. } => self.loops(program, STORED.map(|(_, name)| name).into_iter()),
            Kind::Events { json } => self.with_events(program, json),
            Kind::Start { settled, .. } => self.starts(program, *settled),
        }
    }

    /// Returns the nanoseconds of each call.
    fn loops<'a>(
        &self,
        program: &Program,
        names: impl Iterator<Item = &'a str>,
    ) -> Result<Vec<Reading>, Box<dyn Error>> {
        let mut running = program.start(&self.options)?;
        running.start_client()?;
        let mut readings = Vec::new();
        for name in names {
            let timed = running.timed()?;
            let number = timed.seconds * 1e9 / timed.calls as f64;
            readings.push(Reading::new(name, Sense::Less, number).answering(timed.answer));
        }
        running.close()?;
        Ok(readings)
    }

    fn with_events(&self, program: &Program, json: &str) -> Result<Vec<Reading>, Box<dyn Error>> {
        let service = FakeService::builder().data(json).start()?;
        let options = Options {
            url: service.url(),
            ..self.options.clone()
        };
        let mut running = program.start(&options)?;
        running.start_client()?;
        let Timed {
            answer,
            calls,
            seconds,
            made,
        } = running.timed()?;
        // Delivers the rest.
        running.close()?;
        let counted = service.summary_counts().total() as f64;
        let delivered = 100.0 * counted / (made + 1) as f64;
        let rate = Reading::new("with events, calls/s", Sense::More, calls as f64 / seconds);
        Ok(vec![
            rate.answering(answer),
            Reading::new("with events, delivered, %", Sense::Plain, delivered),
        ])
    }

    fn starts(&self, program: &Program, settled: Duration) -> Result<Vec<Reading>, Box<dyn Error>> {
        let mut running = program.start(&self.options)?;
        let before = running.memory();
        let millis = running.start_client()? * 1e3;
        thread::sleep(settled);
        let added = match (before, running.memory()) {
            (Ok(before), Ok(after)) => (after.resident as f64 - before.resident as f64) / 1024.0,
            _ => f64::NAN,
        };
        running.close()?;
        let [start, memory] = match self.options.data_system {
            true => [
                "the same by the second protocol, ms",
                "the same by the second protocol, added memory, MiB",
            ],
            false => [
                "start with 10,000 flags, ms",
                "start with 10,000 flags, added memory, MiB",
            ],
        };
        Ok(vec![
            Reading::new(start, Sense::Less, millis),
            Reading::new(memory, Sense::Less, added),
        ])
    }
}

/// Returns options with loops of this duration, for the user of the workload.
fn timed(seconds: f64) -> Options {
    Options {
        contexts: vec![context(&USER, None)],
        warm: WARM * seconds,
        seconds,
        ..Options::default()
    }
}
