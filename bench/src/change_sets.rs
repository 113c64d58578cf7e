//! Reading and applying complete data, and changes of one flag, in both protocols, by our side.
//!
//! Clients are connected to a transport that returns prepared bytes, so that there is no socket.
//! Everything else is that of an application's client.

use std::collections::VecDeque;
use std::error::Error;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use vexil::Client;
use vexil::client::FlagsStateOptions;
use vexil::config::{HttpConfig, PayloadPollConfig, PayloadStreamConfig, StreamingConfig};
use vexil::transport::{
    Body, Chunks, HttpTransport, RequestOptions, TransportError, TransportErrorKind,
};

use crate::layout::{self, Spread};
use crate::ours::Ours;
use crate::report::{Finding, Report, Target};
use crate::sdk::{START_LIMIT, Sdk};
use crate::workload::{Data, Patch, USER, delta, full_payload, patches, poll_body, stream_text};

/// The size of a piece of a large body, like that of a read from a socket.
const PIECE: usize = 16 * 1024;
/// The target is to cost no more than the classic protocol; the rest is noise.
const NO_MORE: Target = Target::AtMost(1.05);

/// The source of a client's flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    ClassicStream,
    Stream,
    Poll,
}

/// Measures the given number of rounds. Each delivers the complete data once and patches every flag
/// once.
pub(crate) fn report(data: &Data, rounds: u32) -> Result<Report, Box<dyn Error>> {
    let [put, streamed, polled] = complete(data, rounds)?;
    let [patch, delta] = changes(data, rounds)?;
    let compared = [
        ("complete data, streamed, ms", streamed, put),
        ("complete data, polled, ms", polled, put),
        ("change of one flag, ns", delta, patch),
    ];
    let mut findings = Vec::new();
    for (name, change_set, classic) in compared {
        let what = format!(
            "{name}: times the classic stream",
            name = without_unit(name)
        );
        findings.push(Finding::new(
            what,
            change_set.median / classic.median,
            NO_MORE,
        ));
    }
    let rows = compared.map(|(name, change_set, classic)| {
        let ratio = format!("{:.2}", change_set.median / classic.median);
        [
            name.into(),
            classic.to_string(),
            change_set.to_string(),
            ratio,
        ]
    });
    let headings = [
        "10,000 flags, ours",
        "classic stream",
        "change sets",
        "change sets/classic",
    ];
    Ok(Report {
        text: layout::aligned(headings.map(String::from), &rows),
        findings,
    })
}

/// Returns the milliseconds until a client has its flags: over the classic stream, by a streamed change
/// set, by a polled one.
pub(crate) fn complete(data: &Data, rounds: u32) -> Result<[Spread; 3], Box<dyn Error>> {
    let payload = full_payload(data)?;
    let complete = [
        (Source::ClassicStream, pieces(&put(data)?)),
        (Source::Stream, pieces(&stream_text(&payload))),
        (Source::Poll, pieces(&poll_body(&payload))),
    ];
    let mut full = [const { Vec::new() }; 3];
    for _ in 0..rounds {
        for ((source, body), times) in complete.iter().zip(&mut full) {
            let (client, took) = Connected::start(*source, body)?;
            times.push(took.as_secs_f64() * 1_000.0);
            client.close();
        }
    }
    Ok(full.map(Spread::of))
}

/// Returns the nanoseconds of a change of one flag: by a patch of the classic stream, by a change set.
pub(crate) fn changes(data: &Data, rounds: u32) -> Result<[Spread; 2], Box<dyn Error>> {
    let patches = patches(data)?;
    let streamed = stream_text(&full_payload(data)?);
    let (classic, _) = Connected::start(Source::ClassicStream, &pieces(&put(data)?))?;
    let (change_sets, _) = Connected::start(Source::Stream, &pieces(&streamed))?;
    let (mut single, mut deltas) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        let event = |patch: &Patch| format!("event: patch\ndata: {}\n\n", patch.event(round));
        single.push(classic.deliver(patches.iter().map(event))?);
        let events = |patch: &Patch| stream_text(&delta(patch, round));
        deltas.push(change_sets.deliver(patches.iter().map(events))?);
    }
    if classic.state()? != change_sets.state()? {
        return Err("the protocols lead to different flags".into());
    }
    classic.close();
    change_sets.close();
    Ok([single, deltas].map(Spread::of))
}

/// The first event of a classic stream.
fn put(data: &Data) -> Result<String, Box<dyn Error>> {
    let data = String::from_utf8(data.to_json()?)?;
    Ok(format!(
        "event: put\ndata: {{\"path\":\"/\",\"data\":{data}}}\n\n"
    ))
}

