//! [`ApplicationInfo`] and [`WrapperInfo`]: the users of the SDK, for the service's statistics.

use vexil_eval::Text;

use crate::config::sdk_key::is_key_byte;

/// Describes the application that uses the client. The service shows it with the flags that the
/// application evaluates.
///
/// A value has 1 to 64 characters: letters, digits, `.`, `_` and `-`. An invalid value is omitted
/// and logged as a warning.
///
/// ```
/// use vexil::Client;
/// use vexil::config::{ApplicationInfo, ServiceEndpoints};
/// use vexil_testing::FakeService;
/// use vexil_testing::fake_service::Endpoint;
///
/// let service = FakeService::start()?;
/// let client = Client::builder("sdk-key")
///     .service_endpoints(ServiceEndpoints::relay(service.url()))
///     .application(ApplicationInfo::new().id("checkout").version("not a tag"))
///     .start()?;
/// let request = service.next_request(Endpoint::Stream).wait()?;
/// assert_eq!(request.header("x-launchdarkly-tags"), Some("application-id/checkout"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct ApplicationInfo {
    id: Option<String>,
    name: Option<String>,
    version: Option<String>,
    version_name: Option<String>,
}

impl ApplicationInfo {
    /// An empty description.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the application's id, for instance `authentication-service`. Default: not reported.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Sets the application's name for people, for instance `AuthenticationService`. Default: not
    /// reported.
    ///
    /// ```
    /// use vexil::config::ApplicationInfo;
    /// # use vexil::{Client, config::ServiceEndpoints};
    /// # use vexil_testing::{FakeService, fake_service::Endpoint};
    ///
    /// # let service = FakeService::start()?;
    /// # let builder = Client::builder("sdk-key").service_endpoints(ServiceEndpoints::relay(service.url()));
    /// let application = ApplicationInfo::new()
    ///     .id("a7f3")
    ///     .name("Checkout")
    ///     .version("8d2c1e0")
    ///     .version_name("2026.11");
    /// # let client = builder.application(application).start()?;
    /// # let request = service.next_request(Endpoint::Stream).wait()?;
    /// # let tags = request.header("x-launchdarkly-tags");
    /// assert_eq!(
    ///     tags,
    ///     Some("application-id/a7f3 application-name/Checkout application-version/8d2c1e0 \
    ///           application-version-name/2026.11")
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the application's version, for instance a commit. Default: not reported.
    ///
    /// A value that is not a tag is not sent: see [`ApplicationInfo`].
    ///
    /// ```
    /// use vexil::config::ApplicationInfo;
    ///
    /// // The commit that the build recorded, if it did.
    /// let commit = option_env!("GIT_COMMIT").unwrap_or("unknown");
    /// let application = ApplicationInfo::new().id("checkout").version(commit);
    /// assert_ne!(application, ApplicationInfo::new());
    /// ```
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// Sets the name of the application's version for people, for instance of a release. Default: not
    /// reported.
    pub fn version_name(mut self, name: impl Into<String>) -> Self {
        self.version_name = Some(name.into());
        self
    }

    /// The value of the tags header (SRC-1.5); `None` if there are no valid tags.
    pub(crate) fn tags(&self) -> Option<String> {
        let tags = [
            ("application-id", &self.id),
            ("application-name", &self.name),
            ("application-version", &self.version),
            ("application-version-name", &self.version_name),
        ];
        let tags = tags.into_iter().filter_map(|(name, value)| {
            let value = value.as_deref().filter(|value| !value.is_empty())?;
            if is_tag(value) {
                return Some(format!("{name}/{value}"));
            }
            tracing::warn!(
                name,
                "a value of the application info is invalid and is omitted"
            );
            None
        });
        let tags = tags.collect::<Vec<_>>().join(" ");
        (!tags.is_empty()).then_some(tags)
    }

    /// Id, name, version and the version's name; `None` for each that is invalid.
    pub(super) fn valid(&self) -> [Option<Text>; 4] {
        let values = [&self.id, &self.name, &self.version, &self.version_name];
        values.map(|value| {
            let valid = value.as_deref().filter(|value| is_tag(value));
            valid.map(Text::from)
        })
    }
}

