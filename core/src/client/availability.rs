//! [`DataAvailability`]: the freshness of the data that evaluations use.

use crate::status::named;

/// The freshness of the data that evaluations use.
///
/// The values are ordered from the oldest data to the current data.
///
/// ```
/// use vexil::Client;
/// use vexil::client::DataAvailability;
/// use vexil_testing::TestData;
///
/// /// An administrator's page must not show defaults as if they were the flags.
/// fn may_show_flags(client: &Client) -> bool {
///     client.data_availability() >= DataAvailability::Cached
/// }
///
/// let flags = TestData::not_ready().with("banner", "hello");
/// let client = Client::builder("sdk-key").data_source(flags.clone()).start()?;
/// assert!(!may_show_flags(&client));
/// flags.make_ready();
/// assert!(may_show_flags(&client));
/// # Ok::<(), vexil::config::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DataAvailability {
    /// No data; evaluations return their defaults.
    Defaults,
    /// Data that an earlier process left in the store.
    Cached,
    /// Data that the data source of this client delivered.
    Refreshed,
}

named!(DataAvailability {
    Defaults => "DEFAULTS",
    Cached => "CACHED",
    Refreshed => "REFRESHED",
});
