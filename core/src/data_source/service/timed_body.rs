//! [`timed`]: a response that records when its bytes arrive, for metrics.

use async_trait::async_trait;
use bytes::Bytes;
use http::Response;

use crate::http::transport::{Body, Chunks, TransportError};
use crate::meter::Meter;

/// Records the arrival of the response's head, and of each chunk of its body.
pub(super) fn timed(response: Response<Body>, meter: Meter) -> Response<Body> {
    meter.numbers().received();
    response.map(|body| Body::new(TimedBody { body, meter }))
}

struct TimedBody {
    body: Body,
    meter: Meter,
}

#[async_trait]
impl Chunks for TimedBody {
    async fn next(&mut self) -> Result<Option<Bytes>, TransportError> {
        let chunk = self.body.next().await;
        if let Ok(Some(_)) = &chunk {
            self.meter.numbers().received();
        }
        chunk
    }
}
