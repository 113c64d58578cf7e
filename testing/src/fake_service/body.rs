//! [`BodyWriter`]: sends a body with the delivery and fault of an answer.

use std::io;

use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::answer::{Answer, Fault};
use super::pace::Pace;
use super::point::Point;

/// The state of a connection after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It can take another request.
    Next,
    /// It is closed gracefully.
    Close,
    /// It is closed without the closing message of TLS.
    Cut,
    Reset,
}

pub(super) struct BodyWriter<'a, W> {
    to: &'a mut W,
    chunked: bool,
    trickle: Option<&'a (usize, Pace)>,
    fault: Option<(Point, Fault)>,
    bytes: usize,
    events: usize,
    silent: bool,
}

impl<'a, W: AsyncWrite + Unpin> BodyWriter<'a, W> {
    pub(super) fn new(to: &'a mut W, answer: &'a Answer, chunked: bool) -> Self {
        let (trickle, fault) = (answer.trickle.as_ref(), answer.fault);
        Self {
            to,
            chunked,
            trickle,
            fault,
            bytes: 0,
            events: 0,
            silent: false,
        }
    }

    /// Called after the headers are sent. Like the other methods, it returns an outcome if the
    /// answer ends here.
    pub(super) async fn begin(&mut self) -> io::Result<Option<Outcome>> {
        match self.limit(0) {
            Some(_) => self.fail().await,
            None => Ok(None),
        }
    }

    /// Sends an event, or a whole body.
    pub(super) async fn event(&mut self, piece: &[u8]) -> io::Result<Option<Outcome>> {
        if self.silent {
            return Ok(None);
        }
        let limit = self.limit(piece.len());
        let allowed = limit.and_then(|limit| piece.get(..limit)).unwrap_or(piece);
        self.write(allowed).await?;
        self.bytes += allowed.len();
        self.events += 1;
        match limit.or_else(|| self.limit(0)) {
            Some(_) => self.fail().await,
            None => Ok(None),
        }
    }

    /// Sends data that is not part of the body and does not count towards a fault's point.
    pub(super) async fn aside(&mut self, piece: &[u8]) -> io::Result<()> {
        if self.silent {
            Ok(())
        } else {
            self.write(piece).await
        }
    }

    /// Ends the body. Does nothing if the answer has gone silent.
    pub(super) async fn finish(self) -> io::Result<()> {
        if self.silent {
            std::future::pending::<()>().await;
        }
        if self.chunked {
            self.to.write_all(b"0\r\n\r\n").await?;
        }
        self.to.flush().await
    }

    /// Returns how much of the next piece may be sent before the fault.
    fn limit(&self, next: usize) -> Option<usize> {
        self.fault
            .and_then(|(point, _)| point.within(next, self.bytes, self.events))
    }

    async fn fail(&mut self) -> io::Result<Option<Outcome>> {
        match self.fault.map(|(_, fault)| fault) {
            Some(Fault::Cut) | None => Ok(Some(Outcome::Cut)),
            Some(Fault::Reset) => Ok(Some(Outcome::Reset)),
            Some(Fault::Silence) => {
                self.silent = true;
                Ok(None)
            }
            Some(Fault::BreakChunking) => {
                self.to.write_all(b"no length\r\n").await?;
                self.to.flush().await?;
                Ok(Some(Outcome::Cut))
            }
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some((size, pace)) = self.trickle else {
            return self.write_piece(bytes).await;
        };
        for piece in bytes.chunks(*size) {
            pace.wait().await;
            self.write_piece(piece).await?;
        }
        Ok(())
    }

    async fn write_piece(&mut self, bytes: &[u8]) -> io::Result<()> {
        // An empty chunk would end the body.
        if bytes.is_empty() {
            return Ok(());
        }
        if self.chunked {
            self.to
                .write_all(format!("{:x}\r\n", bytes.len()).as_bytes())
                .await?;
            self.to.write_all(bytes).await?;
            self.to.write_all(b"\r\n").await?;
        } else {
            self.to.write_all(bytes).await?;
        }
        self.to.flush().await
    }
}
