//! Reads requests from a connection.

use std::io::{self, Read};
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use flate2::read::MultiGzDecoder;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, EXPECT, HeaderName, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Method};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use vexil_service::Endpoint;

use super::request::Incoming;

const MAX_HEADERS: usize = 128;
const MAX_HEAD: usize = 64 << 10;
const MAX_BODY: usize = 64 << 20;
/// The limit of bytes read while an answer is in progress.
const MAX_AHEAD: usize = 64 << 10;

/// An error of reading a request.
pub(super) enum ReadError {
    /// The connection has ended.
    Gone,
    /// The request is answered with this status.
    Refused(u16),
}

impl From<io::Error> for ReadError {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

/// The client's data, and the bytes that were read but not used yet.
pub(super) struct Input<R> {
    reader: R,
    ahead: BytesMut,
}

impl<R: AsyncRead + Unpin> Input<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader,
            ahead: BytesMut::new(),
        }
    }

    pub(super) fn into_reader(self) -> R {
        self.reader
    }

    /// Reads the next request in full.
    pub(super) async fn request<W: AsyncWrite + Unpin>(
        &mut self,
        writer: &mut W,
    ) -> Result<Incoming, ReadError> {
        let head = loop {
            if let Some(head) = Head::parse(&mut self.ahead)? {
                break head;
            }
            self.more().await?;
        };
        if head
            .headers
            .get(EXPECT)
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
        {
            writer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        let body = self.body(&head.headers).await?;
        let (body, intact) = decode(&head.headers, body);
        let (path, query) = match head.target.split_once('?') {
            Some((path, query)) => (path.to_owned(), Some(query.to_owned())),
            None => (head.target, None),
        };
        Ok(Incoming {
            endpoint: Endpoint::of(&path),
            method: head.method,
            path,
            query,
            headers: head.headers,
            body,
            intact,
            modern: head.modern,
            received_at: Instant::now(),
        })
    }

    /// Waits until the client closes the connection. Bytes that arrive meanwhile are kept.
    pub(super) async fn gone(&mut self) {
        while self.ahead.len() < MAX_AHEAD {
            if self.more().await.is_err() {
                return;
            }
        }
        std::future::pending().await
    }

    async fn more(&mut self) -> Result<(), ReadError> {
        match self.reader.read_buf(&mut self.ahead).await? {
            0 => Err(ReadError::Gone),
            _ => Ok(()),
        }
    }

    async fn body(&mut self, headers: &HeaderMap) -> Result<Bytes, ReadError> {
        if headers
            .get(TRANSFER_ENCODING)
            .is_some_and(|coding| coding.as_bytes().eq_ignore_ascii_case(b"chunked"))
        {
            return self.chunks().await;
        }
        let Some(length) = headers.get(CONTENT_LENGTH) else {
            return Ok(Bytes::new());
        };
        let length = length
            .to_str()
            .ok()
            .and_then(|length| length.parse().ok())
            .ok_or(ReadError::Refused(400))?;
        self.take(length).await
    }

    async fn chunks(&mut self) -> Result<Bytes, ReadError> {
        let mut body = BytesMut::new();
        loop {
            let line = self.line().await?;
            let size = line.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16).map_err(|_| ReadError::Refused(400))?;
            if size == 0 {
                while !self.line().await?.is_empty() {}
                return Ok(body.freeze());
            }
            if size > MAX_BODY - body.len() {
                return Err(ReadError::Refused(413));
            }
            body.extend_from_slice(&self.take(size).await?);
            if !self.line().await?.is_empty() {
                return Err(ReadError::Refused(400));
            }
        }
    }

    async fn take(&mut self, count: usize) -> Result<Bytes, ReadError> {
        if count > MAX_BODY {
            return Err(ReadError::Refused(413));
        }
        while self.ahead.len() < count {
            self.more().await?;
        }
        Ok(self.ahead.split_to(count).freeze())
    }

    /// Reads a line, without the line end.
    async fn line(&mut self) -> Result<String, ReadError> {
        let end = loop {
            match self.ahead.windows(2).position(|pair| pair == b"\r\n") {
                Some(end) => break end,
                None if self.ahead.len() > MAX_HEAD => return Err(ReadError::Refused(400)),
                None => self.more().await?,
            }
        };
        let line = self.ahead.split_to(end + 2);
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }
}

struct Head {
    method: Method,
    target: String,
    modern: bool,
    headers: HeaderMap,
}

impl Head {
    /// Removes a head from the input if it is complete.
    fn parse(input: &mut BytesMut) -> Result<Option<Self>, ReadError> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        let length = match request.parse(input) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) if input.len() > MAX_HEAD => {
                return Err(ReadError::Refused(431));
            }
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(httparse::Error::TooManyHeaders) => return Err(ReadError::Refused(431)),
            Err(_) => return Err(ReadError::Refused(400)),
        };
        let head = Self::of(&request).ok_or(ReadError::Refused(400))?;
        drop(input.split_to(length));
        Ok(Some(head))
    }

    fn of(request: &httparse::Request<'_, '_>) -> Option<Self> {
        let headers = request.headers.iter().map(|header| {
            let name = HeaderName::from_bytes(header.name.as_bytes()).ok()?;
            Some((name, HeaderValue::from_bytes(header.value).ok()?))
        });
        let mut all = HeaderMap::new();
        for header in headers {
            let (name, value) = header?;
            all.append(name, value);
        }
        Some(Self {
            method: Method::from_bytes(request.method?.as_bytes()).ok()?,
            target: origin_form(request.path?).to_owned(),
            modern: request.version == Some(1),
            headers: all,
        })
    }
}

/// Removes scheme and host from the target. Clients send them if they take the service for a proxy.
fn origin_form(target: &str) -> &str {
    let Some((_, rest)) = target
        .split_once("://")
        .filter(|_| !target.starts_with('/'))
    else {
        return target;
    };
    rest.find('/')
        .and_then(|start| rest.get(start..))
        .unwrap_or("/")
}

/// Decompresses the body. Also returns whether that was possible.
fn decode(headers: &HeaderMap, body: Bytes) -> (Bytes, bool) {
    if headers
        .get(CONTENT_ENCODING)
        .is_none_or(|coding| coding != "gzip")
    {
        return (body, true);
    }
    let mut decoded = Vec::new();
    // One more byte than allowed reveals that the limit is exceeded.
    let limit = u64::try_from(MAX_BODY)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    match MultiGzDecoder::new(&body[..])
        .take(limit)
        .read_to_end(&mut decoded)
    {
        Ok(size) if size <= MAX_BODY => (decoded.into(), true),
        _ => (body, false),
    }
}
