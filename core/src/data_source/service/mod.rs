//! The data sources that fetch flags from the service: streaming and polling.

mod attempts;
mod basis;
mod directive;
mod endpoint;
mod fetch_error;
mod outage;
mod polling;
mod streaming;
#[cfg(feature = "metrics")]
mod timed_body;

pub(crate) use endpoint::Endpoint;
pub(crate) use polling::PollingDataSource;
pub(crate) use streaming::StreamingDataSource;
