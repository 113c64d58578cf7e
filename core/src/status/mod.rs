//! States that can be watched: how data sources and stores are doing, and [`Subscription`].
//!
//! Whoever changes a state publishes it once; everyone who subscribed sees all changes in their
//! order. A subscriber that falls behind loses the oldest changes, never the newest, and holds
//! nobody up.

mod big_segments;
mod data_source;
mod data_store;
mod watched;

pub(crate) use big_segments::BigSegmentsStatusCell;
pub use big_segments::{BigSegmentsStatusProvider, BigSegmentsStoreStatus};
pub(crate) use data_source::DataSourceStatusCell;
pub use data_source::{
    DataSourceErrorInfo, DataSourceErrorKind, DataSourceState, DataSourceStatus,
    DataSourceStatusProvider,
};
pub use data_store::{
    DataStoreErrorInfo, DataStoreErrorKind, DataStoreReporter, DataStoreStatus,
    DataStoreStatusProvider,
};
pub use watched::Subscription;
