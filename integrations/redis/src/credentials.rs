//! [`RedisCredentials`]: user and password. Their `Debug` form shows no password, nor a user without
//! one: in `redis://secret@host`, the user is probably a password in the wrong place.

use std::error::Error;
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

/// A Redis user name and password.
///
/// ```
/// use vexil_redis::RedisCredentials;
///
/// let credentials = RedisCredentials::user("flags", "s3cret");
/// assert!(!format!("{credentials:?}").contains("s3cret"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct RedisCredentials {
    pub(crate) user: Option<Arc<str>>,
    pub(crate) password: Arc<str>,
}

impl RedisCredentials {
    /// Credentials of the default user, for the server's setting `requirepass`.
    ///
    /// ```
    /// use vexil_redis::RedisCredentials;
    ///
    /// let credentials = RedisCredentials::password("s3cret");
    /// assert_eq!(credentials, RedisCredentials::password("s3cret"));
    /// assert_ne!(credentials, RedisCredentials::user("default", "s3cret"));
    /// ```
    #[must_use]
    pub fn password(password: impl Into<String>) -> Self {
        Self {
            user: None,
            password: password.into().into(),
        }
    }

    /// Credentials of a user in the server's access control list.
    ///
    /// ```
    /// use vexil_redis::RedisCredentials;
    ///
    /// let credentials = RedisCredentials::user("flags", "s3cret");
    /// assert!(format!("{credentials:?}").contains("flags"));
    /// ```
    #[must_use]
    pub fn user(name: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            user: Some(name.into().into()),
            password: password.into().into(),
        }
    }
}

impl fmt::Debug for RedisCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = self.user.as_ref().filter(|_| !self.password.is_empty());
        f.debug_struct("RedisCredentials")
            .field("user", &user)
            .finish_non_exhaustive()
    }
}

type Provided =
    Pin<Box<dyn Future<Output = Result<RedisCredentials, Box<dyn Error + Send + Sync>>> + Send>>;

type Provider = Arc<dyn Fn() -> Provided + Send + Sync>;

/// The source of the credentials of each new connection.
#[derive(Clone, Default)]
pub(crate) enum CredentialSource {
    #[default]
    None,
    Fixed(RedisCredentials),
    Callback(Provider),
}

impl CredentialSource {
    pub(crate) fn callback<F, R>(provide: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<RedisCredentials, Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        Self::Callback(Arc::new(move || Box::pin(provide())))
    }

    /// Returns the current credentials.
    pub(crate) async fn current(
        &self,
    ) -> Result<Option<RedisCredentials>, Box<dyn Error + Send + Sync>> {
        match self {
            Self::None => Ok(None),
            Self::Fixed(credentials) => Ok(Some(credentials.clone())),
            Self::Callback(provide) => contained(Arc::clone(provide)).await.map(Some),
        }
    }
}

/// Calls the application's provider. A panic becomes an error, so that it does not end the task
/// that connects.
async fn contained(provide: Provider) -> Result<RedisCredentials, Box<dyn Error + Send + Sync>> {
    let mut provided: Provided = Box::pin(async move { provide().await });
    poll_fn(
        |cx| match catch_unwind(AssertUnwindSafe(|| provided.as_mut().poll(cx))) {
            Ok(polled) => polled,
            Err(_panic) => Poll::Ready(Err("the credential provider panicked".into())),
        },
    )
    .await
}

impl fmt::Debug for CredentialSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Fixed(credentials) => credentials.fmt(f),
            Self::Callback(_) => f.write_str("Callback"),
        }
    }
}
