//! The stream that announces changes to the page.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::Stream;
use futures_util::stream::unfold;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::serve::environment::Environment;
use crate::serve::server::Server;

/// How often a comment is sent.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// The time in which changes are collected, so that many of them do not flood the page.
const PAUSE: Duration = Duration::from_millis(50);
/// Beyond this number, the keys of changed items are not listed.
const MAX_KEYS: usize = 200;

pub(super) async fn changes(
    State(server): State<Arc<Server>>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let mut wake = server.wake.subscribe();
    wake.mark_changed();
    let announcer = Announcer {
        wake,
        stop: server.stop.subscribe(),
        seen: server
            .environments
            .iter()
            .map(|environment| Seen::new(environment))
            .collect(),
        waiting: vec![hello(&server)],
        server,
    };
    let events = unfold(announcer, |mut announcer| async move {
        let event = announcer.next().await?;
        Some((Ok(event), announcer))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT))
}

fn hello(server: &Server) -> Event {
    let revisions: BTreeMap<_, _> = server
        .environments
        .iter()
        .map(|environment| (&environment.name, environment.revision()))
        .collect();
    event("hello", &json!({"environments": revisions}))
}

fn event(name: &str, data: &Value) -> Event {
    Event::default().event(name).data(data.to_string())
}

struct Announcer {
    server: Arc<Server>,
    wake: watch::Receiver<()>,
    stop: watch::Receiver<bool>,
    /// What was announced, for each environment.
    seen: Vec<Seen>,
    /// The events to be sent, the next one last.
    waiting: Vec<Event>,
}

struct Seen {
    revision: u64,
    overrides: u64,
    events: u64,
    sdks: u64,
    source: u64,
}

impl Announcer {
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.waiting.pop() {
                return Some(event);
            }
            tokio::select! {
                _ = self.stop.wait_for(|stop| *stop) => return None,
                changed = self.wake.changed() => changed.ok()?,
            }
            for (environment, seen) in self.server.environments.iter().zip(&mut self.seen) {
                seen.announce(environment, &mut self.waiting);
            }
            self.waiting.reverse();
            if !self.waiting.is_empty() {
                sleep(PAUSE).await;
            }
        }
    }
}

impl Seen {
    fn new(environment: &Environment) -> Self {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let news = &environment.news;
        Self {
            revision: environment.revision(),
            overrides: count(&news.overrides),
            events: count(&news.events),
            sdks: count(&news.sdks),
            source: count(&news.source),
        }
    }

    /// Adds an event for each kind of change since the last call.
    fn announce(&mut self, environment: &Environment, events: &mut Vec<Event>) {
        let now = Self::new(environment);
        let name = &environment.name;
        if now.revision > self.revision {
            let snapshot = environment.snapshot();
            let changed = snapshot.items.changed_after(self.revision);
            let keys: Vec<_> = changed.map(|(_, key, _)| key).take(MAX_KEYS + 1).collect();
            let keys = (keys.len() <= MAX_KEYS).then_some(keys);
            let data = json!({"env": name, "revision": snapshot.revision(), "keys": keys});
            events.push(event("flags", &data));
        }
        for (kind, is_changed) in [
            ("overrides", now.overrides != self.overrides),
            ("sdks", now.sdks != self.sdks),
            ("source", now.source != self.source),
        ] {
            if is_changed {
                events.push(event(kind, &json!({"env": name})));
            }
        }
        if now.events != self.events {
            let up_to = environment.events.received().log.last_number();
            events.push(event("events", &json!({"env": name, "upTo": up_to})));
        }
        *self = now;
    }
}
