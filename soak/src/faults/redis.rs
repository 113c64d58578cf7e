//! Faults of the Redis server: it is suspended, or loses its data and is refilled.

use std::time::Duration;

use fastrand::Rng;

use crate::environment::Item;
use crate::relay::{Failure, Relay};
use crate::stop::Stop;

/// A write of a refill.
#[derive(Clone, Copy, Debug)]
enum Write {
    Item(Item),
    Memberships,
    Marker,
}

pub(super) fn inject(relay: &Relay, random: &mut Rng, stop: &Stop) -> Result<String, Failure> {
    let redis = &relay.redis;
    // The relay writes nothing until the database is complete again.
    let exclusive = redis.lock();
    let kind = random.u8(..8);
    if kind == 0 {
        redis.server.pause()?;
        stop.wait(Duration::from_millis(random.u64(100..3_000)));
        redis.server.resume()?;
        exclusive.complete(&relay.environment)?;
        return Ok("Redis: suspended".to_owned());
    }
    redis.losses.begin();
    if kind == 1 {
        let items: Vec<_> = Item::regular().collect();
        for item in random.choose_multiple(&items, 3) {
            exclusive.corrupt(*item)?;
        }
        stop.wait(Duration::from_millis(random.u64(100..2_000)));
        exclusive.complete(&relay.environment)?;
        redis.losses.end();
        return Ok("Redis: corrupt items".to_owned());
    }
    // Any number of losses, each followed by a partial refill, and a complete one at the end.
    let mut kinds = Vec::new();
    for part in (0..random.usize(1..4)).rev() {
        if random.u8(..4) == 0 {
            redis.server.kill();
            stop.wait(Duration::from_millis(random.u64(1..1_000)));
            redis.server.restart()?;
            kinds.push("restarted empty");
        } else {
            redis.server.command(["FLUSHALL"])?;
            kinds.push("flushed");
        }
        stop.wait(Duration::from_millis(random.u64(1..1_500)));
        refill(relay, &exclusive, random, part == 0)?;
        if part > 0 {
            kinds.push("half filled");
            stop.wait(Duration::from_millis(random.u64(1..1_500)));
        }
    }
    redis.losses.end();
    kinds.dedup();
    let kind = kinds.iter().find(|kind| **kind == "restarted empty");
    Ok(format!(
        "Redis: {}",
        kind.or(kinds.last()).unwrap_or(&"flushed")
    ))
}

/// Writes the data in a random order and at a random pace; unless `whole`, only a part of it,
/// without the marker of a complete data set.
fn refill(
    relay: &Relay,
    exclusive: &crate::relay::Exclusive<'_>,
    random: &mut Rng,
    whole: bool,
) -> Result<(), Failure> {
    if whole && random.u8(..4) == 0 {
        return exclusive.complete_at_once(&relay.environment);
    }
    let mut writes: Vec<_> = Item::all().map(Write::Item).collect();
    writes.push(Write::Memberships);
    let pause = Duration::from_micros(random.choice([0, 0, 300, 3_000, 30_000]).unwrap_or(0));
    // Some writers set the marker first. A client that has not observed the loss believes them
    // after 2 s, so a slow refill sets it last.
    let marker_is_last = pause > Duration::from_millis(1);
    if whole && !marker_is_last {
        writes.push(Write::Marker);
    }
    random.shuffle(&mut writes);
    if whole && marker_is_last {
        writes.push(Write::Marker);
    }
    if !whole {
        writes.truncate(random.usize(..writes.len()));
    }
    for write in writes {
        match write {
            Write::Item(item) => exclusive.put(&relay.environment, item)?,
            Write::Memberships => exclusive.memberships()?,
            Write::Marker => exclusive.mark()?,
        }
        std::thread::sleep(pause);
    }
    Ok(())
}
