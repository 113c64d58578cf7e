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
///
/// ```
/// use std::convert::Infallible;
/// use http::{Request, Response};
/// use tower::{Layer, Service, service_fn};
/// use vexil::{Client, Context};
/// use vexil_testing::TestData;
/// use vexil_tower::{RequestScope, ScopeLayer};
///
/// # pollster::block_on(async {
/// let flags = TestData::new().with("theme", "dark");
/// let client = Client::builder("sdk-key").data_source(flags.clone()).start()?;
/// let service = service_fn(async |request: Request<()>| {
///     let scope = RequestScope::of(request.extensions()).cloned().expect("the layer is there");
///     let before = scope.str_variation("theme", "");
///     flags.set("theme", "light");
///     // The request keeps its data, also in other tasks.
///     let after = std::thread::spawn(move || scope.str_variation("theme", "")).join();
///     assert_eq!(after.ok(), Some(before.clone()));
///     Ok::<_, Infallible>(Response::new(before))
/// });
/// let mut service = ScopeLayer::new(client, |_| || Context::new("ada")).layer(service);
/// assert_eq!(service.call(Request::new(())).await?.body(), "dark");
/// assert_eq!(service.call(Request::new(())).await?.body(), "light");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
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
