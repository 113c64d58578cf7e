//! [`Effort`]: how thoroughly a part is measured.

use std::time::Duration;

use crate::measure::Pace;

/// How thoroughly a part is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    /// A short run that checks that everything works and roughly how fast; its results are not
    /// published.
    Brief,
    /// A run whose figures are quoted.
    Full,
}

impl Effort {
    /// Returns the first value for a brief run and the second for a full one.
    pub(crate) fn choose<T>(self, brief: T, full: T) -> T {
        match self {
            Self::Brief => brief,
            Self::Full => full,
        }
    }

    pub(crate) fn pace(self) -> Pace {
        self.choose(
            Pace {
                rounds: 3,
                batch: Duration::from_millis(5),
            },
            Pace {
                rounds: 9,
                batch: Duration::from_millis(200),
            },
        )
    }
}
