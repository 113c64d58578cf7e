//! The program of our SDK.

use std::error::Error;
use std::hint::black_box;
use std::io::{self, Read as _};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::Value;
use vexil::client::FlagsStateOptions;
use vexil::config::{DataSystem, PersistentStoreConfig, ServiceEndpoints};
use vexil::store::CacheMode;
use vexil::{Client, Context};
use vexil_redis::RedisDataStore;

use super::program::{About, Started};
use super::{Options, Timed};
use crate::ours::Ours;
use crate::sdk::{START_LIMIT, Sdk as _};

pub(super) const SUBCOMMAND: &str = "beside-peers";
/// The default of the SDKs for Go and Python; that for Node.js caches for longer.
const CACHED: Duration = Duration::from_secs(15);

/// Runs the program if this process was started as such.
pub(crate) fn run(arguments: &[String]) -> Option<Result<(), Box<dyn Error>>> {
    match arguments {
        [name, options] if name == SUBCOMMAND => Some(measure_all(options)),
        _ => None,
    }
}

fn measure_all(options: &str) -> Result<(), Box<dyn Error>> {
    let options: Options = serde_json::from_str(options)?;
    let contexts: Vec<Context> = options
        .contexts
        .iter()
        .cloned()
        .map(serde_json::from_value)
        .collect::<Result<_, _>>()?;
    print(&About {
        // All crates of the workspace have one version.
        about: concat!("vexil ", env!("CARGO_PKG_VERSION")).into(),
    })?;
    io::stdin().read_line(&mut String::new())?;
    let begun = Instant::now();
    let client = start(&options)?;
    print(&Started {
        started: begun.elapsed().as_secs_f64(),
    })?;

    let user = contexts.first();
    for (flag, user) in options.flags.iter().zip(user.into_iter().cycle()) {
        let answer = Ours::bool_variation(&client, flag, user);
        let call = |calls| {
            for context in contexts.iter().cycle().take(calls) {
                black_box(Ours::bool_variation(&client, flag, context));
            }
        };
        print(&measure(&options, answer.into(), call))?;
    }
    if let (true, Some(user)) = (options.state, user) {
        let state = || client.all_flags_state(user, FlagsStateOptions::default());
        let answer = state().values().len();
        let call = |calls| (0..calls).for_each(|_| drop(black_box(state())));
        print(&measure(&options, answer.into(), call))?;
    }
    io::stdin().read_to_end(&mut Vec::new())?;
    Ours::close(client);
    Ok(())
}

fn start(options: &Options) -> Result<Client, Box<dyn Error>> {
    let mut builder =
        Client::builder("sdk-key").service_endpoints(ServiceEndpoints::relay(&options.url));
    if options.data_system {
        builder = builder.data_system(DataSystem::new());
    }
    if !options.redis.is_empty() {
        let store = RedisDataStore::builder().url(&options.redis);
        builder =
            builder.daemon_mode(PersistentStoreConfig::new(store).cache(CacheMode::Ttl(CACHED)));
    }
    if !options.events {
        builder = builder.without_events();
    }
    let client = builder.start()?;
    client.blocking_wait_until_ready(START_LIMIT)?;
    Ok(client)
}

/// Doubles the calls until they take as long as the warm-up, and then times as many as fit into the
/// seconds.
fn measure(options: &Options, answer: Value, call: impl Fn(usize)) -> Timed {
    let clock = |calls| {
        let begun = Instant::now();
        call(calls);
        begun.elapsed().as_secs_f64()
    };
    let (mut calls, mut made, mut seconds) = (1, 1, clock(1));
    while seconds < options.warm {
        calls *= 2;
        made += calls;
        seconds = clock(calls);
    }
    calls = ((calls as f64 * options.seconds / seconds) as usize).max(1);
    Timed {
        answer,
        calls: calls as u64,
        seconds: clock(calls),
        made: (made + calls) as u64,
    }
}

fn print(line: &impl Serialize) -> Result<(), Box<dyn Error>> {
    println!("{}", serde_json::to_string(line)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn every_call_is_counted_and_only_the_last_ones_are_timed() {
        let options = Options {
            warm: 1e-4,
            seconds: 2e-4,
            ..Options::default()
        };
        let made = Cell::new(0);
        let timed = measure(&options, Value::Null, |calls| {
            made.set(made.get() + calls as u64);
            for call in 0..calls {
                black_box(call);
            }
        });
        assert_eq!(timed.made, made.get());
        assert!(timed.calls < timed.made && timed.seconds > 0.0);
    }

    #[test]
    fn other_arguments_are_ignored() {
        assert!(run(&[]).is_none() && run(&["peers".into()]).is_none());
        assert!(run(&[SUBCOMMAND.into(), "{".into()]).unwrap().is_err());
    }
}
