//! [`Update`]: the meaning of a stream event or of the body of a poll.

use vexil_eval::model::{ChangeSet, Item};

/// The meaning of a stream event or a poll body.
#[derive(Debug)]
pub(crate) enum Update {
    /// These changes take effect together.
    Changes(ChangeSet),
    /// Writes or deletes one item, if its version is newer than the stored one.
    Item(Item),
    /// The data that the client has is current.
    Current,
    /// Part of changes whose end has not arrived.
    Partial,
    /// The service has dropped the changes whose end has not arrived.
    Dropped {
        /// The service's reason, for the log.
        reason: Option<String>,
    },
    /// The service is about to close the connection.
    Goodbye(Goodbye),
    /// No meaning: an unknown event, or one that is only sent to keep the connection open.
    Ignored,
}

/// The announcement that the service closes a connection.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Goodbye {
    /// The service's reason, for the log.
    pub(crate) reason: Option<String>,
    /// Whether the service regards it as not worth logging.
    pub(crate) is_silent: bool,
    /// If set, the client is to use the classic protocol for so many seconds (FDV2-6.3).
    pub(crate) fallback_seconds: Option<i64>,
}
