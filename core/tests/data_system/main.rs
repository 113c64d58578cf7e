//! Clients with a data system against a scripted service and a clock that jumps: the rules of FDV2,
//! and the fault table of FDV2-13.
//!
//! The clock of Tokio is paused, so nothing here depends on the time of the system (FDV2-F31).

#![cfg(test)]
#![cfg(feature = "http")]

#[path = "../support/log.rs"]
mod capture;
mod change_sets;
mod directive;
mod events;
mod fallback;
mod faults;
#[path = "../support/interest.rs"]
mod interest;
mod refresh;
mod requests;
#[path = "../data_sources/script.rs"]
#[allow(dead_code, reason = "another test uses the rest")]
mod script;
mod start;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use events::{Event, body, sse};
use script::{Answer, Piece, Script};
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep, timeout};
use vexil::client::{EnvironmentMetadata, FlagsStateOptions, Plugin, PluginError, PluginMetadata};
use vexil::config::{
    DataSystem, HttpConfig, PayloadPollConfig, PayloadStreamConfig, PollingConfig, ServiceEndpoints,
};
use vexil::data_source::DataSourceStatus;
use vexil::status::Subscription;
use vexil::{Client, ClientBuilder, Context};

/// A client, and what the test sees of it.
struct Setup {
    client: Client,
    script: Script,
    seen: Seen,
    began: Instant,
}

/// What a client reports from its start on.
#[derive(Clone, Debug, Default)]
struct Seen(Arc<Mutex<Reports>>);

#[derive(Debug, Default)]
struct Reports {
    statuses: Option<Subscription<DataSourceStatus>>,
    changed: Vec<String>,
}

impl Plugin for Seen {
    fn metadata(&self) -> PluginMetadata {
        PluginMetadata::new("seen")
    }

    fn register(&self, client: &Client, _: &EnvironmentMetadata) -> Result<(), PluginError> {
        self.0.lock().unwrap().statuses = Some(client.data_source_status().subscribe());
        let seen = self.clone();
        client.flag_tracker().add_listener(move |change| {
            let key = change.key.to_string();
            seen.0.lock().unwrap().changed.push(key);
        });
        Ok(())
    }
}

impl Setup {
    fn new(system: DataSystem, answers: impl IntoIterator<Item = Answer>) -> Self {
        Self::with(builder(), system, answers)
    }

    fn with(
        builder: ClientBuilder,
        system: DataSystem,
        answers: impl IntoIterator<Item = Answer>,
    ) -> Self {
        interest::always_interested();
        let (script, seen, began) = (Script::new(answers), Seen::default(), Instant::now());
        let client = builder
            .runtime(Handle::current())
            .http(HttpConfig::new().transport(script.clone()))
            .service_endpoints(ServiceEndpoints::relay("http://service/ld"))
            .plugin(seen.clone())
            .data_system(system)
            .start()
            .unwrap();
        Self {
            client,
            script,
            seen,
            began,
        }
    }

    /// Starts a client and lets it run.
    async fn run(
        system: DataSystem,
        answers: impl IntoIterator<Item = Answer>,
        time: Duration,
    ) -> Self {
        let setup = Self::new(system, answers);
        sleep(time).await;
        setup
    }

    /// The flags and their versions, such as `a1 b5`.
    fn flags(&self) -> String {
        let context = Context::new("ada").unwrap();
        let state = self
            .client
            .all_flags_state(&context, FlagsStateOptions::default());
        let mut flags: Vec<_> = state
            .values()
            .map(|(key, value)| format!("{key}{}", serde_json::to_string(value).unwrap()))
            .collect();
        flags.sort();
        flags.join(" ")
    }

    /// The changes of the status since the last call: state, kind of error, status of the answer.
    async fn statuses(&self) -> Vec<String> {
        let mut statuses = self.seen.0.lock().unwrap().statuses.take().unwrap();
        let mut seen = Vec::new();
        while let Ok(Some(status)) = timeout(Duration::ZERO, statuses.next()).await {
            let mut line = format!("{:?}", status.state);
            // An error that has ended is not of interest.
            if let Some(error) = status.error.filter(|error| error.ended.is_none()) {
                line = format!("{line} {:?}", error.kind);
                if let Some(code) = error.status_code {
                    line = format!("{line} {code}");
                }
            }
            seen.push(line);
        }
        self.seen.0.lock().unwrap().statuses = Some(statuses);
        seen
    }

    /// The keys of change events since the last call.
    async fn changed(&self) -> Vec<String> {
        // Listeners run in the background.
        sleep(Duration::from_millis(1)).await;
        std::mem::take(&mut self.seen.0.lock().unwrap().changed)
    }

    /// The paths and queries of the requests.
    fn asked(&self) -> Vec<String> {
        let requests = self.script.requests();
        let asked = requests.iter().map(|request| {
            let asked = request.request.uri().path_and_query().unwrap().to_string();
            asked.strip_prefix("/ld/sdk/").unwrap().to_owned()
        });
        asked.collect()
    }

    /// The requests with the second in which they were made.
    fn timeline(&self) -> Vec<(u64, String)> {
        let requests = self.script.requests();
        let times = requests
            .iter()
            .map(|request| (request.at - self.began).as_secs());
        times.zip(self.asked()).collect()
    }
}

fn builder() -> ClientBuilder {
    Client::builder("sdk-key").without_events()
}

#[track_caller]
fn timeline_is(setup: &Setup, expected: &[(u64, &str)]) {
    let timeline = setup.timeline();
    let timeline: Vec<_> = timeline
        .iter()
        .map(|(second, asked)| (*second, asked.as_str()))
        .collect();
    assert_eq!(timeline, expected);
}

fn stream() -> PayloadStreamConfig {
    PayloadStreamConfig::new()
}

fn poll() -> PayloadPollConfig {
    PayloadPollConfig::new()
}

/// Only a stream, without a fallback.
fn streaming() -> DataSystem {
    DataSystem::custom().synchronizer(stream())
}

/// Only polls, without a fallback.
fn polling() -> DataSystem {
    DataSystem::custom().synchronizer(poll())
}

/// Two polls as initializers, and a stream.
fn initializing() -> DataSystem {
    streaming().initializer(poll()).initializer(poll())
}

/// Adds polls of the classic protocol.
fn with_fallback(system: DataSystem) -> DataSystem {
    system.fdv1_fallback(PollingConfig::new())
}

/// A stream that sends these events and stays open.
fn stays(events: &[Event]) -> Answer {
    Answer::endless([sse(events)])
}

/// A stream that sends these events and ends.
fn ends(events: &[Event]) -> Answer {
    Answer::stream([sse(events)])
}

/// A poll that returns these events.
fn polled(events: &[Event]) -> Answer {
    Answer::poll([body(events)])
}

/// A stream that sends nothing.
fn silent() -> Answer {
    Answer::stream([Piece::Silence])
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
