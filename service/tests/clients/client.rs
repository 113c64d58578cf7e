//! [`Client`]: a model of an SDK, with the version test that it applies to single updates.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use vexil_service::{Answer, Event, ItemStream, Route, ValueStream, answer};

use crate::world::World;

/// Which single updates a client applies. Everything at once is always applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Applies {
    /// Those whose version is higher than the known one. All SDKs do so in the classic protocol; in the
    /// second one the Node SDK.
    Newer,
    /// All of them.
    All,
}

/// A model of an SDK.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    /// The paths that it connects to in turns, with their queries.
    targets: Vec<String>,
    applies: Applies,
    connections: usize,
    stream: Option<Stream>,
    /// The items by their paths, with their versions; deleted ones without JSON.
    known: BTreeMap<String, (u64, Option<Value>)>,
    /// The changes of the second protocol that are not committed yet.
    pending: Option<BTreeMap<String, (u64, Option<Value>)>>,
    pub(crate) basis: Option<String>,
}

#[derive(Clone, Debug)]
enum Stream {
    Items(ItemStream, u64),
    Values(ValueStream, u64),
}

impl Client {
    pub(crate) fn new(targets: &[&str], applies: Applies) -> Self {
        Self {
            targets: targets.iter().map(ToString::to_string).collect(),
            applies,
            connections: 0,
            stream: None,
            known: BTreeMap::new(),
            pending: None,
            basis: None,
        }
    }

    /// Creates a client that has received nothing, and connects to the same place.
    pub(crate) fn fresh(&self) -> Self {
        let targets: Vec<_> = self.targets.iter().map(String::as_str).collect();
        Self::new(&targets, self.applies)
    }

    pub(crate) fn name(&self) -> String {
        format!("{} ({:?})", self.targets.join(", then "), self.applies)
    }

    /// Loses the connection.
    pub(crate) fn disconnect(&mut self) {
        self.stream = None;
        self.pending = None;
    }

    /// Receives everything that waits for it: on a new connection if it has none, or polls.
    pub(crate) fn receive(&mut self, world: &mut World) {
        let events = match &mut self.stream {
            None => self.connect(world),
            Some(Stream::Items(stream, sent)) => {
                let events = stream.changes(world.items(), *sent);
                *sent = world.items().revision();
                events
            }
            Some(Stream::Values(stream, sent)) => {
                let flags = world.group(stream);
                let events = stream.changes(flags, *sent);
                *sent = flags.revision();
                events
            }
        };
        for event in events {
            self.apply(&event, world);
        }
        assert_eq!(self.pending, None, "{} misses a commit", self.name());
    }

    fn connect(&mut self, world: &mut World) -> Vec<Event> {
        let target = &self.targets[self.connections % self.targets.len()];
        self.connections += 1;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let basis = self.basis.as_ref().map(|basis| format!("&basis={basis}"));
        let query = format!("{query}{}", basis.unwrap_or_default());
        let route = Route::find("GET", path, Some(&query)).unwrap();
        match answer(&route, b"", world.served(), None).unwrap() {
            Answer::Body(body) => bodied(&body),
            Answer::Items(stream) => {
                let events = stream.opening(world.items());
                self.stream = Some(Stream::Items(stream, world.items().revision()));
                events
            }
            Answer::Values(stream) => {
                let flags = world.group(&stream);
                let (events, sent) = (stream.opening(flags), flags.revision());
                self.stream = Some(Stream::Values(stream, sent));
                events
            }
            other => unreachable!("{other:?}"),
        }
    }

