//! The endpoint of analytics events: what arrives, and what the service accepts.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::Value as Json;
use tokio::time::sleep;
use vexil::transport::{Body, RequestOptions, TransportError, TransportErrorKind};

use crate::world::{Chance, Defect, World};

/// What the application has recorded, and what has arrived.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// What goes wrong at this endpoint.
    pub(crate) chance: Chance,
    /// What the application has recorded.
    pub(crate) made: Counts,
    pub(crate) payloads: HashMap<String, Payload>,
    /// What the application had recorded when the service refused events for good.
    pub(crate) refused: Option<Counts>,
    /// Payloads that were repeated with other bytes, or too often.
    pub(crate) forged: u64,
}

/// Numbers of evaluations and custom events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) evaluations: u64,
    pub(crate) custom: u64,
}

impl Counts {
    pub(crate) fn total(self) -> u64 {
        self.evaluations + self.custom
    }
}

impl std::iter::Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), |sum, one| Self {
            evaluations: sum.evaluations + one.evaluations,
            custom: sum.custom + one.custom,
        })
    }
}

/// A payload that has arrived, by its id.
#[derive(Debug)]
pub(crate) struct Payload {
    body: Bytes,
    /// The number of output events.
    pub(crate) events: u64,
    pub(crate) counts: Counts,
    pub(crate) arrivals: u64,
    /// Whether the service has accepted it.
    pub(crate) is_accepted: bool,
    /// Whether the client knows that.
    pub(crate) is_confirmed: bool,
}

impl Ledger {
    pub(crate) fn new(chance: Chance) -> Self {
        Self {
            chance,
            made: Counts::default(),
            payloads: HashMap::new(),
            refused: None,
            forged: 0,
        }
    }

    /// The counts of the payloads that were accepted, or of those that were not.
    pub(crate) fn counts(&self, is_accepted: bool) -> Counts {
        let payloads = self.payloads.values();
        let payloads = payloads.filter(|payload| payload.is_accepted == is_accepted);
        payloads.map(|payload| payload.counts).sum()
    }

    fn arrive(&mut self, id: &str, body: Bytes) {
        let payload = self.payloads.entry(id.to_owned()).or_insert_with(|| {
            let (events, counts) = count(&body);
            Payload {
                body: body.clone(),
                events,
                counts,
                arrivals: 0,
                is_accepted: false,
                is_confirmed: false,
            }
        });
        payload.arrivals += 1;
        self.forged += u64::from(payload.body != body || payload.arrivals > 2);
    }
}

/// Counts the output events of a payload, and what they report.
fn count(body: &[u8]) -> (u64, Counts) {
    let events: Vec<Json> = serde_json::from_slice(body).unwrap();
    let mut counts = Counts::default();
    for event in &events {
        match event["kind"].as_str() {
            Some("summary") => {
                let flags = event["features"].as_object().unwrap().values();
                let counters = flags.flat_map(|flag| flag["counters"].as_array().unwrap());
                let numbers = counters.map(|counter| counter["count"].as_u64().unwrap());
                counts.evaluations += numbers.sum::<u64>();
            }
            Some("custom") => counts.custom += 1,
            _ => {}
        }
    }
    (events.len() as u64, counts)
}

/// What happens to a payload.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Accepted,
    Refused(u16),
    Silence,
    Broken,
    /// The service accepts it, and the client is not told.
    AnswerLost,
}

impl Fate {
    fn draw(chance: &mut Chance) -> Self {
        if !chance.fails(3) {
            return Self::Accepted;
        }
        match chance.rng.u8(0..24) {
            0 => Self::Refused(401),
            1..4 => Self::Refused(400),
            4..7 => Self::Refused(413),
            7..10 => Self::Refused(429),
            10..14 => Self::Refused(503),
            14..17 => Self::Silence,
            17..20 => Self::Broken,
            _ => Self::AnswerLost,
        }
    }
}

/// Answers a request with events.
pub(crate) async fn answer(
    world: &World,
    request: Request<Bytes>,
    options: RequestOptions,
) -> Result<Response<Body>, TransportError> {
    let answer = |code: u16| {
        let mut response = Response::new(Body::full(""));
        *response.status_mut() = StatusCode::from_u16(code).unwrap();
        response
    };
    let id = request.headers()["x-launchdarkly-payload-id"].to_str();
    let id = id.unwrap().to_owned();
    let (delay, fate) = {
        let mut inner = world.lock();
        if inner.has(Defect::LostEvents) {
            return Ok(answer(202));
        }
        let ledger = &mut inner.ledger;
        ledger.arrive(&id, request.into_body());
        let longest = if ledger.chance.fails(10) { 20_000 } else { 300 };
        let delay = Duration::from_millis(ledger.chance.rng.u64(0..longest));
        (delay, Fate::draw(&mut ledger.chance))
    };
    world.lock().note(|| format!("events {id}: {fate:?}"));
    sleep(delay).await;
    let confirm = |is_confirmed| {
        if let Some(payload) = world.lock().ledger.payloads.get_mut(&id) {
            payload.is_accepted = true;
            payload.is_confirmed |= is_confirmed;
        }
    };
    let error = |kind| Err(TransportError::new(kind, "broken"));
    match fate {
        Fate::Accepted => {
            confirm(true);
            Ok(answer(202))
        }
        Fate::Refused(code) => {
            if code == 401 {
                let ledger = &mut world.lock().ledger;
                ledger.refused.get_or_insert(ledger.made);
            }
            Ok(answer(code))
        }
        Fate::Silence => {
            sleep(options.read_timeout).await;
            error(TransportErrorKind::Timeout)
        }
        Fate::Broken => error(TransportErrorKind::Connection),
        Fate::AnswerLost => {
            confirm(false);
            error(TransportErrorKind::Connection)
        }
    }
}
