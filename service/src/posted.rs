//! [`Posted`]: the body of a request with events.

use serde_json::Value;

use crate::{Endpoint, Route, SdkFamily};

/// What an SDK has posted.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Posted {
    /// Analytics events, in order.
    Events(Vec<Value>),
    /// Statistics about the SDK.
    Diagnostic(Value),
}

impl Posted {
    /// Reads a body that was posted to an endpoint for events or diagnostics. `None` if it is not what
    /// the endpoint accepts: 400.
    ///
    /// Some client-side SDKs post diagnostics to the path of events, which is accepted.
    ///
    /// ```
    /// use vexil_service::{Posted, Route};
    ///
    /// let server = Route::find("POST", "/bulk", None)?;
    /// assert!(matches!(Posted::read(&server, b"[{}]"), Some(Posted::Events(events)) if events.len() == 1));
    /// assert_eq!(Posted::read(&server, b"{}"), None);
    ///
    /// let browser = Route::find("POST", "/events/bulk/shop", None)?;
    /// assert!(matches!(Posted::read(&browser, b"{}"), Some(Posted::Diagnostic(_))));
    /// # Ok::<(), vexil_service::RouteError>(())
    /// ```
    #[must_use]
    pub fn read(route: &Route, body: &[u8]) -> Option<Self> {
        let json = serde_json::from_slice(body).ok()?;
        let is_client_side = route.family() != SdkFamily::Server;
        match (route.endpoint(), json) {
            (Endpoint::Events, Value::Array(events)) => Some(Self::Events(events)),
            (Endpoint::Events, json @ Value::Object(_)) if is_client_side => {
                Some(Self::Diagnostic(json))
            }
            (Endpoint::Diagnostics, json @ Value::Object(_)) => Some(Self::Diagnostic(json)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_endpoint_accepts_its_form() {
        for (path, list, object) in [
            ("/bulk", true, false),
            ("/mobile", true, true),
            ("/mobile/events/bulk", true, true),
            ("/events/bulk/shop", true, true),
            ("/diagnostic", false, true),
            ("/events/diagnostic/shop", false, true),
        ] {
            let route = Route::find("POST", path, None).unwrap();
            assert_eq!(Posted::read(&route, b"[]").is_some(), list, "{path}");
            assert_eq!(Posted::read(&route, b"{}").is_some(), object, "{path}");
            for invalid in ["", "7", "null", "[", "[] []"] {
                assert_eq!(
                    Posted::read(&route, invalid.as_bytes()),
                    None,
                    "{path} {invalid}"
                );
            }
        }
        let poll = Route::find("GET", "/sdk/poll", None).unwrap();
        assert_eq!(Posted::read(&poll, b"[]"), None);
    }
}