    fn apply(&mut self, event: &Event, world: &mut World) {
        let data = match event.name() {
            "ping" => {
                let mut poll = Self::new(&[&self.targets[0].replace("/mping", POLL)], self.applies);
                poll.receive(world);
                self.known = poll.known;
                return;
            }
            _ => serde_json::from_str::<Value>(event.data()).unwrap(),
        };
        let version = || data["version"].as_u64().unwrap();
        let text = |property: &str| data[property].as_str().unwrap();
        match event.name() {
            "put" => self.known = everything(&data),
            "patch" => match data.get("path") {
                Some(path) => {
                    let version = data["data"]["version"].as_u64().unwrap();
                    self.change(path.as_str().unwrap(), version, Some(data["data"].clone()));
                }
                None => {
                    let mut entry = data.clone();
                    entry.as_object_mut().unwrap().remove("key");
                    self.change(&format!("/{}", text("key")), version(), Some(entry));
                }
            },
            "delete" => {
                let path = match data.get("path") {
                    Some(path) => path.as_str().unwrap().to_owned(),
                    None => format!("/{}", text("key")),
                };
                self.change(&path, version(), None);
            }
            "server-intent" => match data["payloads"][0]["intentCode"].as_str().unwrap() {
                "none" => {}
                "xfer-full" => self.pending = Some(BTreeMap::new()),
                "xfer-changes" => self.pending = Some(self.known.clone()),
                other => panic!("{other}"),
            },
            "put-object" | "delete-object" => {
                // After a commit, further changes need no intent.
                self.pending.get_or_insert_with(|| self.known.clone());
                let path = format!("/{}/{}", text("kind"), text("key"));
                let object = data.get("object").cloned();
                assert_eq!(object.is_some(), event.name() == "put-object");
                if let Some(version) = object.as_ref().and_then(|object| object.get("version")) {
                    assert_eq!(
                        version,
                        &data["version"],
                        "two versions in {}",
                        event.data()
                    );
                }
                self.change(&path, version(), object);
            }
            "payload-transferred" => {
                if let Some(known) = self.pending.take() {
                    self.known = known;
                }
                self.basis = Some(text("state").to_owned());
            }
            other => panic!("an event that no SDK knows: {other}"),
        }
    }

    fn change(&mut self, path: &str, version: u64, item: Option<Value>) {
        let known = self.pending.as_mut().unwrap_or(&mut self.known);
        let is_newer = known.get(path).is_none_or(|(known, _)| version > *known);
        if is_newer || self.applies == Applies::All {
            known.insert(path.to_owned(), (version, item));
        }
    }

    /// Returns the items that the client has. The version of a value is the revision at which the server
    /// has seen it first, which depends on when it was asked.
    pub(crate) fn items(&self) -> BTreeMap<&str, Value> {
        let present = self.known.iter().filter_map(|(path, (_, item))| {
            let mut item = item.clone()?;
            if item.get("flagVersion").is_some() {
                item.as_object_mut()?.remove("version");
            }
            Some((path.as_str(), item))
        });
        present.collect()
    }
}

/// The path of a poll that follows a ping.
const POLL: &str = "/msdk/evalx/contexts/eyJrZXkiOiJhZGEifQ";

/// Returns the body of a poll as the events of a stream.
fn bodied(body: &[u8]) -> Vec<Event> {
    let json: Value = serde_json::from_slice(body).unwrap();
    let Some(events) = json.get("events").and_then(Value::as_array) else {
        return vec![Event::new("put", json.to_string())];
    };
    let event = |event: &Value| {
        let name = event["event"].as_str().unwrap();
        Event::new(name, event["data"].to_string())
    };
    events.iter().map(event).collect()
}

/// Returns the items of a put: of the classic stream, of a poll, or of a stream with flags only.
fn everything(data: &Value) -> BTreeMap<String, (u64, Option<Value>)> {
    let data = match data.get("path") {
        Some(_) => &data["data"],
        None => data,
    };
    let map = |value: &Value| -> Map<String, Value> { value.as_object().unwrap().clone() };
    let both = map(data);
    let is_both = both.contains_key("segments");
    let kinds = match is_both {
        true => both
            .into_iter()
            .map(|(kind, items)| (format!("/{kind}"), map(&items)))
            .collect(),
        false => vec![(String::new(), both)],
    };
    let mut known = BTreeMap::new();
    for (prefix, items) in kinds {
        for (key, item) in items {
            let version = item["version"].as_u64().unwrap();
            known.insert(format!("{prefix}/{key}"), (version, Some(item)));
        }
    }
    known
}
