//! Answers a request.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use flate2::Compression;
use flate2::write::GzEncoder;
use http::StatusCode;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use vexil_service::{Event, HEARTBEAT};

use super::answer::{Answer, Coding, Kind, Piece};
use super::body::{BodyWriter, Outcome};
use super::protocol::Protocol;
use super::request::Request;
use super::shared::{Shared, State};
use super::streams::{OpenStream, Part, StreamEnd};
use super::usual::Response;

/// The first second that the header format cannot represent: the start of the year 10000.
const END_OF_DATES: Duration = Duration::from_secs(253_402_300_800);

pub(super) async fn respond<W: AsyncWrite + Unpin>(
    shared: &Arc<Shared>,
    request: &Request,
    answer: &Answer,
    writer: &mut W,
) -> io::Result<Outcome> {
    if let Some(pace) = &answer.after {
        pace.wait().await;
    }
    match answer.kind {
        Kind::Usual | Kind::Fixed(_) | Kind::Stream | Kind::Payload => {
            let response = shared
                .state
                .change(|state| prepare(shared, state, request, answer))?;
            send(shared, request, answer, response, writer).await
        }
        Kind::Raw => {
            writer.write_all(&answer.whole()).await?;
            writer.flush().await?;
            Ok(Outcome::Close)
        }
        Kind::Nothing => std::future::pending().await,
        Kind::HangUp => Ok(Outcome::Close),
        Kind::Reset => Ok(Outcome::Reset),
    }
}

/// Decides on the answer, and records its consequences.
fn prepare(
    shared: &Arc<Shared>,
    state: &mut State,
    request: &Request,
    answer: &Answer,
) -> io::Result<Response> {
    let mut response = match answer.kind {
        Kind::Stream => {
            let protocol = Protocol::of_streams(request.endpoint()).unwrap_or(Protocol::Classic);
            Response::stream(shared, state, protocol)
        }
        Kind::Payload => Response::payload(shared, state, request.endpoint()),
        Kind::Fixed(status) => Response::status(status),
        _ => Response::usual(shared, state, request),
    };
    add_pieces(&mut response, &answer.pieces);
    if response.stream.is_none() {
        match answer.coding {
            Some(coding) => compress(&mut response, coding)?,
            None if response.gzip => compress(&mut response, Coding::Gzip)?,
            None => {}
        }
    }
    if let Some(date) = state.clock.time().and_then(http_date) {
        response.header("date", date);
    }
    for (name, value) in &answer.headers {
        response.headers.retain(|(other, _)| other != name);
        if let Some(value) = value {
            response.header(name, value.clone());
        }
    }
    request.set_status(response.status);
    if (200..300).contains(&response.status) && request.endpoint() == super::Endpoint::Events {
        state.log.accept(request);
    }
    Ok(response)
}

/// Appends the pieces of an answer. Events become entries of the body, if it consists of entries.
fn add_pieces(response: &mut Response, pieces: &[Piece]) {
    let mut appended = Vec::new();
    for piece in pieces {
        match (piece, &mut response.entries) {
            (Piece::Event(event), Some(entries)) => entries.push(event.clone()),
            (piece, _) => appended.push(piece.to_bytes()),
        }
    }
    let body = response.entries.take();
    response.pieces.extend(body.as_deref().map(Event::to_body));
    response.pieces.extend(appended);
}

async fn send<W: AsyncWrite + Unpin>(
    shared: &Shared,
    request: &Request,
    answer: &Answer,
    response: Response,
    writer: &mut W,
) -> io::Result<Outcome> {
    let Response {
        status,
        headers,
        pieces,
        stream,
        ..
    } = response;
    let bodiless = matches!(status, 100..200 | 204 | 304);
    let endless = stream.is_some();
    let chunked =
        !bodiless && request.is_modern() && answer.length.is_none() && (endless || answer.chunked);
    let closing = endless
        || answer.length.is_some()
        || !request.is_modern()
        || request.lists("connection", "close");

    let mut head = BytesMut::new();
    let reason = StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Unknown");
    head.extend_from_slice(format!("HTTP/1.1 {status} {reason}\r\n").as_bytes());
    for (name, value) in &headers {
        put_header(&mut head, name, value);
    }
    match answer.length {
        Some(length) => put_header(&mut head, "content-length", length.to_string().as_bytes()),
        None if bodiless => {}
        None if chunked => put_header(&mut head, "transfer-encoding", b"chunked"),
        None if endless => {}
        None => {
            let length: usize = pieces.iter().map(Bytes::len).sum();
            put_header(&mut head, "content-length", length.to_string().as_bytes());
        }
    }
    if closing {
        put_header(&mut head, "connection", b"close");
    }
    head.extend_from_slice(b"\r\n");
    writer.write_all(&head).await?;
    writer.flush().await?;

    let mut body = BodyWriter::new(writer, answer, chunked);
    if let Some(outcome) = body.begin().await? {
        return Ok(outcome);
    }
    for piece in pieces.iter().filter(|_| !bodiless) {
        if let Some(outcome) = body.event(piece).await? {
            return Ok(outcome);
        }
    }
    match stream {
        Some(stream) if !bodiless => go_on(shared.settings.heartbeat, stream, body).await,
        _ => {
            body.finish().await?;
            Ok(if closing {
                Outcome::Close
            } else {
                Outcome::Next
            })
        }
    }
}

/// Sends queued data until either side ends the stream.
async fn go_on<W: AsyncWrite + Unpin>(
    heartbeat: Duration,
    mut stream: OpenStream,
    mut body: BodyWriter<'_, W>,
) -> io::Result<Outcome> {
    loop {
        let part = tokio::select! {
            biased;
            part = stream.next() => Some(part),
            () = tokio::time::sleep(heartbeat), if !heartbeat.is_zero() => None,
        };
        match part {
            None => body.aside(&HEARTBEAT).await?,
            Some(Part::Send(pieces)) => {
                for piece in pieces.iter() {
                    if let Some(outcome) = body.event(piece).await? {
                        return Ok(outcome);
                    }
                }
            }
            Some(Part::End(StreamEnd::Orderly)) => {
                // Uncounted first: the client may see the end before the connection is closed.
                drop(stream);
                body.finish().await?;
                return Ok(Outcome::Close);
            }
            Some(Part::End(StreamEnd::Cut)) => return Ok(Outcome::Cut),
            Some(Part::End(StreamEnd::Reset)) => return Ok(Outcome::Reset),
        }
    }
}

fn put_header(head: &mut BytesMut, name: &str, value: &[u8]) {
    head.extend_from_slice(name.as_bytes());
    head.extend_from_slice(b": ");
    head.extend_from_slice(value);
    head.extend_from_slice(b"\r\n");
}

fn http_date(time: SystemTime) -> Option<String> {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    (since < END_OF_DATES).then(|| httpdate::fmt_http_date(time))
}

fn compress(response: &mut Response, coding: Coding) -> io::Result<()> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    for piece in &response.pieces {
        encoder.write_all(piece)?;
    }
    let mut compressed = encoder.finish()?;
    if coding == Coding::CorruptGzip {
        // The rest after the ten-byte header: data and checksum.
        compressed
            .iter_mut()
            .skip(10)
            .for_each(|byte| *byte = !*byte);
    }
    response.pieces = vec![compressed.into()];
    response.header("content-encoding", "gzip");
    response.header("vary", "accept-encoding");
    Ok(())
}
