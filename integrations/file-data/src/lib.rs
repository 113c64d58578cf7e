//! Feature flags from JSON and YAML files, for the [`vexil`] SDK.
//!
//! For development, tests and places without a network: [`FileData`] is a data source that reads
//! flags and segments from files, and reads them again when they change. It makes no connection of
//! its own.
//!
//! ```
//! use vexil::{Client, Context};
//! use vexil_file_data::FileData;
//!
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("flags.yaml");
//! std::fs::write(&path, "flagValues: { max-items: 12, greeting: hello }")?;
//!
//! let client = Client::builder("sdk-key").data_source(FileData::path(&path).watch(true)).start()?;
//!
//! let ada = Context::new("ada")?;
//! assert_eq!(client.string_variation("greeting", &ada, ""), "hello");
//! assert_eq!(client.int_variation("max-items", &ada, 0), 12);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The format
//!
//! A file is an object of up to three sections; others are skipped.
//!
//! ```yaml
//! flags:                      # whole flags by key, as the service delivers them; every property is optional
//!   checkout-theme:
//!     on: true
//!     variations: [classic, modern]
//!     fallthrough: { variation: 1 }
//! flagValues:                 # the short form: the value that a flag has for everybody
//!   max-items: 12
//!   banner: { text: hi }
//! segments:                   # whole segments by key
//!   staff: { included: [ana] }
//! ```
//!
//! It is JSON if it begins with `{`, else YAML 1.2, whatever its name ends with. So in YAML only
//! `true` and `false` are booleans, and `yes`, `no`, `on` and `off` are strings; the key `on` may
//! be written without quotes. An empty file holds no flags. The key under which an item stands is
//! its key, whatever it says itself, and its version is not read: each load counts as a new version
//! of everything.
//!
//! # What may go wrong
//!
//! If any file is missing or malformed, nothing is taken from any of them: what was loaded before
//! stays. The trouble is logged and becomes the status of the data source, with the file, line and
//! column, and the flag or segment. Without [watching](FileDataBuilder::watch) the data source is
//! off then, so that nobody waits for flags that will not come; with it, the client gets its flags
//! as soon as the files are right.
//!
//! Hostile files are refused: nesting ends after 127 levels in JSON, with at most [`vexil::Value::MAX_DEPTH`] of them
//! within a value, and after 32 levels in YAML, whose parser takes more stack for each. Aliases in YAML expand to at most a million nodes and 64 MiB of text. Only regular files are opened.

mod builder;
mod error;
mod load;
mod merge;
mod read;
mod source;
mod watch;

pub use builder::{DuplicateKeys, FileData, FileDataBuilder};
pub use error::FileDataError;
