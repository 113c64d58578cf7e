//! The newest official Rust SDK beside ours. `bench/src/peers/mod.rs` describes the argument and the
//! output.

use std::error::Error;
use std::hint::black_box;
use std::io::{self, Read as _};
use std::time::{Duration, Instant};
use std::{process, thread};

use launchdarkly_server_sdk::{
    Client, ConfigBuilder, Context, DataSystemBuilder, FlagDetailConfig, NullEventProcessorBuilder,
    ServiceEndpointsBuilder, version_string,
};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Options {
    url: String,
    data_system: bool,
    events: bool,
    contexts: Vec<Context>,
    flags: Vec<String>,
    state: bool,
    warm: f64,
    seconds: f64,
}

fn main() -> Result<(), Box<dyn Error>> {
    // Ends this process after two minutes, even if the benchmark was killed.
    thread::spawn(|| {
        thread::sleep(Duration::from_secs(120));
        process::exit(1);
    });
    let argument = std::env::args().nth(1).ok_or("an argument is missing")?;
    let options: Options = serde_json::from_str(&argument)?;
    let user = options.contexts.first();

    println!(
        "{}",
        json!({"about": format!("Rust SDK {}", version_string())})
    );
    io::stdin().read_line(&mut String::new())?;
    let begun = Instant::now();
    let client = options.start()?;
    println!("{}", json!({"started": begun.elapsed().as_secs_f64()}));

    for (flag, user) in options.flags.iter().zip(user.into_iter().cycle()) {
        let answer = client.bool_variation(user, flag, false);
        let mut line = options.measure(|calls| {
            for context in options.contexts.iter().cycle().take(calls) {
                black_box(client.bool_variation(context, flag, false));
            }
        });
        line["answer"] = answer.into();
        println!("{line}");
    }
    if let (true, Some(user)) = (options.state, user) {
        let state = || client.all_flags_detail(user, FlagDetailConfig::new());
        let mut line = options.measure(|calls| {
            for _ in 0..calls {
                black_box(state());
            }
        });
        let values = serde_json::to_value(state())?;
        // The values of the flags are beside the properties `$flagsState` and `$valid`.
        let names = values
            .as_object()
            .into_iter()
            .flat_map(|values| values.keys());
        line["answer"] = names.filter(|name| !name.starts_with('$')).count().into();
        println!("{line}");
    }
    io::stdin().read_to_end(&mut Vec::new())?;
    client.close();
    Ok(())
}

impl Options {
    /// Starts a client, and waits until it has flags.
    fn start(&self) -> Result<Client, Box<dyn Error>> {
        let mut config = ConfigBuilder::new("sdk-key")
            .service_endpoints(ServiceEndpointsBuilder::new().relay_proxy(&self.url));
        if self.data_system {
            config = config.data_system(&DataSystemBuilder::default());
        }
        if !self.events {
            config = config.event_processor(&NullEventProcessorBuilder::new());
        }
        let client = Client::build(config.build()?)?;
        client.start_with_runtime()?;
        let waiting = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()?;
        match waiting.block_on(client.wait_for_initialization(Duration::from_secs(60))) {
            Some(true) => Ok(client),
            _ => Err("the client received no flags".into()),
        }
    }

    /// Doubles the calls until they take as long as the warm-up, and then times as many as fit into
    /// the given seconds.
    fn measure(&self, run: impl Fn(usize)) -> Value {
        let clock = |calls| {
            let begun = Instant::now();
            run(calls);
            begun.elapsed().as_secs_f64()
        };
        let (mut calls, mut made, mut seconds) = (1, 1, clock(1));
        while seconds < self.warm {
            calls *= 2;
            made += calls;
            seconds = clock(calls);
        }
        calls = ((calls as f64 * self.seconds / seconds) as usize).max(1);
        json!({"calls": calls, "made": made + calls, "seconds": clock(calls)})
    }
}
