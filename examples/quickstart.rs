//! Evaluates flags for three contexts and receives live changes. No account needed.
//!
//! `cargo run -p vexil-examples --no-default-features --example quickstart` starts a fake service in this process,
//! streams the flags of `flags.json` from it over loopback, prints a table, receives a flag change,
//! and prints the analytics events that were delivered.
//!
//! With `-- --file PATH` the flags are read from a file instead. With `-- --watch`, edits of the
//! file are picked up too.

use std::io::{self, BufRead, Write};
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tracing_subscriber::filter::LevelFilter;
use vexil::config::ServiceEndpoints;
use vexil::{Client, Context};
use vexil_examples::{contexts, log_to_stderr, table};
use vexil_file_data::FileData;
use vexil_testing::FakeService;

const TIMEOUT: Duration = Duration::from_secs(10);

fn main() -> anyhow::Result<()> {
    log_to_stderr(LevelFilter::WARN);
    let options = Options::parse(std::env::args().skip(1))?;
    let mut out = io::stdout();
    let result = match options.file {
        Some(file) => from_file(file, options.watch, &mut out),
        None => from_service(&mut out),
    };
    match result {
        // `quickstart | head -1`
        Err(error) if is_closed_pipe(&error) => Ok(()),
        result => result,
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Streams flags from a service, and receives a flag change.
fn from_service(out: &mut impl Write) -> anyhow::Result<()> {
    let flags = std::fs::read_to_string(default_file())?;
    let service = FakeService::builder().data(&flags).start()?;
    let client = Client::builder("sdk-key-of-no-account")
        .service_endpoints(ServiceEndpoints::relay(service.url()))
        .start()?;
    // Delivers pending events, which would otherwise be lost with the process.
    let _closed_at_the_end = client.close_on_drop(TIMEOUT);
    client.blocking_wait_until_ready(TIMEOUT)?;

    let contexts = contexts()?;
    writeln!(out, "{}", table(&client, &contexts))?;

    let (changes, changed) = mpsc::channel();
    let [(name, ada), ..] = contexts;
    client
        .flag_tracker()
        .add_flag_value_change_listener("legacy-export", &ada, move |change| {
            // The receiver is dropped after the first change, so later sends fail.
            let _ = changes.send(change.clone());
        });
    writeln!(out, "\nTurning legacy-export on …")?;
    let mut flag: serde_json::Value = serde_json::from_str(&flags)?;
    let mut flag = flag["flags"]["legacy-export"].take();
    flag["key"] = "legacy-export".into();
    flag["on"] = true.into();
    service.use_preconfigured_flag(flag)?;
    let change = changed.recv_timeout(TIMEOUT)?;
    writeln!(
        out,
        "… {} for {name} changed from {} to {}.",
        change.key, change.old_value, change.new_value
    )?;

    if client.bool_variation("new-checkout", &ada, false) {
        writeln!(out, "{name} sees the new checkout and buys something.")?;
    }
    client.track_metric(
        "checkout-completed",
        &ada,
        49.9,
        serde_json::json!({"items": 3}),
    );
    client.blocking_flush(TIMEOUT);
    writeln!(out, "\nEvents delivered to the service:")?;
    for event in service.events() {
        writeln!(out, "{event}")?;
    }
    Ok(())
}

/// Reads flags from a file, and optionally watches it.
fn from_file(file: PathBuf, watch: bool, out: &mut impl Write) -> anyhow::Result<()> {
    let client = Client::builder("sdk-key-of-no-account")
        .data_source(FileData::path(&file).watch(watch))
        .start()?;
    let _closed_at_the_end = client.close_on_drop(TIMEOUT);
    client.blocking_wait_until_ready(TIMEOUT)?;
    let contexts = contexts()?;
    writeln!(out, "{}", table(&client, &contexts))?;
    if watch {
        print_changes(&client, &contexts);
        writeln!(
            out,
            "\nEdit {} to see changes. Press Enter to quit.",
            file.display()
        )?;
        out.flush()?;
        io::stdin().lock().read_line(&mut String::new())?;
    }
    Ok(())
}

fn print_changes(client: &Client, contexts: &[(&'static str, Context)]) {
    let (handle, contexts) = (client.clone(), contexts.to_vec());
    client.flag_tracker().add_listener(move |change| {
        for (name, context) in &contexts {
            let detail = handle.json_variation_detail(&change.key, context, vexil::Value::Null);
            println!(
                "{} for {name} is now {}: {}",
                change.key, detail.value, detail.reason
            );
        }
    });
}

fn default_file() -> PathBuf {
    concat!(env!("CARGO_MANIFEST_DIR"), "/flags.json").into()
}

struct Options {
    file: Option<PathBuf>,
    watch: bool,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<Self> {
        let mut options = Self {
            file: None,
            watch: false,
        };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--watch" => {
                    options.watch = true;
                    options.file.get_or_insert_with(default_file);
                }
                "--file" => {
                    options.file = Some(arguments.next().context("--file needs a path")?.into())
                }
                _ => bail!("usage: quickstart [--file PATH] [--watch]"),
            }
        }
        Ok(options)
    }
}
