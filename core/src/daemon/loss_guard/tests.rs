use super::*;

/// A guard and the numbers of items missing from the previous snapshot.
struct Database {
    guard: Guard,
    missing: [usize; 2],
}

const KINDS: [DataKind; 2] = [DataKind::Flag, DataKind::Segment];

/// For each kind: how many items are known, and how many of them the snapshot holds.
type Read = [(usize, usize); 2];

impl Database {
    /// A database whose marker, if it has one, was seen.
    fn new(has_marker: bool) -> Self {
        let mut database = Self {
            guard: Guard::new(false),
            missing: [0, 0],
        };
        assert_eq!(
            database.read([(0, 0), (0, 0)], has_marker),
            Verdict::Deleted
        );
        database
    }

    fn read(&mut self, read: Read, has_marker: bool) -> Verdict {
        let before = self.missing;
        self.missing = read.map(|(known, read)| known - read);
        let sizes = [0, 1].map(|kind| {
            let ((known, read), missing) = (read[kind], self.missing[kind]);
            (
                KINDS[kind],
                Sizes {
                    known,
                    read,
                    missing,
                    returned: before[kind].saturating_sub(missing),
                },
            )
        });
        self.guard.judge(&sizes, has_marker, Instant::now())
    }

    /// After how long a snapshot is accepted if the database stays unchanged. `None` means never.
    async fn believed_after(&mut self, read: Read, has_marker: bool) -> Option<Duration> {
        let start = Instant::now();
        match self.read(read, has_marker) {
            Verdict::Deleted => return Some(Duration::ZERO),
            Verdict::Kept { until: None } => {
                tokio::time::advance(Duration::from_secs(24 * 3600)).await;
                assert_eq!(self.read(read, has_marker), Verdict::Kept { until: None });
                return None;
            }
            Verdict::Kept { until: Some(until) } => {
                // Refreshes in between, caused by change notifications, do not shorten the delay.
                for _ in 0..3 {
                    tokio::time::advance((until - Instant::now()) / 2).await;
                    assert_eq!(
                        self.read(read, has_marker),
                        Verdict::Kept { until: Some(until) }
                    );
                }
                tokio::time::advance(until - Instant::now()).await;
            }
        }
        assert_eq!(self.read(read, has_marker), Verdict::Deleted);
        Some(start.elapsed())
    }
}

const ALL_THERE: (usize, usize) = (3, 3);

