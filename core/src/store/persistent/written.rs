//! [`Written`]: finds out whether a database has lost what was written to it (STO-9.3).

use std::time::Duration;

use vexil_eval::Text;
use vexil_eval::model::DataKind;

use super::access::{ANSWER_LIMIT, Reader};
use super::{Collection, StoreError};

/// How often a database is checked for losses.
pub(super) const CHECK_INTERVAL: Duration = Duration::from_secs(15);

/// One item of each kind of a complete data set that was written. If the database lacks one of
/// them, or the marker, it has lost data.
#[derive(Clone, Debug)]
pub(super) struct Written(Vec<(DataKind, Text)>);

impl Written {
    pub(super) fn of(collections: &[Collection]) -> Self {
        let first = |collection: &Collection| {
            let (key, _) = collection.items.first()?;
            Some((collection.kind, key.clone()))
        };
        Self(collections.iter().filter_map(first).collect())
    }

    /// Whether the database has lost data.
    ///
    /// # Errors
    /// Returns an error if the database could not be read.
    pub(super) async fn is_lost(&self, reader: &Reader) -> Result<bool, StoreError> {
        if !reader.is_initialized().await? {
            return Ok(true);
        }
        for (kind, key) in &self.0 {
            if reader.get(*kind, key, ANSWER_LIMIT).await?.is_none() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
