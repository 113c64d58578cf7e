//! [`Follower`]: repeats the copy for each change of the source.
//!
//! During an outage of the target nothing is queued: the whole set is due, and is written once the
//! target is back. An outage of the source changes nothing in the target.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval, sleep_until};
use vexil::Text;
use vexil::model::{DataKind, Item, ItemReader};
use vexil::store::StoreError;

use super::guard::Refusal;
use super::lock::Lock;
use super::plan::{self, Plan, Rules};
use super::target::{Target, Written};
use crate::exit::{Exit, Failure};
use crate::session::timed_out;
use crate::signals::Signals;
use crate::snapshot::{Snapshot, StoredText, Unreadable};
use crate::source::{Change, Follow};

/// The first delay between two attempts to write during an outage.
const FIRST_DELAY: Duration = Duration::from_secs(1);
/// The longest delay.
const LONGEST_DELAY: Duration = Duration::from_secs(30);

/// Something that people want to know.
#[derive(Debug)]
pub(crate) enum Event<'e> {
    Written {
        plan: &'e Plan,
        written: &'e Written,
        time: Duration,
    },
    Item {
        kind: DataKind,
        key: &'e Text,
        /// The version before, if the source had the item.
        before: Option<u64>,
        after: &'e StoredText,
    },
    /// The target has a newer version of an item, which the next full write replaces.
    Superseded {
        kind: DataKind,
        key: &'e Text,
        version: u64,
        stored: Option<u64>,
    },
    OutageBegan {
        side: Side,
        reason: String,
    },
    OutageEnded {
        side: Side,
    },
    /// Another program has the lock. Nothing is written until it is regained.
    LockLost,
    /// Items or the marker are gone from the target, and are written again.
    Emptied,
    /// The target would lose too much, and stays as it is.
    Refused(Refusal),
    /// The source has an item that cannot be read; the target keeps its own.
    Unreadable(&'e Unreadable),
}

/// A side of the copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Source,
    Target,
}

/// What a follower needs of the command.
pub(crate) trait Command {
    /// Reports an event.
    fn report(&mut self, event: Event<'_>) -> Result<(), Failure>;

    /// Asks whether the target may be written to although another program has filled it.
    fn approve(&mut self, refusal: Refusal) -> Result<(), Failure>;

    /// Returns the failure of a request to the target.
    fn failure(&self, error: &StoreError) -> Failure;
}

/// How a source is followed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Follower {
    pub(crate) rules: Rules,
    /// Whether the target may lose most of its flags.
    pub(crate) allow_empty: bool,
    /// Whether unreadable items are accepted from the start.
    pub(crate) tolerant: bool,
    /// How soon a newer item in the target is replaced.
    pub(crate) interval: Duration,
    /// How often the target is checked for items that are gone.
    pub(crate) check_interval: Duration,
    /// The time limit. `None`: there is none.
    pub(crate) limit: Option<Duration>,
}

/// Copies each change of the source until the end is requested.
pub(crate) async fn follow(
    follower: Follower,
    mut changes: Follow,
    target: &Target,
    lock: &mut Option<Lock>,
    mut signals: Signals,
    command: &mut dyn Command,
) -> Result<Exit, Failure> {
    let mut state = State {
        follower,
        target,
        command,
        latest: None,
        last_written: None,
        is_due: false,
        attempt_at: None,
        delay: FIRST_DELAY,
        has_outage: false,
        superseded: HashSet::new(),
        refused: false,
        reader: ItemReader::new(true),
    };
    let mut check = interval(follower.check_interval);
    check.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first tick is immediate.
    check.tick().await;
    let mut timed_out = std::pin::pin!(timed_out(follower.limit));
    loop {
        let attempt_at = state.attempt_at;
        // A write is never interrupted: it is not part of what is waited for.
        tokio::select! {
            exit = signals.requested() => return Ok(exit),
            failure = &mut timed_out => return Err(failure),
            change = changes.next() => state.take(change?).await?,
            () = until(attempt_at) => {
                state.is_due = true;
                state.write().await?;
            }
            _ = check.tick() => state.check().await?,
            () = lost(lock) => {
                state.command.report(Event::LockLost)?;
                tokio::select! {
                    exit = signals.requested() => return Ok(exit),
                    failure = &mut timed_out => return Err(failure),
                    () = regained(lock) => {}
                }
                state.is_due = true;
                state.write().await?;
            }
        }
    }
}

