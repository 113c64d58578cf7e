//! The flag service's half of the delivery protocols: what a service answers to SDKs.
//!
//! The crate has no sockets, no clock, no locks and no async code. Requests and items come in as
//! text, and answers go out as text; the program around it moves them. [`Items`] holds the flags and
//! segments of an environment with their versions. [`fdv1`] and [`fdv2`] present them to SDKs.
//!
//! ```
//! use serde_json::json;
//! use vexil_eval::model::DataKind;
//! use vexil_service::{Items, fdv1, fdv2};
//!
//! let mut items = Items::new("shop-1f0c");
//! items.put(DataKind::Flag, "banner", json!({"key": "banner", "on": false}));
//! assert_eq!(fdv1::put(&items).name(), "put");
//! assert_eq!(fdv2::selector(&items), "(p:shop-1f0c:1)");
//! ```

mod completion;
mod event;
pub mod fdv1;
pub mod fdv2;
mod items;
mod payload_ids;
mod query;
mod route;
mod summaries;

pub use self::completion::complete;
pub use self::event::{Event, HEARTBEAT};
pub use self::items::{Items, ItemsError, VersionedItem};
pub use self::payload_ids::PayloadIds;
pub use self::route::{Endpoint, Route, RouteError, SdkFamily};
pub use self::summaries::{SummaryCount, SummaryCounts};
