//! Status of data sources and stores, and [`Subscription`] to its changes.
//!
//! Each change is published once, and every subscriber receives all changes in order. A subscriber
//! that falls behind loses the oldest changes, never the newest, and does not block the publisher.

mod big_segments;
mod data_source;
mod data_store;
mod named;
mod watched;

pub(crate) use big_segments::BigSegmentStoreStatusCell;
pub use big_segments::{BigSegmentStoreStatus, BigSegmentStoreStatusProvider};
pub(crate) use data_source::DataSourceStatusCell;
pub use data_source::{
    DataSourceErrorInfo, DataSourceErrorKind, DataSourceState, DataSourceStatus,
    DataSourceStatusProvider,
};
pub use data_store::{
    DataStoreErrorInfo, DataStoreErrorKind, DataStoreReporter, DataStoreStatus,
    DataStoreStatusProvider,
};
pub(crate) use named::named;
pub use watched::Subscription;
