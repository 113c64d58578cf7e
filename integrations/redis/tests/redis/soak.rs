//! A client in daemon mode while its server is emptied and refilled at random, for a configurable
//! time.
//!
//! Short by default. `scripts/soak MINUTES` runs it longer. `VEXIL_SOAK_SECONDS` sets the duration
//! in seconds, and `VEXIL_SOAK_SEED` repeats the choices of a run.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use vexil_testing::servers::RedisServer;

use crate::refills::{
    FLAGS, Watch, Write, command, complete, reading, until, value, while_watched,
};

fn number_in(variable: &str) -> Option<u64> {
    std::env::var(variable)
        .ok()
        .map(|number| number.parse().unwrap())
}

#[test]
fn known_flags_never_return_defaults_during_random_server_faults() {
    let time = Duration::from_secs(number_in("VEXIL_SOAK_SECONDS").unwrap_or(5));
    let seed = number_in("VEXIL_SOAK_SEED").unwrap_or_else(|| fastrand::u64(..));
    let mut random = fastrand::Rng::with_seed(seed);
    let server = RedisServer::start().unwrap();
    let client = reading(&server);
    let (watch, start) = (Watch::default(), Instant::now());
    let (mut version, mut losses, mut restarts) = (1, 0, 0);
    println!("soak: {time:?}, seed {seed}");
    while_watched(&client, &watch, || {
        while start.elapsed() < time {
            // Any number of losses, each followed by a partial refill, and a complete refill at the
            // end.
            for part in (0..random.usize(1..4)).rev() {
                version += 1;
                losses += 1;
                if random.u8(..10) == 0 {
                    restarts += 1;
                    server.kill();
                    server.restart().unwrap();
                } else {
                    server.command(["FLUSHALL"]).unwrap();
                }
                refill(&server, &mut random, version, part == 0);
                assert_eq!(
                    watch.missing.load(Ordering::Relaxed),
                    0,
                    "seed {seed}, version {version}"
                );
            }
            until("the refill is complete", || {
                (0..FLAGS).all(|flag| value(&client, flag) == i64::from(version))
                    && !client.data_store_status().status().stale
            });
        }
    });
    let (evaluations, missing) = (watch.evaluations.into_inner(), watch.missing.into_inner());
    println!(
        "soak: {evaluations} evaluations, {missing} defaults, {losses} losses, {restarts} of them restarts"
    );
    assert_eq!(missing, 0, "seed {seed}");
}

/// Writes the data set in a random order and at a random pace; unless `whole`, only a part of it
/// without the marker.
fn refill(server: &RedisServer, random: &mut fastrand::Rng, version: u32, whole: bool) {
    let mut writes = complete();
    random.shuffle(&mut writes);
    if !whole {
        writes.retain(|write| !matches!(write, Write::Marker));
        writes.truncate(random.usize(..writes.len()));
    }
    let pause = Duration::from_micros(
        *random
            .choice([0, 0, 300, 3_000, 30_000].iter())
            .unwrap_or(&0),
    );
    if random.u8(..4) == 0 && whole {
        // Atomically, as most writers do at their start.
        let writes = writes.iter().map(|write| command(*write, version));
        server.command(["FLUSHALL"]).unwrap();
        transaction(server, writes);
        return;
    }
    for write in writes {
        server.command(command(write, version)).unwrap();
        thread::sleep(pause);
    }
}

/// Runs all commands atomically, by a script.
fn transaction(server: &RedisServer, commands: impl Iterator<Item = Vec<String>>) {
    let script = "local at = 1\nwhile at <= #ARGV do\n local count = tonumber(ARGV[at])\n redis.call(unpack(ARGV, at + 1, at + count))\n at = at + count + 1\nend";
    let words =
        commands.flat_map(|command| std::iter::once(command.len().to_string()).chain(command));
    let call: Vec<String> = ["EVAL".to_owned(), script.to_owned(), "0".to_owned()]
        .into_iter()
        .chain(words)
        .collect();
    server.command(call).unwrap();
}
