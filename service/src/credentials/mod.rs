//! [`Credentials`]: which of several environments a request is for.

mod environment;
mod error;
mod key;
#[cfg(test)]
mod tests;

use self::environment::Environment;
pub use self::environment::{EnvironmentCredentials, ShownCredentials};
pub use self::error::{CredentialError, CredentialsError};
use self::key::Key;
pub use self::key::mask_key;
use crate::{Route, SdkFamily};

/// The environments of a service by name, and the credentials that they accept.
///
/// | environments | accepted |
/// | --- | --- |
/// | one, without configured credentials | every request |
/// | several | for the environment `shop`: the SDK key `sdk-shop`, the mobile key `mob-shop`, the environment id `shop`; or the path prefix `/env/shop` with any credential |
/// | those with configured credentials | these only; a path prefix selects the environment too, but its credential is needed |
///
/// Keys are compared in a time that does not depend on what they have in common.
///
/// ```
/// use vexil_service::{Credentials, EnvironmentCredentials, Route};
///
/// let credentials = Credentials::new([
///     EnvironmentCredentials::new("shop"),
///     EnvironmentCredentials::new("admin").sdk_key("sdk-b7e2-19d4-9f2c"),
/// ])?;
/// let poll = Route::find("GET", "/sdk/latest-all", None)?;
/// assert_eq!(credentials.environment(&poll, Some("sdk-shop"))?, "shop");
/// assert_eq!(credentials.environment(&poll, Some("api_key sdk-b7e2-19d4-9f2c"))?, "admin");
/// assert_eq!(credentials.environment(&poll, Some("sdk-admin")).unwrap_err().status(), 401);
///
/// let poll = Route::find("GET", "/env/shop/sdk/latest-all", None)?;
/// assert_eq!(credentials.environment(&poll, None)?, "shop");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Credentials {
    environments: Vec<Environment>,
}

/// What the path prefix of an environment begins with.
const PREFIX: &str = "/env/";

impl Credentials {
    /// Creates the credentials of these environments.
    ///
    /// # Errors
    /// Returns an error if there is no environment, a name cannot be part of a path, or two
    /// environments have the same name or credential.
    pub fn new(
        environments: impl IntoIterator<Item = EnvironmentCredentials>,
    ) -> Result<Self, CredentialsError> {
        let environments = environments.into_iter().map(Environment::new);
        let environments: Vec<_> = environments.collect::<Result<_, _>>()?;
        if environments.is_empty() {
            return Err(CredentialsError::Empty);
        }
        for (index, environment) in environments.iter().enumerate() {
            for other in environments.iter().skip(index + 1) {
                environment.check_beside(other)?;
            }
        }
        Ok(Self { environments })
    }

    /// Returns the name of the environment that a request is for. `authorization` is the value of the
    /// header `Authorization`.
    ///
    /// # Errors
    /// Returns an error if no environment accepts the credential of the request.
    pub fn environment(
        &self,
        route: &Route,
        authorization: Option<&str>,
    ) -> Result<&str, CredentialError> {
        let family = route.family();
        let credential = match family {
            SdkFamily::Server | SdkFamily::Mobile => authorization.map(without_scheme),
            SdkFamily::JavaScript => route.environment(),
        };
        let is_alone = self.environments.len() == 1;
        let selected = prefix_name(route.prefix()).filter(|_| !is_alone);
        let is_known = selected.is_none_or(|name| self.named(name).is_some());
        // Looks at all environments, so that the time does not depend on which it is.
        let mut found = None;
        for environment in &self.environments {
            let is_accepted = credential.is_some_and(|key| environment.accepts(family, key));
            let is_match = match selected {
                Some(name) => name == environment.name && (is_accepted || environment.is_open),
                None => is_accepted || environment.is_open && is_alone,
            };
            if is_match {
                found = Some(&*environment.name);
            }
        }
        found.ok_or_else(|| {
            let names = self.environments.iter();
            let environments = names.map(|environment| environment.name.clone()).collect();
            match family {
                SdkFamily::Server | SdkFamily::Mobile if is_known => CredentialError::Key {
                    family,
                    environments,
                },
                _ => CredentialError::Environment { environments },
            }
        })
    }

    /// Returns the credentials of an environment as they may be shown.
    ///
    /// ```
    /// use vexil_service::{Credentials, EnvironmentCredentials};
    ///
    /// let shop = EnvironmentCredentials::new("shop").sdk_key("sdk-b7e2-19d4-9f2c");
    /// let credentials = Credentials::new([shop])?;
    /// let shown = credentials.shown("shop").expect("there is such an environment");
    /// assert_eq!(shown.sdk_key.as_deref(), Some("sdk-…9f2c"));
    /// assert_eq!(shown.mobile_key, None);
    /// # Ok::<(), vexil_service::CredentialsError>(())
    /// ```
    #[must_use]
    pub fn shown(&self, name: &str) -> Option<ShownCredentials> {
        let is_alone = self.environments.len() == 1;
        Some(self.named(name)?.shown(is_alone))
    }

    /// Returns the SDK key of an environment, with which the hashes of secure mode are made. Returns
    /// `None` if there is no single one that is accepted.
    #[must_use]
    pub fn sdk_key(&self, name: &str) -> Option<&str> {
        let environment = self.named(name)?;
        let is_any = environment.is_open && self.environments.len() == 1;
        let key = environment.sdk_key.as_ref().filter(|_| !is_any);
        key.map(Key::secret)
    }

    /// Returns the environment id of an environment, which is its name unless another is configured.
    #[must_use]
    pub fn environment_id(&self, name: &str) -> Option<&str> {
        Some(&self.named(name)?.environment_id)
    }

    fn named(&self, name: &str) -> Option<&Environment> {
        let mut environments = self.environments.iter();
        environments.find(|environment| environment.name == name)
    }
}

/// The name at the end of a path prefix that selects an environment.
fn prefix_name(prefix: &str) -> Option<&str> {
    let (_, name) = prefix.rsplit_once(PREFIX)?;
    Some(name).filter(|name| !name.contains('/'))
}

/// Some SDKs write `api_key` before the key.
fn without_scheme(authorization: &str) -> &str {
    const SCHEME: &str = "api_key ";
    match authorization.split_at_checked(SCHEME.len()) {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case(SCHEME) => key,
        _ => authorization,
    }
}
