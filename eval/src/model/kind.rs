//! [`DataKind`]: flag or segment.

use std::fmt;

/// The kinds of items.
///
/// ```
/// use vexil_eval::model::DataKind;
///
/// assert_eq!(DataKind::Flag.namespace(), "features");
/// assert_eq!(DataKind::Flag.to_string(), "flag");
/// assert_eq!(DataKind::WRITE_ORDER, [DataKind::Segment, DataKind::Flag]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a store must handle every kind of item"
)]
pub enum DataKind {
    /// Feature flags.
    Flag,
    /// Segments.
    Segment,
}

impl DataKind {
    /// The write order of stores without atomic writes: segments before the flags that refer to
    /// them.
    pub const WRITE_ORDER: [Self; 2] = [Self::Segment, Self::Flag];

    /// The read order of stores without atomic reads: flags first, so that the segments are at
    /// least as new as the flags.
    pub const READ_ORDER: [Self; 2] = [Self::Flag, Self::Segment];

    /// Returns the name of the kind in a database.
    ///
    /// ```
    /// use vexil_eval::model::DataKind;
    ///
    /// // The key of a database that other SDKs read too.
    /// let key = |prefix: &str, kind: DataKind| format!("{prefix}:{}", kind.namespace());
    /// assert_eq!(key("launchdarkly", DataKind::Flag), "launchdarkly:features");
    /// assert_eq!(key("launchdarkly", DataKind::Segment), "launchdarkly:segments");
    /// ```
    #[must_use]
    pub fn namespace(self) -> &'static str {
        match self {
            Self::Flag => "features",
            Self::Segment => "segments",
        }
    }
}

impl fmt::Display for DataKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flag => "flag",
            Self::Segment => "segment",
        })
    }
}
