//! [`ScopeService`]: the service of a [`ScopeLayer`](crate::ScopeLayer).

use std::fmt;
use std::task::{Context as TaskContext, Poll};

use http::Request;
use http::request::Parts;
use tower_service::Service;
use vexil::Client;
use vexil::client::AsContext;

use crate::RequestScope;

/// Adds a [`RequestScope`] to each request, and passes it on. Created by
/// [`ScopeLayer`](crate::ScopeLayer).
#[derive(Clone)]
pub struct ScopeService<S, F> {
    pub(crate) inner: S,
    pub(crate) client: Client,
    pub(crate) context: F,
}

impl<S, F, M, C, B> Service<Request<B>> for ScopeService<S, F>
where
    S: Service<Request<B>>,
    F: Fn(&Parts) -> M,
    M: FnOnce() -> C + Send + 'static,
    C: AsContext,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, task: &mut TaskContext<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(task)
    }

    fn call(&mut self, request: Request<B>) -> S::Future {
        let (mut head, body) = request.into_parts();
        let scope = RequestScope::new(self.client.clone(), (self.context)(&head));
        head.extensions.insert(scope);
        self.inner.call(Request::from_parts(head, body))
    }
}

impl<S: fmt::Debug, F> fmt::Debug for ScopeService<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopeService")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