fn without_unit(name: &str) -> &str {
    name.rsplit_once(", ").map_or(name, |(name, _)| name)
}

fn pieces(text: &str) -> VecDeque<Bytes> {
    text.as_bytes()
        .chunks(PIECE)
        .map(Bytes::copy_from_slice)
        .collect()
}

/// A client that has its flags, and its connection.
struct Connected {
    client: Client,
    /// Sends batches of pieces.
    feed: UnboundedSender<VecDeque<Bytes>>,
    /// Receives the time that each batch took.
    took: Receiver<Duration>,
}

impl Connected {
    /// Starts a client that receives this body. Returns the time until it has its flags.
    fn start(source: Source, body: &VecDeque<Bytes>) -> Result<(Self, Duration), Box<dyn Error>> {
        let (feed, batches) = unbounded_channel();
        let (taken, took) = mpsc::channel();
        feed.send(body.clone())?;
        let batches = Batches {
            incoming: batches,
            ends: source == Source::Poll,
            pieces: VecDeque::new(),
            began: None,
            took: taken,
        };
        let builder = Client::builder("sdk-key")
            .http(HttpConfig::new().transport(Prepared(Mutex::new(Some(batches)))))
            .without_events();
        let builder = match source {
            Source::ClassicStream => builder.data_source(StreamingConfig::new()),
            Source::Stream => builder.data_source(PayloadStreamConfig::new()),
            Source::Poll => builder.data_source(PayloadPollConfig::new()),
        };
        let start = Instant::now();
        let client = builder.start()?;
        client.blocking_wait_until_ready(START_LIMIT)?;
        let elapsed = start.elapsed();
        // A stream continues after its first batch.
        if source != Source::Poll {
            took.recv_timeout(START_LIMIT)?;
        }
        Ok((Self { client, feed, took }, elapsed))
    }

    /// Delivers each text as one piece. Returns the nanoseconds for each until the last is applied.
    fn deliver(&self, texts: impl Iterator<Item = String>) -> Result<f64, Box<dyn Error>> {
        let batch: VecDeque<_> = texts.map(Bytes::from).collect();
        let count = batch.len() as f64;
        self.feed.send(batch)?;
        Ok(self.took.recv_timeout(START_LIMIT)?.as_nanos() as f64 / count)
    }

    /// Returns the values and versions of all flags.
    fn state(&self) -> Result<Value, Box<dyn Error>> {
        let options = FlagsStateOptions::default();
        let state = self.client.all_flags_state(&Ours::context(&USER)?, options);
        Ok(serde_json::to_value(state)?)
    }

    fn close(self) {
        Ours::close(self.client);
    }
}

/// A transport that answers its first request.
#[derive(Debug)]
struct Prepared(Mutex<Option<Batches>>);

#[vexil::async_trait]
impl HttpTransport for Prepared {
    async fn send(
        &self,
        _: http::Request<Bytes>,
        _: RequestOptions,
    ) -> Result<http::Response<Body>, TransportError> {
        let body = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let body = body.ok_or_else(|| {
            TransportError::new(TransportErrorKind::Connection, "it was answered already")
        })?;
        let mut response = http::Response::new(Body::new(body));
        let event_stream = http::HeaderValue::from_static("text/event-stream");
        response
            .headers_mut()
            .insert(http::header::CONTENT_TYPE, event_stream);
        Ok(response)
    }
}

/// A body of prepared pieces. A batch has been applied when the piece after its last one is asked
/// for, because a source applies a change before it reads on.
#[derive(Debug)]
struct Batches {
    incoming: UnboundedReceiver<VecDeque<Bytes>>,
    /// Whether the body ends after the first batch.
    ends: bool,
    /// The rest of the current batch.
    pieces: VecDeque<Bytes>,
    /// When the current batch began.
    began: Option<Instant>,
    took: Sender<Duration>,
}

#[vexil::async_trait]
impl Chunks for Batches {
    async fn next(&mut self) -> Result<Option<Bytes>, TransportError> {
        loop {
            if let Some(piece) = self.pieces.pop_front() {
                return Ok(Some(piece));
            }
            if let Some(began) = self.began.take() {
                if self.ends {
                    return Ok(None);
                }
                // The receiver is gone once the client is closed.
                let _ = self.took.send(began.elapsed());
            }
            let Some(batch) = self.incoming.recv().await else {
                return Ok(None);
            };
            self.pieces = batch;
            self.began = Some(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::generate;

    #[test]
    fn both_protocols_are_delivered_and_lead_to_the_same_flags() {
        let report = report(&generate(20), 1).unwrap();
        assert_eq!((report.text.lines().count(), report.findings.len()), (4, 3));
        assert!(!report.text.contains("NaN"), "{}", report.text);
    }
}
