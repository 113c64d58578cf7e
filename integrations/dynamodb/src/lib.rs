//! x

mod batch;
mod big_segments;
mod config;
mod error;
mod row;
mod store;
mod table;

pub use aws_sdk_dynamodb;
pub use big_segments::DynamoDbBigSegmentStore;
pub use config::DynamoDbBuilder;
pub use store::DynamoDbDataStore;
