//! [`Nowhere`]: a transport without a network.

use bytes::Bytes;
use http::{Request, Response};
use vexil::async_trait;
use vexil::transport::{Body, HttpTransport, RequestOptions, TransportError};

/// A transport whose requests reach nothing and have no response.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nowhere;

#[async_trait]
impl HttpTransport for Nowhere {
    async fn send(
        &self,
        _: Request<Bytes>,
        _: RequestOptions,
    ) -> Result<Response<Body>, TransportError> {
        std::future::pending().await
    }
}