fn is_tag(value: &str) -> bool {
    (1..=64).contains(&value.len()) && value.bytes().all(is_key_byte)
}

/// Describes a library that wraps the SDK, for instance for a framework. White space around name
/// and version is trimmed. A client does not start if one of them has characters that an HTTP
/// header cannot carry.
///
/// ```
/// use vexil::Client;
/// use vexil::config::{ConfigError, ServiceEndpoints, WrapperInfo};
/// use vexil_testing::FakeService;
/// use vexil_testing::fake_service::Endpoint;
///
/// let service = FakeService::start()?;
/// let builder =
///     Client::builder("sdk-key").service_endpoints(ServiceEndpoints::relay(service.url()));
/// let client = builder.clone().wrapper(WrapperInfo::new("rocket-flags").version("1.2")).start()?;
/// let request = service.next_request(Endpoint::Stream).wait()?;
/// assert_eq!(request.header("x-launchdarkly-wrapper"), Some("rocket-flags/1.2"));
///
/// let error = builder.wrapper(WrapperInfo::new("two\nlines")).start().unwrap_err();
/// assert!(matches!(error, ConfigError::Component { component: "wrapper", .. }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct WrapperInfo {
    pub(super) name: String,
    pub(super) version: Option<String>,
}

impl WrapperInfo {
    /// A wrapping library with this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: trimmed(name),
            version: None,
        }
    }

    /// Sets the version of the wrapping library. Default: not reported.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(trimmed(version));
        self
    }

    /// Name and version; `None` for each that is empty.
    pub(super) fn parts(&self) -> [Option<Text>; 2] {
        let given = |text: &str| (!text.is_empty()).then(|| Text::from(text));
        [given(&self.name), self.version.as_deref().and_then(given)]
    }

    /// The value of the wrapper header: `name` or `name/version`. `None` without a name.
    pub(crate) fn header(&self) -> Option<String> {
        let name = Some(&self.name).filter(|name| !name.is_empty())?;
        Some(
            match self
                .version
                .as_deref()
                .filter(|version| !version.is_empty())
            {
                Some(version) => format!("{name}/{version}"),
                None => name.clone(),
            },
        )
    }
}

fn trimmed(text: impl Into<String>) -> String {
    text.into().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(id: &str, version: &str) -> Option<String> {
        ApplicationInfo::new().id(id).version(version).tags()
    }

    // SRC-1.5
    #[test]
    fn each_tag_is_validated_separately_and_an_invalid_one_is_omitted() {
        assert_eq!(
            tags("a.B_1-", "2.0").as_deref(),
            Some("application-id/a.B_1- application-version/2.0")
        );
        let named = ApplicationInfo::new().name("n").version_name("v 1");
        assert_eq!(named.tags().as_deref(), Some("application-name/n"));
        assert_eq!(tags("", "2").as_deref(), Some("application-version/2"));
        assert_eq!(tags("", ""), None);
        assert_eq!(
            tags(&"x".repeat(64), ""),
            Some(format!("application-id/{}", "x".repeat(64)))
        );
        let long = "x".repeat(65);
        for bad in ["a b", "a\tb", "a\nb", "a/b", "é", "🚩", &long] {
            assert_eq!(
                tags(bad, "ok").as_deref(),
                Some("application-version/ok"),
                "{bad:?}"
            );
        }
    }

    // SRC-1.4
    #[test]
    fn a_wrapper_without_a_name_has_no_header() {
        assert_eq!(WrapperInfo::new("w").header().as_deref(), Some("w"));
        assert_eq!(
            WrapperInfo::new("w").version("1").header().as_deref(),
            Some("w/1")
        );
        assert_eq!(
            WrapperInfo::new("w").version("").header().as_deref(),
            Some("w")
        );
        assert_eq!(WrapperInfo::new("").version("1").header(), None);
    }
}
