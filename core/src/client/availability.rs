//! [`DataAvailability`]: the freshness of the data that evaluations use.

use crate::status::named;

/// The freshness of the data that evaluations use.
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
