//! [`ScopeLayer`]: adds a scope to each request.

use std::fmt;

use http::request::Parts;
use tower_layer::Layer;
use vexil::Client;
use vexil::client::AsContext;

use crate::ScopeService;

/// Adds a [`RequestScope`](crate::RequestScope) to the extensions of each request.
#[derive(Clone)]
pub struct ScopeLayer<F> {
    client: Client,
    context: F,
}

impl<F> ScopeLayer<F> {
    /// Creates a layer.
    ///
    /// `context` is called for each request, and takes from it what the context needs. It returns a
    /// closure that makes the context, which is called when the request's first flag is evaluated. The
    /// context may be invalid: evaluations then return their defaults, and the reason says so.
    ///
    /// ```
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    /// use vexil_tower::ScopeLayer;
    ///
    /// let client = Client::builder("sdk-key").data_source(TestData::new()).start()?;
    /// let layer = ScopeLayer::new(client, |request| {
    ///     let tenant = request.headers.get("x-tenant").cloned();
    ///     move || {
    ///         let tenant = tenant.as_ref().and_then(|tenant| tenant.to_str().ok());
    ///         Context::builder(tenant.unwrap_or_default()).kind("tenant").build()
    ///     }
    /// });
    /// # let _ = layer;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new<M, C>(client: Client, context: F) -> Self
    where
        F: Fn(&Parts) -> M,
        M: FnOnce() -> C + Send + 'static,
        C: AsContext,
    {
        Self { client, context }
    }
}

impl<S, F: Clone> Layer<S> for ScopeLayer<F> {
    type Service = ScopeService<S, F>;

    fn layer(&self, inner: S) -> Self::Service {
        ScopeService {
            inner,
            client: self.client.clone(),
            context: self.context.clone(),
        }
    }
}

impl<F> fmt::Debug for ScopeLayer<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopeLayer").finish_non_exhaustive()
    }
}
