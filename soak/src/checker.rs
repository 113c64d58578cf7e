//! [`Checker`]: which values an evaluation may return.
//!
//! | a wrong value | unless |
//! | --- | --- |
//! | neither a value of this flag nor the default | |
//! | of a version that was never published | |
//! | older than one that an earlier evaluation returned | |
//! | the default, or as if a segment or prerequisite were missing | the flag is deleted from time to time, or the mode uses what its database holds and that has lost data |
//! | as if a context were no member of its big segment | the store has lost data, or the reason states that it could not be read |
//! | as if a context were a member of a big segment that it never was in | |

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::environment::{AT, Environment, ITEMS, Item, PART};
use crate::losses::Losses;

/// The default of all evaluations.
pub(crate) const DEFAULT: &str = "default";

/// For how long after a loss of data reads of the database may still return that it is absent.
const LATE_READS: Duration = Duration::from_secs(6);

/// Why a value is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// Neither a value of the flag nor the default.
    Foreign,
    NeverPublished,
    Older,
    Default,
    /// As if something that the flag refers to were missing.
    Incomplete,
    /// As if the context were in a big segment that it is not in.
    NoMember,
}

/// What an evaluation used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// This version, with everything that it refers to.
    Whole(u64),
    /// This version, without something that it refers to.
    Part(u64),
    Nothing,
}

/// The membership of a context in the big segment, if a flag depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Membership {
    /// The flag does not depend on a big segment.
    Irrelevant,
    /// The context is in the big segment. The reason states whether the store was read.
    Member { was_read: bool },
    /// The context was never in the big segment.
    Outsider,
}

/// Checks the evaluations of one client.
#[derive(Debug)]
pub(crate) struct Checker {
    /// The newest version that an evaluation returned, of each flag.
    newest: [AtomicU64; ITEMS],
    /// The number of losses after which each flag has been seen again.
    seen_after: [AtomicU64; ITEMS],
    /// The losses of the database that evaluations may show.
    losses: Option<&'static Losses>,
}

impl Checker {
    /// With `losses`, evaluations use what the database holds.
    pub(crate) fn new(losses: Option<&'static Losses>) -> Self {
        Self {
            newest: std::array::from_fn(|_| AtomicU64::new(0)),
            seen_after: std::array::from_fn(|_| AtomicU64::new(0)),
            losses,
        }
    }

    /// Returns the newest version of a flag that was returned so far. An evaluation that starts now
    /// must not return an older one.
    pub(crate) fn newest(&self, item: Item) -> u64 {
        self.newest
            .get(item.number())
            .map_or(0, |newest| newest.load(Ordering::SeqCst))
    }

    /// Checks a value. `newest` and `started` (time since the start of the process) are from before
    /// the evaluation. Also returns whether the version is newer than all earlier ones.
    pub(crate) fn check(
        &self,
        environment: &Environment,
        item: Item,
        value: &str,
        membership: Membership,
        (newest, started): (u64, Duration),
    ) -> Result<(Seen, bool), Wrong> {
        let seen = parse(item, value).ok_or(Wrong::Foreign)?;
        let (Seen::Whole(version) | Seen::Part(version)) = seen else {
            return match item.is_temporary() || self.may_lack(item, started) {
                true => Ok((seen, false)),
                false => Err(Wrong::Default),
            };
        };
        if !environment.has_had(item, version) {
            return Err(Wrong::NeverPublished);
        }
        if version < newest {
            return Err(Wrong::Older);
        }
        let is_part = matches!(seen, Seen::Part(_));
        match membership {
            Membership::Outsider if !is_part => return Err(Wrong::NoMember),
            Membership::Member { was_read: true } | Membership::Irrelevant
                if is_part && !self.may_lack(item, started) =>
            {
                return Err(Wrong::Incomplete);
            }
            _ => {}
        }
        if !is_part {
            self.is_present(item, started);
        }
        let is_newer = self
            .newest
            .get(item.number())
            .is_some_and(|newest| newest.fetch_max(version, Ordering::SeqCst) < version);
        Ok((seen, is_newer))
    }

    /// Whether an evaluation that began at this time may find that the flag is missing: its
    /// database has lost data, and the flag has not been seen since.
    fn may_lack(&self, item: Item, started: Duration) -> bool {
        self.losses.is_some_and(|losses| {
            let seen_after = self.seen_after.get(item.number());
            losses.may_show(started, LATE_READS)
                || seen_after.is_some_and(|seen| seen.load(Ordering::SeqCst) != losses.count())
        })
    }

    /// Remembers that a flag was seen, unless the value may be from before a loss.
    fn is_present(&self, item: Item, started: Duration) {
        let (Some(losses), Some(seen)) = (self.losses, self.seen_after.get(item.number())) else {
            return;
        };
        // Read first, so that a loss that begins now counts as not seen.
        let count = losses.count();
        if !losses.may_show(started, LATE_READS) {
            seen.store(count, Ordering::SeqCst);
        }
    }
}

