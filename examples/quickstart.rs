//! Flags from a file, evaluated for three contexts.
//!
//! `cargo run -p vexil-examples --example quickstart` prints a table and ends. With `--watch` it goes on, and shows what
//! changes while you edit the file; with `--file PATH` it reads another one.

use std::error::Error;
use std::io::{self, BufRead, Write};
use std::path::PathBuf;
use std::time::Duration;

use vexil::Client;
use vexil_examples::{contexts, table};
use vexil_file_data::FileData;

fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_max_level(tracing_subscriber::filter::LevelFilter::WARN)
        .init();
    let options = Options::parse(std::env::args().skip(1))?;

    let source = FileData::path(&options.file).watch(options.watch);
    let client = Client::builder("sdk-key-of-no-account").data_source(source).start()?;
    client.blocking_wait_until_ready(Duration::from_secs(5))?;

    let contexts = contexts()?;
    println!("{}", table(&client, &contexts));
    if !options.watch {
        return Ok(());
    }

    for (name, context) in contexts {
        for key in FLAGS {
            client.flag_tracker().add_flag_value_change_listener(key, &context, move |change| {
                println!("{} for {name}: {} → {}", change.key, change.old_value, change.new_value);
            });
        }
    }
    println!("\nEdit {} and see what changes. Enter ends.", options.file.display());
    io::stdout().flush()?;
    io::stdin().lock().read_line(&mut String::new())?;
    Ok(())
}

/// The flags of `flags.json`.
const FLAGS: [&str; 7] =
    ["api-limits", "checkout-express", "founders-badge", "legacy-export", "new-checkout", "search-timeout-ms", "theme"];

struct Options {
    file: PathBuf,
    watch: bool,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/flags.json").into();
        let mut options = Self { file, watch: false };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--watch" => options.watch = true,
                "--file" => options.file = arguments.next().ok_or("--file needs a path")?.into(),
                _ => return Err("usage: quickstart [--watch] [--file PATH]".into()),
            }
        }
        Ok(options)
    }
}
