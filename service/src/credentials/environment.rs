//! [`EnvironmentCredentials`]: the credentials of one environment.

use std::fmt;

use serde::Serialize;

use super::key::Key;
use super::{CredentialsError, PREFIX};
use crate::SdkFamily;

/// The name of an environment, and the credentials that are configured for it.
///
/// ```
/// use vexil_service::EnvironmentCredentials;
///
/// let shop = EnvironmentCredentials::new("shop").sdk_key("sdk-b7e2-19d4-9f2c");
/// assert!(!format!("{shop:?}").contains("b7e2"));
/// ```
#[derive(Clone)]
#[must_use]
pub struct EnvironmentCredentials {
    name: String,
    sdk_key: Option<String>,
    mobile_key: Option<String>,
    environment_id: Option<String>,
}

/// The credentials of an environment as they may be shown. The JSON has names in camel case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ShownCredentials {
    /// The SDK key: `any`, or [masked](crate::mask_key) if it was configured. `None` if none is
    /// accepted.
    pub sdk_key: Option<String>,
    /// The mobile key, in the same form.
    pub mobile_key: Option<String>,
    /// The environment id, which is no secret.
    pub environment_id: String,
    /// The path prefix that selects the environment; empty if there is only one.
    pub prefix: String,
}

impl EnvironmentCredentials {
    /// Creates an environment without configured credentials. The name may contain ASCII letters,
    /// digits, `-`, `_` and `.`.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            sdk_key: None,
            mobile_key: None,
            environment_id: None,
        }
    }

    /// Sets the SDK key.
    pub fn sdk_key(mut self, key: impl Into<String>) -> Self {
        self.sdk_key = Some(key.into());
        self
    }

    /// Sets the mobile key.
    pub fn mobile_key(mut self, key: impl Into<String>) -> Self {
        self.mobile_key = Some(key.into());
        self
    }

    /// Sets the environment id. By default it is the name.
    pub fn environment_id(mut self, id: impl Into<String>) -> Self {
        self.environment_id = Some(id.into());
        self
    }
}

/// Omits the keys.
impl fmt::Debug for EnvironmentCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnvironmentCredentials")
            .field("name", &self.name)
            .field("environment_id", &self.environment_id)
            .finish_non_exhaustive()
    }
}

/// An environment with the credentials that it accepts.
#[derive(Clone, Debug)]
pub(super) struct Environment {
    pub(super) name: String,
    /// Whether the credentials are not configured, but result from the name.
    pub(super) is_open: bool,
    pub(super) sdk_key: Option<Key>,
    pub(super) mobile_key: Option<Key>,
    pub(super) environment_id: String,
}

impl Environment {
    pub(super) fn new(given: EnvironmentCredentials) -> Result<Self, CredentialsError> {
        let EnvironmentCredentials {
            name,
            sdk_key,
            mobile_key,
            environment_id,
        } = given;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_plain) {
            return Err(CredentialsError::Name { name });
        }
        let is_open = sdk_key.is_none() && mobile_key.is_none() && environment_id.is_none();
        let default = |prefix: &str| is_open.then(|| format!("{prefix}{name}"));
        Ok(Self {
            is_open,
            sdk_key: sdk_key.or_else(|| default("sdk-")).map(Key::new),
            mobile_key: mobile_key.or_else(|| default("mob-")).map(Key::new),
            // An id is no secret, so it needs no configuration.
            environment_id: environment_id.unwrap_or_else(|| name.clone()),
            name,
        })
    }

    /// Whether the environment accepts this credential of an SDK of this family.
    pub(super) fn accepts(&self, family: SdkFamily, credential: &str) -> bool {
        let key = match family {
            SdkFamily::Server => &self.sdk_key,
            SdkFamily::Mobile => &self.mobile_key,
            SdkFamily::JavaScript => return self.environment_id == credential,
        };
        key.as_ref().is_some_and(|key| key.is(credential))
    }

    /// Checks that no request is for both environments.
    pub(super) fn check_beside(&self, other: &Self) -> Result<(), CredentialsError> {
        let name = &self.name;
        if *name == other.name {
            return Err(CredentialsError::Repeated { name: name.clone() });
        }
        let keys = [
            (SdkFamily::Server, &self.sdk_key),
            (SdkFamily::Mobile, &self.mobile_key),
        ];
        let keys = keys.map(|(family, key)| (family, key.as_ref().map(Key::secret)));
        let id = (SdkFamily::JavaScript, Some(&*self.environment_id));
        for (family, credential) in keys.into_iter().chain([id]) {
            if credential.is_some_and(|credential| other.accepts(family, credential)) {
                let names = [name.clone(), other.name.clone()];
                return Err(CredentialsError::Shared { family, names });
            }
        }
        Ok(())
    }

    pub(super) fn shown(&self, is_alone: bool) -> ShownCredentials {
        let shown = |key: &Option<Key>| {
            key.as_ref().map(|key| match (self.is_open, is_alone) {
                (true, true) => "any".to_owned(),
                (true, false) => key.secret().to_owned(),
                (false, _) => key.masked(),
            })
        };
        ShownCredentials {
            sdk_key: shown(&self.sdk_key),
            mobile_key: shown(&self.mobile_key),
            environment_id: self.environment_id.clone(),
            prefix: match is_alone {
                true => String::new(),
                false => format!("{PREFIX}{}", self.name),
            },
        }
    }
}