/// Returns `None` if the value is not of this flag.
fn parse(item: Item, value: &str) -> Option<Seen> {
    if value == DEFAULT {
        return Some(Seen::Nothing);
    }
    let (key, version) = value.split_once(AT)?;
    if key != item.key() {
        return None;
    }
    match version.strip_suffix(PART) {
        Some(version) => version.parse().ok().map(Seen::Part),
        None => version.parse().ok().map(Seen::Whole),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Duration = Duration::ZERO;

    fn flag() -> Item {
        Item::regular().next().unwrap()
    }

    fn check(checker: &Checker, environment: &Environment, value: &str) -> Result<Seen, Wrong> {
        let before = (checker.newest(flag()), START);
        let seen = checker.check(environment, flag(), value, Membership::Irrelevant, before);
        seen.map(|(seen, _)| seen)
    }

    fn value(environment: &Environment) -> String {
        format!("flag-00@{}", environment.version(flag()))
    }

    #[test]
    fn a_value_of_another_flag_is_wrong() {
        let (checker, environment) = (Checker::new(None), Environment::new());
        for value in ["flag-01@128", "flag-00", "flag-00@", "flag-00@x", "", "128"] {
            let seen = check(&checker, &environment, value);
            assert_eq!(seen, Err(Wrong::Foreign), "{value}");
        }
    }

    #[test]
    fn a_version_that_was_never_published_is_wrong() {
        let (checker, environment) = (Checker::new(None), Environment::new());
        let version = environment.version(flag());
        for other in [version + 64, version + 1, version - 64, 0] {
            let seen = check(&checker, &environment, &format!("flag-00@{other}"));
            assert_eq!(seen, Err(Wrong::NeverPublished), "{other}");
        }
        assert_eq!(
            check(&checker, &environment, &value(&environment)),
            Ok(Seen::Whole(version))
        );
    }

    #[test]
    fn a_value_older_than_an_earlier_one_is_wrong() {
        let (checker, environment) = (Checker::new(None), Environment::new());
        let old = value(&environment);
        assert!(check(&checker, &environment, &old).is_ok());
        environment.change(flag());
        // Not wrong: the client has not received the change.
        assert!(check(&checker, &environment, &old).is_ok());
        assert!(check(&checker, &environment, &value(&environment)).is_ok());
        assert_eq!(check(&checker, &environment, &old), Err(Wrong::Older));
    }

    #[test]
    fn a_default_is_wrong_unless_the_flag_comes_and_goes() {
        let (checker, environment) = (Checker::new(None), Environment::new());
        assert_eq!(check(&checker, &environment, DEFAULT), Err(Wrong::Default));
        let before = (0, START);
        let temporary = Item::temporary();
        let seen = checker.check(
            &environment,
            temporary,
            DEFAULT,
            Membership::Irrelevant,
            before,
        );
        assert_eq!(seen, Ok((Seen::Nothing, false)));
    }

    #[test]
    fn a_value_without_its_segment_is_wrong() {
        let (checker, environment) = (Checker::new(None), Environment::new());
        let part = value(&environment) + "?";
        assert_eq!(check(&checker, &environment, &part), Err(Wrong::Incomplete));
    }

    #[test]
    fn a_default_is_allowed_until_the_flag_is_seen_after_a_loss() {
        let losses: &'static Losses = Box::leak(Box::new(Losses::new()));
        let (checker, environment) = (Checker::new(Some(losses)), Environment::new());
        let at = |value: &str, started| {
            let before = (checker.newest(flag()), started);
            let seen = checker.check(&environment, flag(), value, Membership::Irrelevant, before);
            seen.map(|(seen, _)| seen)
        };
        let now = losses.now();
        assert_eq!(at(DEFAULT, now), Err(Wrong::Default));
        losses.begin();
        assert_eq!(at(DEFAULT, now), Ok(Seen::Nothing));
        losses.end();
        // A cached value does not prove that the flag is in the database again.
        assert!(at(&value(&environment), losses.now()).is_ok());
        assert_eq!(at(DEFAULT, losses.now()), Ok(Seen::Nothing));
        let later = losses.now() + 2 * LATE_READS;
        assert_eq!(at(DEFAULT, later), Ok(Seen::Nothing));
        assert!(at(&value(&environment), later).is_ok());
        assert_eq!(at(DEFAULT, later), Err(Wrong::Default));
    }

    #[test]
    fn memberships_are_checked() {
        let (checker, environment) = (Checker::new(None), Environment::new());
        let lounge = Item::lounge();
        let inside = format!("lounge@{}", environment.version(lounge));
        let outside = format!("{inside}?");
        let check = |value: &str, membership| {
            let seen = checker.check(&environment, lounge, value, membership, (0, START));
            seen.err()
        };
        let read = Membership::Member { was_read: true };
        let unread = Membership::Member { was_read: false };
        assert_eq!(check(&inside, read), None);
        assert_eq!(check(&outside, read), Some(Wrong::Incomplete));
        assert_eq!(check(&outside, unread), None);
        assert_eq!(check(&outside, Membership::Outsider), None);
        assert_eq!(check(&inside, Membership::Outsider), Some(Wrong::NoMember));
    }
}