#[tokio::test(start_paused = true)]
async fn the_delay_before_missing_items_count_as_deleted_depends_on_their_number() {
    let (never, minute, moment, at_once) = (
        None,
        Some(LOSS_DELAY),
        Some(CONFIRMATION_DELAY),
        Some(Duration::ZERO),
    );
    for (had_marker, has_marker, read, expected) in [
        // All flags.
        (true, true, [(10, 0), ALL_THERE], never),
        (true, true, [(9, 0), ALL_THERE], minute),
        (true, false, [(9, 0), ALL_THERE], never),
        (false, false, [(9, 0), ALL_THERE], never),
        // All segments.
        (true, true, [(30, 30), (10, 0)], never),
        (true, true, [(30, 30), (2, 0)], minute),
        // All of both: few of each and many together.
        (true, true, [(6, 0), (6, 0)], never),
        (true, true, [(4, 0), (4, 0)], minute),
        // Most flags.
        (true, true, [(30, 14), ALL_THERE], minute),
        (true, true, [(30, 1), ALL_THERE], minute),
        (true, true, [(3, 1), ALL_THERE], minute),
        (false, false, [(30, 14), ALL_THERE], moment),
        (false, false, [(3, 1), ALL_THERE], at_once),
        // Most segments.
        (true, true, [(30, 30), (5, 2)], minute),
        // Together more than ten, each fewer.
        (false, false, [(12, 3), (6, 1)], moment),
        // Half of the flags.
        (true, true, [(30, 15), ALL_THERE], moment),
        (true, true, [(2, 1), ALL_THERE], moment),
        (false, false, [(30, 15), ALL_THERE], at_once),
        // Only the marker is missing.
        (true, false, [(30, 30), ALL_THERE], never),
        // Nothing is missing.
        (false, true, [(30, 30), ALL_THERE], at_once),
        (false, false, [(0, 0), (0, 0)], at_once),
    ] {
        let mut database = Database::new(had_marker);
        let found = database.believed_after(read, has_marker).await;
        assert_eq!(
            found, expected,
            "had a marker: {had_marker}, has one: {has_marker}, {read:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_refill_ends_when_no_item_has_come_back_for_a_minute() {
    for had_marker in [false, true] {
        let mut database = Database::new(had_marker);
        database.read([(30, 0), ALL_THERE], had_marker);
        for read in 1..29 {
            tokio::time::advance(LOSS_DELAY - Duration::from_secs(1)).await;
            let kept = Verdict::Kept {
                until: Some(Instant::now() + LOSS_DELAY),
            };
            assert_eq!(
                database.read([(30, read), ALL_THERE], had_marker),
                kept,
                "{read} of 30"
            );
        }
        assert_eq!(
            database
                .believed_after([(30, 28), ALL_THERE], had_marker)
                .await,
            Some(LOSS_DELAY)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_marker_that_returns_before_the_last_items_does_not_delete_them() {
    let mut database = Database::new(true);
    assert_eq!(
        database.read([(30, 20), ALL_THERE], false),
        Verdict::Kept { until: None }
    );
    tokio::time::advance(LOSS_DELAY * 2).await;
    let kept = Verdict::Kept {
        until: Some(Instant::now() + LOSS_DELAY),
    };
    assert_eq!(database.read([(30, 20), ALL_THERE], true), kept);
    assert_eq!(database.read([(30, 30), ALL_THERE], true), Verdict::Deleted);
}

#[tokio::test(start_paused = true)]
async fn an_item_that_returns_while_few_are_missing_proves_a_refill() {
    let mut database = Database::new(true);
    let until = Some(Instant::now() + CONFIRMATION_DELAY);
    assert_eq!(
        database.read([(30, 20), ALL_THERE], true),
        Verdict::Kept { until }
    );
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(
        database.believed_after([(30, 21), ALL_THERE], true).await,
        Some(LOSS_DELAY)
    );
}

#[tokio::test(start_paused = true)]
async fn with_accept_empty_every_snapshot_is_accepted_at_once() {
    let mut guard = Guard::new(true);
    let lost = Sizes {
        known: 1_000,
        read: 0,
        missing: 1_000,
        returned: 0,
    };
    for (read, has_marker) in [(1_000, true), (0, false), (1, false)] {
        let sizes = Sizes { read, ..lost };
        assert_eq!(
            guard.judge(&[(DataKind::Flag, sizes)], has_marker, Instant::now()),
            Verdict::Deleted
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_item_that_returns_restarts_the_time_even_if_another_one_goes_missing() {
    let mut guard = Guard::new(false);
    let mut until = |returned| {
        let sizes = Sizes {
            known: 20,
            read: 15,
            missing: 5,
            returned,
        };
        match guard.judge(&[(DataKind::Flag, sizes)], true, Instant::now()) {
            Verdict::Kept { until } => until,
            Verdict::Deleted => None,
        }
    };
    assert_eq!(until(0), Some(Instant::now() + CONFIRMATION_DELAY));
    tokio::time::advance(CONFIRMATION_DELAY / 2).await;
    assert_eq!(until(1), Some(Instant::now() + LOSS_DELAY));
}

#[test]
fn the_sizes_of_several_kinds_add_up() {
    let sizes = |[known, read, missing, returned]: [usize; 4]| Sizes {
        known,
        read,
        missing,
        returned,
    };
    let sum = sizes([7, 6, 3, 2]).and(&sizes([5, 8, 4, 9]));
    assert_eq!(sum, sizes([12, 14, 7, 11]));
}
