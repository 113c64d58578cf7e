//! Feature flags per request for [tower] services, for the [`vexil`] SDK: for axum, hyper, tonic and
//! everything else that is built from tower's layers.
//!
//! [`ScopeLayer`] makes a context for each request, with a closure of the application. Handlers find a
//! [`RequestScope`] in the request's extensions, and evaluate flags with it: all with the context of
//! the request, and with the data of one moment, so that a change of flags never reaches a request
//! half way.
//!
//! ```
//! use std::convert::Infallible;
//!
//! use http::{Request, Response};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//! use vexil::{Client, Context};
//! use vexil_testing::TestData;
//! use vexil_tower::{RequestScope, ScopeLayer};
//!
//! # pollster::block_on(async {
//! let flags = TestData::new().with("theme", "dark");
//! let client = Client::builder("sdk-key").data_source(flags).start()?;
//!
//! let layer = ScopeLayer::new(client, |request| {
//!     // What the context needs of the request. The header's bytes are shared, not copied.
//!     let user = request.headers.get("x-user").cloned();
//!     // Runs when a flag is evaluated.
//!     move || {
//!         let user = user.as_ref().and_then(|user| user.to_str().ok());
//!         Context::builder(user.unwrap_or("visitor")).anonymous(user.is_none()).build()
//!     }
//! });
//! let service = ServiceBuilder::new().layer(layer).service_fn(async |request: Request<()>| {
//!     let scope = RequestScope::of(request.extensions()).expect("the layer is there");
//!     Ok::<_, Infallible>(Response::new(scope.str_variation("theme", "light")))
//! });
//!
//! let request = Request::builder().header("x-user", "ada").body(())?;
//! assert_eq!(service.oneshot(request).await?.body(), "dark");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! # Frameworks
//!
//! | framework | how a handler gets the scope |
//! | --- | --- |
//! | axum, with the feature `axum` | an argument of the type [`RequestScope`] |
//! | hyper, tower | `RequestScope::of(request.extensions())` |
//! | tonic | `RequestScope::of(request.extensions())`; the closure finds metadata in the headers |
//!
//! Responses and other headers, such as `traceparent`, pass the layer unchanged.
//!
//! # Cost
//!
//! The outer closure runs for each request, so it should only take what the context needs. The context
//! and the scope are made when the first flag of the request is evaluated: a request without flags
//! costs two allocations, and two more if its extensions are empty. That takes about as long as two
//! evaluations. A scope keeps the flags of its moment in memory as long as the request, or as
//! its last clone.
//!
//! [tower]: https://docs.rs/tower
//!
//! # Features
//!
//! - `axum`: [`RequestScope`] as an extractor of axum. A handler without the layer answers with status
//!   500. Not a default.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "axum")]
mod extract;
mod layer;
mod scope;
mod service;

#[cfg(feature = "axum")]
pub use self::extract::MissingScope;
pub use self::layer::ScopeLayer;
pub use self::scope::RequestScope;
pub use self::service::ScopeService;

// Its examples use axum.
#[cfg(all(doctest, feature = "axum"))]
#[doc = include_str!("../README.md")]
struct Readme;
