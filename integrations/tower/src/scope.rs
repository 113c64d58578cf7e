//! [`RequestScope`]: the scope of a request, made when it is needed.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use http::Extensions;
use vexil::client::AsContext;
use vexil::{Client, Scope};

/// The [`Scope`] of a request, with its methods. [`ScopeLayer`](crate::ScopeLayer) puts it into the
/// request's extensions.
///
/// The scope is made by the first evaluation, with the data of that moment. Clones are the same scope,
/// and can be sent to other tasks.
#[derive(Clone)]
pub struct RequestScope(Arc<dyn Provide>);

impl RequestScope {
    /// Returns the scope in the extensions of a request, or `None` if the request did not pass a
    /// [`ScopeLayer`](crate::ScopeLayer).
    ///
    /// ```
    /// use vexil_tower::RequestScope;
    ///
    /// let request = http::Request::new(());
    /// assert!(RequestScope::of(request.extensions()).is_none());
    /// ```
    #[must_use]
    pub fn of(extensions: &Extensions) -> Option<&Self> {
        extensions.get()
    }

    pub(crate) fn new<C, M>(client: Client, make: M) -> Self
    where
        C: AsContext,
        M: FnOnce() -> C + Send + 'static,
    {
        Self(Arc::new(Lazy {
            client,
            make: Mutex::new(Some(make)),
            scope: OnceLock::new(),
        }))
    }
}

impl Deref for RequestScope {
    type Target = Scope;

    fn deref(&self) -> &Scope {
        self.0.scope()
    }
}

/// Omits the context, which is personal data.
impl fmt::Debug for RequestScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestScope").finish_non_exhaustive()
    }
}

/// Hides the type of the closure.
trait Provide: Send + Sync {
    fn scope(&self) -> &Scope;
}

struct Lazy<M> {
    client: Client,
    /// Taken by the first evaluation. Locked only to take it.
    make: Mutex<Option<M>>,
    scope: OnceLock<Scope>,
}

impl<C, M> Provide for Lazy<M>
where
    C: AsContext,
    M: FnOnce() -> C + Send,
{
    fn scope(&self) -> &Scope {
        self.scope.get_or_init(|| {
            let make = self
                .make
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            match make {
                Some(make) => self.client.scope(&make()),
                // An earlier call of the closure has panicked.
                None => self.client.scope(&vexil::Context::new("")),
            }
        })
    }
}
