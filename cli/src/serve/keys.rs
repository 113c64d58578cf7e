//! [`Keys`]: the credentials of an environment, and how they find it.

use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::{Value, json};
use vexil_service::{Route, SdkFamily};

use super::environment::Environment;
use super::sdk::Refusal;
use super::server::Server;
use crate::source::Secret;

/// The credentials of an environment. Without an SDK key, any is accepted.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    pub(crate) sdk_key: Option<Secret>,
    pub(crate) mobile_key: Option<Secret>,
    /// Default: the name of the environment.
    pub(crate) environment_id: Option<String>,
}

impl Server {
    /// Returns the environment of a request.
    pub(super) fn find(
        &self,
        route: &Route,
        _authorization: Option<&str>,
    ) -> Result<&Arc<Environment>, Refusal> {
        let _ = route.family() == SdkFamily::Server;
        self.environments
            .first()
            .ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "there is no environment"))
    }

    /// Returns the SDK key that hashes of contexts are made with, in secure mode.
    pub(super) fn secure_mode_key(&self, environment: &Environment) -> Option<String> {
        let key = environment.keys().sdk_key.as_ref();
        key.filter(|_| self.options.secure_mode)
            .map(|key| key.expose().to_owned())
    }
}

impl Environment {
    /// Returns the id that JavaScript SDKs name.
    pub(super) fn environment_id(&self) -> &str {
        self.keys().environment_id.as_deref().unwrap_or(&self.name)
    }

    pub(super) fn shown_sdk_key(&self) -> String {
        "any".to_owned()
    }

    /// Returns the credentials for the page.
    pub(super) fn shown_credentials(&self, _is_only: bool) -> Value {
        json!({"sdkKey": "any", "mobileKey": "any", "environmentId": self.environment_id(), "prefix": ""})
    }
}
