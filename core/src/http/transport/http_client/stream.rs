//! [`Stream`]: the bytes of a connection, with or without TLS.

use tokio::io::{AsyncRead, AsyncWrite};

/// A bidirectional byte stream.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}
