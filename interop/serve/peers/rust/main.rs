//! This SDK as a peer. The argument is `{url, fdv2, polling, context}`; `../lines.mjs` has the commands.

use std::error::Error;
use std::io::{self, Write};
use std::time::Duration;
use std::{env, thread};

use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use vexil::client::FlagsStateOptions;
use vexil::config::{DataSystem, PollingConfig, ServiceEndpoints};
use vexil::{Client, Context, Value};

const TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Deserialize)]
struct Options {
    url: String,
    fdv2: bool,
    polling: bool,
    context: Context,
}

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
enum Command {
    Values { context: Context },
    Await { flag: String, value: Value },
    Evaluate { flag: String, times: u32 },
    Identify { context: Context },
    Track { event: String },
    Flush,
}

struct Peer {
    client: Client,
    context: Context,
}

fn main() -> Result<(), Box<dyn Error>> {
    let argument = env::args().nth(1).ok_or("the argument is missing")?;
    let options: Options = serde_json::from_str(&argument)?;
    let mut builder =
        Client::builder("sdk-key").service_endpoints(ServiceEndpoints::relay(options.url.as_str()));
    if options.polling {
        builder = builder.data_source(PollingConfig::new());
    }
    if options.fdv2 {
        builder = builder.data_system(DataSystem::new());
    }
    let client = builder.start()?;
    client.blocking_wait_until_ready(TIMEOUT)?;
    let peer = Peer {
        client,
        context: options.context,
    };
    print(&json!({}))?;
    for line in io::stdin().lines() {
        print(&peer.answer(serde_json::from_str(&line?)?))?;
    }
    Ok(())
}

fn print(answer: &Json) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{answer}")
}

impl Peer {
    fn answer(&self, command: Command) -> Json {
        match command {
            Command::Values { context } => return self.values(&context),
            Command::Await { flag, value } => {
                while self.value(&flag) != value {
                    thread::sleep(Duration::from_millis(2));
                }
            }
            Command::Evaluate { flag, times } => {
                for _ in 0..times {
                    self.value(&flag);
                }
            }
            Command::Identify { context } => self.client.identify(&context),
            Command::Track { event } => self.client.track(&event, &self.context),
            Command::Flush => self.client.flush(),
        }
        json!({})
    }

    fn value(&self, flag: &str) -> Value {
        self.client.json_variation(flag, &self.context, Value::Null)
    }

    fn values(&self, context: &Context) -> Json {
        let state = self
            .client
            .all_flags_state(context, FlagsStateOptions::default());
        let detail = |flag: &str| {
            let detail = self
                .client
                .json_variation_detail(flag, context, Value::Null);
            json!({"value": detail.value, "variation": detail.variation_index, "reason": detail.reason})
        };
        state
            .values()
            .map(|(flag, _)| (flag.to_string(), detail(flag)))
            .collect::<Map<_, _>>()
            .into()
    }
}