async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time.into()).await,
        None => std::future::pending().await,
    }
}

async fn lost(lock: &mut Option<Lock>) {
    match lock {
        Some(lock) => lock.lost().await,
        None => std::future::pending().await,
    }
}

async fn regained(lock: &mut Option<Lock>) {
    match lock {
        Some(lock) => lock.regained().await,
        None => std::future::pending().await,
    }
}

struct State<'s> {
    follower: Follower,
    target: &'s Target,
    command: &'s mut dyn Command,
    /// What the source contains.
    latest: Option<Snapshot>,
    /// What the target contained after the last write.
    last_written: Option<Snapshot>,
    /// Whether changes were not written, so that everything must be.
    is_due: bool,
    /// When everything is written, at the latest.
    attempt_at: Option<Instant>,
    /// The delay before the next attempt but one.
    delay: Duration,
    /// Whether the target cannot be reached.
    has_outage: bool,
    /// The items of which the target has had a newer version, which are reported once.
    superseded: HashSet<(DataKind, Text)>,
    /// Whether the source's current contents are refused.
    refused: bool,
    reader: ItemReader,
}

impl State<'_> {
    async fn take(&mut self, change: Change) -> Result<(), Failure> {
        match change {
            Change::Whole(snapshot) => {
                self.latest = Some(snapshot);
                self.is_due = true;
                self.refused = false;
                if self.has_outage {
                    // The next attempt writes it.
                    return Ok(());
                }
                self.write().await
            }
            Change::Item { kind, key, item } => self.take_item(kind, key, item).await,
            Change::OutageBegan(reason) => self.command.report(Event::OutageBegan {
                side: Side::Source,
                reason,
            }),
            Change::OutageEnded => self
                .command
                .report(Event::OutageEnded { side: Side::Source }),
        }
    }

    async fn take_item(
        &mut self,
        kind: DataKind,
        key: Text,
        item: StoredText,
    ) -> Result<(), Failure> {
        let latest = self.latest.get_or_insert_default();
        let before = latest.of_mut(kind).insert(key.clone(), item.clone());
        if self.refused {
            self.is_due = true;
            return self.write().await;
        }
        if self.is_due {
            return Ok(());
        }
        let read = plan::item(kind, &key, &item, item.version, &mut self.reader);
        let read: Item = match read {
            Ok(read) => read,
            Err(unreadable) => return self.command.report(Event::Unreadable(&unreadable)),
        };
        match self.target.upsert(read).await {
            Ok(None) => {
                if let Some(written) = &mut self.last_written {
                    written.of_mut(kind).insert(key.clone(), item.clone());
                }
                self.command.report(Event::Item {
                    kind,
                    key: &key,
                    before: before.filter(|before| !before.deleted).map(|it| it.version),
                    after: &item,
                })
            }
            Ok(Some(stored)) => {
                let in_time = Instant::now() + self.follower.interval;
                self.attempt_at = Some(self.attempt_at.map_or(in_time, |at| at.min(in_time)));
                if !self.superseded.insert((kind, key.clone())) {
                    return Ok(());
                }
                self.command.report(Event::Superseded {
                    kind,
                    key: &key,
                    version: item.version,
                    stored,
                })
            }
            // The other changes are written.
            Err(error @ StoreError::TooLarge { .. }) => {
                self.command.report(Event::Unreadable(&Unreadable {
                    kind,
                    key,
                    error: error.to_string(),
                }))
            }
            Err(error) => self.failed(&error),
        }
    }

    /// Makes the target contain what the source contains.
    async fn write(&mut self) -> Result<(), Failure> {
        self.attempt_at = None;
        let Some(latest) = &self.latest else {
            self.is_due = false;
            return Ok(());
        };
        let begun = Instant::now();
        let before = match self.target.read().await {
            Ok(before) => before,
            Err(error) => return self.failed(&error),
        };
        let plan = Plan::new(latest, &before, self.follower.rules);
        let is_first = self.last_written.is_none();
        if is_first && !plan.unreadable.is_empty() && !self.follower.tolerant {
            return Err(unreadable(&plan.unreadable));
        }
        for item in &plan.unreadable {
            self.command.report(Event::Unreadable(item))?;
        }
        if let Some(refusal) = Refusal::of_loss(&plan).filter(|_| !self.follower.allow_empty) {
            if is_first {
                return Err(refusal.failure());
            }
            self.works()?;
            self.is_due = false;
            self.refused = true;
            return self.command.report(Event::Refused(refusal));
        }
        if is_first && let Some(refusal) = Refusal::of_first_write(&plan, &before) {
            self.command.approve(refusal)?;
        }
        let is_current = before.initialized == Some(true)
            && !plan.removes(&before)
            && plan.changes(&before).next().is_none();
        if !is_current || is_first {
            let written = if is_current {
                Written::default()
            } else {
                match self.target.update(&plan, &before).await {
                    Ok(written) => written,
                    Err(error) => return self.failed(&error),
                }
            };
            self.works()?;
            self.command.report(Event::Written {
                plan: &plan,
                written: &written,
                time: begun.elapsed(),
            })?;
        } else {
            self.works()?;
        }
        self.is_due = false;
        self.refused = false;
        self.superseded.clear();
        self.last_written = Some(plan.contents);
        Ok(())
    }

    /// Writes everything again if the target has lost items or the marker.
    async fn check(&mut self) -> Result<(), Failure> {
        let (false, Some(written)) = (self.is_due, &self.last_written) else {
            return Ok(());
        };
        let there = match self.target.read().await {
            Ok(there) => there,
            Err(error) => return self.failed(&error),
        };
        let has_lost = written
            .items()
            .any(|(kind, key, _)| !there.of(kind).contains_key(key));
        if !has_lost && there.initialized == Some(true) {
            return Ok(());
        }
        self.command.report(Event::Emptied)?;
        self.is_due = true;
        self.write().await
    }

    /// The target did not take a write.
    fn failed(&mut self, error: &StoreError) -> Result<(), Failure> {
        if !error.is_temporary() && self.last_written.is_none() {
            return Err(self.command.failure(error));
        }
        self.is_due = true;
        self.attempt_at = Some(Instant::now() + self.delay);
        self.delay = (self.delay * 2).min(LONGEST_DELAY);
        if std::mem::replace(&mut self.has_outage, true) {
            return Ok(());
        }
        let reason = self.command.failure(error).message;
        self.command.report(Event::OutageBegan {
            side: Side::Target,
            reason,
        })
    }

    /// The target has taken a write, or answered.
    fn works(&mut self) -> Result<(), Failure> {
        self.delay = FIRST_DELAY;
        if !std::mem::take(&mut self.has_outage) {
            return Ok(());
        }
        self.command
            .report(Event::OutageEnded { side: Side::Target })
    }
}

/// The failure of items that cannot be read.
pub(crate) fn unreadable(items: &[Unreadable]) -> Failure {
    let named: Vec<_> = items.iter().map(described).take(3).collect();
    let more = items.len() - named.len();
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    Failure::new(
        Exit::Unreadable,
        format_args!(
            "nothing was written, because the source has items that cannot be read: {}{more}",
            named.join("; ")
        ),
    )
    .help("\"vexil check\" shows what is wrong; --tolerant copies the other items")
}

/// Names an item that cannot be read, and why.
pub(crate) fn described(item: &Unreadable) -> String {
    let Unreadable { kind, key, error } = item;
    let key = key.as_str();
    crate::output::escaped(&format!("{kind} {key:?}: {error}")).into_owned()
}
