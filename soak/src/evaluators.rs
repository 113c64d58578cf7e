//! Threads that evaluate flags and check every value.

use std::sync::atomic::Ordering;
use std::time::Duration;

use fastrand::Rng;
use vexil::Context;
use vexil::eval::BigSegmentsStatus;

use crate::checker::{DEFAULT, Membership, Seen};
use crate::environment::Item;
use crate::modes::{Mode, ada, context};
use crate::relay::{Failure, MEMBERS, Relay, member};
use crate::stop::Stop;

/// Threads for each mode.
pub(crate) const THREADS: u64 = 2;

/// Evaluations between two pauses.
const BURST: usize = 40;
/// At most 1,000 evaluations a second and thread, so that all modes together use about one core.
const PAUSE: Duration = Duration::from_millis(40);

/// Evaluates random flags until it is stopped.
pub(crate) fn run(mode: &Mode, relay: &Relay, seed: u64, stop: &Stop) -> Result<(), Failure> {
    let mut random = Rng::with_seed(seed);
    let mut items: Vec<Item> = Item::regular().chain([Item::temporary()]).collect();
    if mode.has_big_segments {
        items.push(Item::lounge());
    }
    let ada = ada()?;
    let members = (0..MEMBERS)
        .map(|number| context(member(number)))
        .collect::<Result<Vec<_>, _>>()?;
    while !stop.wait(PAUSE) {
        // New contexts all the time, as of an application with many users.
        let stranger = context(format!("stranger-{}", random.u32(..)))?;
        for _ in 0..BURST {
            let item = random.choice(&items).copied().unwrap_or(Item::temporary());
            if item == Item::lounge() && random.bool() {
                let outside = Membership::Outsider;
                evaluate(mode, relay, item, &stranger, outside);
            } else if item == Item::lounge() {
                let inside = Membership::Member { was_read: true };
                let context = random.choice(&members).unwrap_or(&ada);
                evaluate(mode, relay, item, context, inside);
            } else {
                let context = if random.u16(..400) == 0 {
                    &stranger
                } else {
                    &ada
                };
                evaluate(mode, relay, item, context, Membership::Irrelevant);
            }
        }
        if random.u8(..5) == 0 {
            mode.client.track("soak", &ada);
            mode.counters.custom.fetch_add(1, Ordering::Relaxed);
        }
    }
    Ok(())
}

fn evaluate(mode: &Mode, relay: &Relay, item: Item, context: &Context, membership: Membership) {
    let (counters, checker) = (&mode.counters, &mode.checker);
    let before = (checker.newest(item), relay.redis.losses.now());
    let detail = mode
        .client
        .str_variation_detail(&item.key(), context, DEFAULT);
    counters.evaluations.fetch_add(1, Ordering::Relaxed);
    counters.count(item);
    let membership = match membership {
        Membership::Member { .. } => Membership::Member {
            // With any other status it may be the last known one, perhaps from during a loss.
            was_read: detail.reason.big_segments_status == Some(BigSegmentsStatus::Healthy),
        },
        other => other,
    };
    match checker.check(&relay.environment, item, &detail.value, membership, before) {
        Ok((seen, is_newer)) => {
            // A prerequisite that is missing is not evaluated.
            if let (Seen::Whole(_), Some(other)) = (seen, item.prerequisite()) {
                counters.count(other);
            }
            counters
                .changes
                .fetch_add(u64::from(is_newer), Ordering::Relaxed);
        }
        Err(wrong) => counters.wrong(wrong, || {
            format!(
                "{} returned {:?} after {}, reason {:?}, current {}",
                item.key(),
                detail.value,
                before.0,
                detail.reason,
                relay.environment.version(item)
            )
        }),
    }
}
