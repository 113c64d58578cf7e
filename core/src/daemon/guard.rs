//! [`Guard`]: whether what was read can be believed (spec 04, section 9.4).
//!
//! A database that was flushed, that evicted a key or that was restarted empty looks like one whose flags were all
//! deleted. Flags are hardly ever deleted all at once, and a service that believes it would give its defaults until
//! somebody writes again. So what has vanished altogether is kept, and what has vanished for the most part is kept
//! until a second look.

use std::time::Duration;

use tokio::time::Instant;

use crate::model::DataKind;

/// From so many items on, nobody deletes them all.
const MANY: usize = 10;
/// So long must few items be gone to be gone.
const PATIENCE: Duration = Duration::from_secs(60);

/// How what was read compares to what there is, for one kind of items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sizes {
    pub(super) kind: DataKind,
    /// How many items there are.
    pub(super) before: usize,
    /// How many were read.
    pub(super) now: usize,
    /// How many of those that there are were not read.
    pub(super) vanished: usize,
}

/// What has been lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// What was read can be taken over, but for these kinds of items, which are kept as they were.
    Of(Vec<DataKind>),
    /// So much that a second look is needed.
    Unconfirmed,
}

impl Loss {
    /// The kinds of items to be kept as they were.
    pub(super) fn kept(&self) -> &[DataKind] {
        match self {
            Self::Of(kinds) => kinds,
            Self::Unconfirmed => &DataKind::READ_ORDER,
        }
    }
}

#[derive(Debug)]
pub(super) struct Guard {
    accept_empty: bool,
    /// Since when there is nothing of a kind that there was little of, although the marker is there.
    empty_since: Option<Instant>,
    /// Whether the next look is the second one.
    suspicious: bool,
    /// Whether the present loss was worth a warning already.
    warned: bool,
}

impl Guard {
    pub(super) fn new(accept_empty: bool) -> Self {
        Self { accept_empty, empty_since: None, suspicious: false, warned: false }
    }

    /// `initialized` tells whether the marker of a complete data set was read.
    pub(super) fn judge(&mut self, sizes: &[Sizes], initialized: bool, now: Instant) -> Loss {
        if self.accept_empty {
            return Loss::Of(Vec::new());
        }
        let shrunken =
            sizes.iter().any(|kind| kind.now > 0 && kind.vanished >= MANY && kind.vanished * 2 > kind.before);
        if shrunken && !self.suspicious {
            self.suspicious = true;
            tracing::debug!("most of what the data store held is gone; a second look follows");
            return Loss::Unconfirmed;
        }
        self.suspicious = false;
        let emptied: Vec<&Sizes> = sizes.iter().filter(|kind| kind.before > 0 && kind.now == 0).collect();
        if emptied.is_empty() {
            (self.empty_since, self.warned) = (None, false);
            return Loss::Of(Vec::new());
        }
        let meant = initialized && emptied.iter().all(|kind| kind.before < MANY);
        if meant && now.duration_since(*self.empty_since.get_or_insert(now)) >= PATIENCE {
            (self.empty_since, self.warned) = (None, false);
            return Loss::Of(Vec::new());
        }
        if !self.warned {
            self.warned = true;
            tracing::warn!(initialized, "the data store has lost what it held; what is known goes on being used");
        }
        Loss::Of(emptied.into_iter().map(|kind| kind.kind).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(before: usize, now: usize) -> Sizes {
        Sizes { kind: DataKind::Flag, before, now, vanished: before.saturating_sub(now) }
    }

    const ALL_THERE: Sizes = Sizes { kind: DataKind::Segment, before: 3, now: 3, vanished: 0 };

    fn taken() -> Loss {
        Loss::Of(Vec::new())
    }

    fn flags_kept() -> Loss {
        Loss::Of(vec![DataKind::Flag])
    }

    #[tokio::test(start_paused = true)]
    async fn many_items_that_vanish_are_kept_whatever_the_marker_says() {
        for initialized in [false, true] {
            let mut guard = Guard::new(false);
            for _ in 0..10 {
                tokio::time::advance(PATIENCE).await;
                assert_eq!(guard.judge(&[flags(MANY, 0), ALL_THERE], initialized, Instant::now()), flags_kept());
            }
            assert_eq!(guard.judge(&[flags(MANY, 1), ALL_THERE], initialized, Instant::now()), taken());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn few_items_that_vanish_are_kept_for_a_minute_if_the_marker_is_there_and_for_good_if_not() {
        let mut guard = Guard::new(false);
        assert_eq!(guard.judge(&[flags(9, 0)], true, Instant::now()), flags_kept());
        tokio::time::advance(PATIENCE - Duration::from_millis(1)).await;
        assert_eq!(guard.judge(&[flags(9, 0)], true, Instant::now()), flags_kept());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(guard.judge(&[flags(9, 0)], true, Instant::now()), taken());

        let mut guard = Guard::new(false);
        assert_eq!(guard.judge(&[flags(9, 0)], false, Instant::now()), flags_kept());
        tokio::time::advance(PATIENCE * 60).await;
        assert_eq!(guard.judge(&[flags(9, 0)], false, Instant::now()), flags_kept());
    }

    #[tokio::test(start_paused = true)]
    async fn an_environment_that_shrinks_is_looked_at_twice() {
        let mut guard = Guard::new(false);
        assert_eq!(guard.judge(&[flags(19, 9)], true, Instant::now()), Loss::Unconfirmed);
        assert_eq!(guard.judge(&[flags(19, 9)], true, Instant::now()), taken());
        for (before, now) in [(20, 10), (19, 10), (9, 1), (0, 5)] {
            assert_eq!(guard.judge(&[flags(before, now)], true, Instant::now()), taken(), "{before} {now}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_accepts_an_empty_environment_gets_it_at_once() {
        let mut guard = Guard::new(true);
        assert_eq!(guard.judge(&[flags(1_000, 0)], false, Instant::now()), taken());
        assert_eq!(guard.judge(&[flags(1_000, 1)], false, Instant::now()), taken());
    }
}
