//! Migrates from one store to another, stage by stage, and reports events. No account needed.
//!
//! `cargo run -p vexil-examples --example migration`
//!
//! Two shelves of books stand in for two databases. A flag advances through the migration stages;
//! in each stage, a book is written and read. The events printed at the end are those that a client
//! with a service would send.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use thiserror::Error;
use tracing_subscriber::filter::LevelFilter;
use vexil::migration::{ExecutionOrder, Migrator, Stage};
use vexil::{Client, Context};
use vexil_examples::log_to_stderr;
use vexil_testing::{EventRecorder, RecordedEvent, TestData};

/// A store that maps titles to authors.
#[derive(Clone, Debug, Default)]
struct Shelf(Arc<Mutex<BTreeMap<String, String>>>);

/// The error for an unknown title.
#[derive(Debug, Error)]
#[error("no book with this title")]
struct NoSuchBook;

impl Shelf {
    fn author(&self, title: &str) -> Result<String, NoSuchBook> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(title)
            .cloned()
            .ok_or(NoSuchBook)
    }

    fn put(&self, title: &str, author: &str) -> Result<(), NoSuchBook> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(title.to_owned(), author.to_owned());
        Ok(())
    }

    fn reads(&self) -> impl Fn(&str) -> Result<String, NoSuchBook> + Send + Sync + use<> {
        let shelf = self.clone();
        move |title| shelf.author(title)
    }

    fn writes(&self) -> impl Fn(&(String, String)) -> Result<(), NoSuchBook> + Send + Sync + use<> {
        let shelf = self.clone();
        move |(title, author)| shelf.put(title, author)
    }

    fn titles(&self) -> String {
        let titles = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        titles
            .keys()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(", ")
    }
}

fn main() -> anyhow::Result<()> {
    log_to_stderr(LevelFilter::WARN);
    let (flags, events) = (TestData::new(), EventRecorder::new());
    let client = Client::builder("sdk-key-of-no-account")
        .data_source(flags.clone())
        .events(events.clone())
        .start()?;
    let _closed_at_the_end = client.close_on_drop(Duration::from_secs(10));

    let (old, new) = (Shelf::default(), Shelf::default());
    let migrator = Migrator::builder(&client)
        .read(old.reads(), new.reads())
        .compare(|one, other| one == other)
        .write(old.writes(), new.writes())
        .read_execution_order(ExecutionOrder::Serial)
        .build()?;

    let ada = Context::new("ada")?;
    let stages = [
        Stage::Off,
        Stage::DualWrite,
        Stage::Shadow,
        Stage::Live,
        Stage::RampDown,
        Stage::Complete,
    ];
    for stage in stages {
        flags.set("move-shelves", stage.as_str());
        let book = (format!("book written at {stage}"), "author".to_owned());
        migrator
            .write("move-shelves", &ada, Stage::Off, &book)
            .authoritative
            .result?;
        let found = migrator.read("move-shelves", &ada, Stage::Off, &book.0);
        println!(
            "{stage:>9}: read from the {} shelf: {:?}",
            found.origin, found.result?
        );
    }
    println!(
        "\nOld shelf: {}\nNew shelf: {}\n",
        old.titles(),
        new.titles()
    );

    for event in events.take() {
        if let RecordedEvent::MigrationOp(op) = event {
            let (stage, invoked, failed) = (op.detail.value, op.invoked, op.failed);
            println!(
                "{stage:>9} {:5}  old: called {}, failed {}  new: called {}, failed {}  consistent: {:?}",
                op.operation, invoked.old, failed.old, invoked.new, failed.new, op.consistent
            );
        }
    }
    Ok(())
}
