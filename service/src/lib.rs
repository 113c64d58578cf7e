//! The flag service's half of the delivery protocols: what a service answers to SDKs.
//!
//! The crate has no sockets, no clock and no async code. Requests and items come in as
//! text, and answers go out as text; the program around it moves them.
//!
//! | type | for |
//! | --- | --- |
//! | [`Route`], [`Endpoint`] | what a request asks for |
//! | [`AccessRules`] | which hosts and web pages are answered |
//! | [`Credentials`] | which of several environments a request is for |
//! | [`Items`] | flags and segments with their versions and the history of their changes |
//! | [`Layers`], [`Overrides`] | the items of a source, with overrides laid over them |
//! | [`fdv1`], [`fdv2`] | items as server-side SDKs receive them, in both protocols |
//! | [`answer`], [`ItemStream`], [`ValueStream`] | the answer to a request for flags |
//! | [`Rules`], [`ClientFlags`], [`Memberships`] | values for a context as client-side SDKs receive them, in both protocols |
//! | [`Posted`], [`PayloadIds`], [`SummaryCounts`], [`EventLog`] | the events that SDKs post |
//! | [`SdkList`], [`SeenContexts`] | the SDKs that have sent requests, and their contexts |
//!
//! ```
//! use vexil_eval::model::DataKind::Flag;
//! use vexil_service::{Endpoint, Layers, Override, Route, fdv1, fdv2};
//!
//! let mut layers = Layers::new("shop-1f0c");
//! layers.set_base([(Flag, "banner".to_owned(), r#"{"variations": ["a", "b"]}"#.into())])?;
//!
//! let route = Route::find("GET", "/sdk/latest-all", None)?;
//! assert_eq!(route.endpoint(), Endpoint::Poll);
//! assert!(fdv1::body(layers.items()).starts_with(br#"{"flags":{"banner":"#));
//!
//! // An open stream of each protocol receives a change.
//! let revision = layers.items().revision();
//! layers.set_override(Flag, "banner", Override::Variation(1))?;
//! assert_eq!(fdv1::changes(layers.items(), revision)[0].name(), "patch");
//! assert_eq!(fdv2::changes(layers.items(), revision)[0].name(), "put-object");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod access;
mod answer;
mod by_kind;
mod client_flags;
mod completion;
mod context;
mod credentials;
mod etag;
mod event;
mod event_log;
pub mod fdv1;
pub mod fdv2;
mod items;
mod layers;
mod memberships;
mod overrides;
mod parallel;
mod payload_ids;
mod posted;
mod query;
mod route;
mod rules;
mod sdk_list;
mod seen_contexts;
mod streams;
mod summaries;

pub use self::access::{Access, AccessRules, PageAccessError, RequestHead};
pub use self::answer::{Answer, AnswerError, Served, answer};
pub use self::client_flags::{ClientFlags, ping};
pub use self::completion::complete;
pub use self::context::{ContextReadError, is_secure_mode_hash};
pub use self::credentials::{
    CredentialError, Credentials, CredentialsError, EnvironmentCredentials, ShownCredentials,
    mask_key,
};
pub use self::etag::{etag, has_etag};
pub use self::event::{Event, HEARTBEAT};
pub use self::event_log::{EventLog, EventPage, EventQuery, LoggedEvent};
pub use self::items::{Items, ItemsError, VersionedItem};
pub use self::layers::Layers;
pub use self::memberships::{Memberships, RulesWithMemberships};
pub use self::overrides::{
    ContextOverride, Override, OverrideDefect, OverrideError, OverrideReadError, OverrideResult,
    Overrides,
};
pub use self::parallel::by_chunks;
pub use self::payload_ids::PayloadIds;
pub use self::posted::Posted;
pub use self::route::{Endpoint, Route, RouteError, SdkFamily};
pub use self::rules::Rules;
pub use self::sdk_list::{SdkEntry, SdkList, SdkRequest};
pub use self::seen_contexts::{SeenContext, SeenContexts};
pub use self::streams::{ItemStream, ValueStream};
pub use self::summaries::{SummaryCount, SummaryCounts};
