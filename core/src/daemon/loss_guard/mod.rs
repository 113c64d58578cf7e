//! [`Guard`]: decides whether items that are missing from the database were deleted.
//!
//! A deleted flag leaves a tombstone. An item that is missing altogether was either left out of a
//! complete data set, or the database has lost it: it was flushed, evicted a key, was restarted
//! without persistence, or is being refilled one patch or one item at a time by writers that have
//! not noticed the loss. A client that removed the missing items would return defaults until the
//! refill is complete. So missing items are kept until it is clear that they were deleted, while
//! new and changed items are applied at once.
//!
//! | missing | counts as deleted |
//! | --- | --- |
//! | the marker of a complete data set, after it was seen | never; the marker has to come back first |
//! | all items of a kind, 10 items or more, or without a marker | never |
//! | all items of a kind, fewer than 10 | after a minute |
//! | more than half of the items of a kind, or of all items | after a minute |
//! | fewer items | after 2 s |
//!
//! The time starts when the set of missing items last changed. Items that come back prove that a
//! refill is under way; the remaining missing items, however few, then count as deleted after a
//! minute. A database that never had a marker proves less: if at least 10 items and more than half
//! are missing, the time is 2 s, otherwise the items are removed at once.

use std::time::Duration;

use tokio::time::Instant;
use vexil_eval::model::DataKind;

/// Losing all of at least this many items is treated as data loss, never as deletion.
const MANY: usize = 10;
/// How long items must be missing before they count as deleted, if the database may have lost them.
const LOSS_DELAY: Duration = Duration::from_secs(60);
/// The same if another process may merely be in the middle of a write.
const CONFIRMATION_DELAY: Duration = Duration::from_secs(2);

/// How a snapshot compares with the known items of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sizes {
    /// How many items are known.
    pub(super) known: usize,
    /// How many items the snapshot holds.
    pub(super) read: usize,
    /// How many known items the snapshot lacks.
    pub(super) missing: usize,
    /// How many known items the snapshot holds that the previous one lacked.
    pub(super) returned: usize,
}

impl Sizes {
    fn is_emptied(&self) -> bool {
        self.known > 0 && self.read == 0
    }

    fn is_mostly_missing(&self) -> bool {
        self.missing * 2 > self.known
    }

    fn and(self, other: &Self) -> Self {
        Self {
            known: self.known + other.known,
            read: self.read + other.read,
            missing: self.missing + other.missing,
            returned: self.returned + other.returned,
        }
    }
}

/// The decision about the missing items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Remove them: they were deleted. Also returned if nothing is missing.
    Deleted,
    /// Keep them.
    Kept {
        /// When they will count as deleted if nothing changes. `None` means never.
        until: Option<Instant>,
    },
}

#[derive(Debug)]
pub(super) struct Guard {
    accept_empty: bool,
    /// Whether the marker of a complete data set was ever read.
    had_marker: bool,
    /// The current loss, if items are missing and kept.
    loss: Option<Loss>,
}

#[derive(Debug)]
struct Loss {
    missing: usize,
    lacks_marker: bool,
    /// When the set of missing items last changed.
    since: Instant,
    /// Whether the database has probably lost data, rather than being in the middle of a write.
    is_severe: bool,
}

impl Guard {
    /// With `accept_empty`, missing items count as deleted at once.
    pub(super) fn new(accept_empty: bool) -> Self {
        Self {
            accept_empty,
            had_marker: false,
            loss: None,
        }
    }

    /// Judges a snapshot by the sizes of each kind. `has_marker` is whether it has the marker of a
    /// complete data set.
    pub(super) fn judge(
        &mut self,
        sizes: &[(DataKind, Sizes)],
        has_marker: bool,
        now: Instant,
    ) -> Verdict {
        self.had_marker |= has_marker;
        let total = sizes
            .iter()
            .fold(Sizes::default(), |total, (_, sizes)| total.and(sizes));
        let lacks_marker = self.had_marker && !has_marker;
        if self.accept_empty || (total.missing == 0 && !lacks_marker) {
            if self.loss.take().is_some_and(|loss| loss.is_severe) {
                tracing::info!("the data store has recovered its lost data");
            }
            return Verdict::Deleted;
        }
        let delay = self.delay(sizes, &total, has_marker);
        let loss = self.loss.get_or_insert(Loss {
            missing: 0,
            lacks_marker,
            since: now,
            is_severe: false,
        });
        if (loss.missing, loss.lacks_marker) != (total.missing, lacks_marker) || total.returned > 0
        {
            (loss.missing, loss.lacks_marker, loss.since) = (total.missing, lacks_marker, now);
        }
        let is_severe = total.returned > 0 || delay.is_none_or(|delay| delay >= LOSS_DELAY);
        if is_severe && !loss.is_severe {
            loss.is_severe = true;
            let Sizes { known, missing, .. } = total;
            tracing::warn!(
                known,
                missing,
                has_marker,
                "the data store has lost data; keeping the last known items"
            );
        }
        let Some(mut delay) = delay else {
            return Verdict::Kept { until: None };
        };
        if loss.is_severe {
            delay = LOSS_DELAY;
        }
        let until = loss.since + delay;
        if now < until {
            return Verdict::Kept { until: Some(until) };
        }
        tracing::info!(
            missing = total.missing,
            "removing the items that are missing from the data store"
        );
        self.loss = None;
        Verdict::Deleted
    }

    /// How long the missing items must stay missing to count as deleted. `None` means for ever.
    fn delay(
        &self,
        sizes: &[(DataKind, Sizes)],
        total: &Sizes,
        has_marker: bool,
    ) -> Option<Duration> {
        // Each kind by itself, and all kinds together.
        let each = || sizes.iter().map(|(_, sizes)| sizes).chain([total]);
        let emptied = sizes.iter().filter(|(_, sizes)| sizes.is_emptied());
        let emptied: usize = emptied.map(|(_, sizes)| sizes.known).sum();
        if !has_marker && (self.had_marker || emptied > 0) || emptied >= MANY {
            None
        } else if has_marker && each().any(Sizes::is_mostly_missing) {
            Some(LOSS_DELAY)
        } else if has_marker
            || each().any(|sizes| sizes.missing >= MANY && sizes.is_mostly_missing())
        {
            Some(CONFIRMATION_DELAY)
        } else {
            Some(Duration::ZERO)
        }
    }
}

#[cfg(test)]
mod tests;
