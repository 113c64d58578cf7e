//! Errors of credentials.

use std::error::Error;
use std::fmt;

use crate::SdkFamily;

/// No environment accepts the credential of a request. The message names the environments and no key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialError {
    /// The request has no key, or an unknown one: 401.
    Key {
        /// The family of the SDK.
        family: SdkFamily,
        /// The names of the environments.
        environments: Vec<String>,
    },
    /// The environment id or the path prefix is unknown: 404.
    Environment {
        /// The names of the environments.
        environments: Vec<String>,
    },
}

impl CredentialError {
    /// Returns the status of the response.
    ///
    /// ```
    /// use vexil_service::{Credentials, EnvironmentCredentials, Route};
    ///
    /// let credentials = Credentials::new(["shop", "admin"].map(EnvironmentCredentials::new))?;
    /// let goals = Route::find("GET", "/sdk/goals/shpo", None)?;
    /// let error = credentials.environment(&goals, None).unwrap_err();
    /// assert_eq!(error.status(), 404);
    /// assert_eq!(error.to_string(), "unknown environment; the environments are shop and admin");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Key { .. } => 401,
            Self::Environment { .. } => 404,
        }
    }
}

impl fmt::Display for CredentialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let environments = match self {
            Self::Key {
                family,
                environments,
            } => {
                write!(f, "unknown {}", credential_of(*family))?;
                environments
            }
            Self::Environment { environments } => {
                f.write_str("unknown environment")?;
                environments
            }
        };
        match &**environments {
            [only] => write!(f, "; the environment is {only}"),
            [first @ .., last] => {
                write!(f, "; the environments are {} and {last}", first.join(", "))
            }
            [] => Ok(()),
        }
    }
}

impl Error for CredentialError {}

/// An error of configuring the credentials of environments.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialsError {
    /// There is no environment.
    Empty,
    /// A name is empty, or has characters that cannot be part of a path.
    Name {
        /// The name.
        name: String,
    },
    /// Two environments have the same name.
    Repeated {
        /// The name.
        name: String,
    },
    /// Two environments have the same credential.
    Shared {
        /// The family of SDKs that have it.
        family: SdkFamily,
        /// The names of the environments.
        names: [String; 2],
    },
}

impl fmt::Display for CredentialsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("there is no environment"),
            Self::Name { name } => write!(
                f,
                "the name {name:?} of an environment must consist of ASCII letters, digits, `-`, `_` and `.`"
            ),
            Self::Repeated { name } => write!(f, "two environments have the name {name}"),
            Self::Shared { family, names } => {
                let [one, other] = names;
                let credential = credential_of(*family);
                write!(
                    f,
                    "the environments {one} and {other} have the same {credential}"
                )
            }
        }
    }
}

impl Error for CredentialsError {}

fn credential_of(family: SdkFamily) -> &'static str {
    match family {
        SdkFamily::Server => "SDK key",
        SdkFamily::Mobile => "mobile key",
        SdkFamily::JavaScript => "environment id",
    }
}
