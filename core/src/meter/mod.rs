//! [`Meter`]: the numbers of a client that metrics show.
//!
//! Components count here, with the feature `metrics`. The client publishes the numbers at
//! intervals, so no recorder runs during an evaluation. Without the feature a meter is empty, and
//! so are its methods.

#[cfg(feature = "metrics")]
mod numbers;

#[cfg(feature = "metrics")]
use std::sync::Arc;

use vexil_eval::EvalErrorKind;

#[cfg(feature = "metrics")]
pub(crate) use self::numbers::{Counts, Numbers, outcomes, unix_seconds};
use crate::status::DataSourceErrorKind;

/// Counts for one client. A clone counts for the same client.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meter(#[cfg(feature = "metrics")] Arc<Numbers>);

/// Without the feature, the arguments are not used.
#[cfg_attr(
    not(feature = "metrics"),
    expect(
        unused_variables,
        clippy::unused_self,
        reason = "nothing is counted without the feature `metrics`"
    )
)]
impl Meter {
    /// An evaluation has returned the flag's value.
    #[inline]
    pub(crate) fn returned_value(&self) {
        #[cfg(feature = "metrics")]
        self.0.returned_value();
    }

    /// An evaluation has returned a default, because of this error. Without an error, the flag is
    /// off and has no off variation.
    #[inline]
    pub(crate) fn returned_default(&self, error: Option<EvalErrorKind>) {
        #[cfg(feature = "metrics")]
        self.0.returned_default(error);
    }

    /// The data source has reported an error.
    #[inline]
    pub(crate) fn source_failed(&self, kind: DataSourceErrorKind) {
        #[cfg(feature = "metrics")]
        self.0.source_failed(kind);
    }

    /// Data of the data source was stored.
    #[inline]
    pub(crate) fn updated(&self) {
        #[cfg(feature = "metrics")]
        self.0.updated();
    }
}

#[cfg(feature = "metrics")]
impl Meter {
    /// A meter whose metrics have the label `client`, if there is a name.
    pub(crate) fn named(name: Option<&str>) -> Self {
        Self(Arc::new(Numbers::new(name)))
    }

    pub(crate) fn numbers(&self) -> &Numbers {
        &self.0
    }
}
