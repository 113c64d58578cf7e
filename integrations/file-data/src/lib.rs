//! Feature flags from JSON and YAML files, for the [`vexil`] SDK.
//!
//! [`FileData`] is a data source that reads flags and segments from files and optionally reloads
//! them when they change. It is meant for development, tests and environments without a network,
//! and makes no connections.
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
//! assert_eq!(client.str_variation("greeting", &ada, ""), "hello");
//! assert_eq!(client.int_variation("max-items", &ada, 0), 12);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The format
//!
//! A file is an object with up to three sections. Unknown sections are skipped, and no property of
//! a flag or segment is required.
//!
//! ```yaml
//! flags:                      # complete flags by key, as the service sends them
//!   checkout-theme:
//!     on: true
//!     variations: [classic, modern]
//!     fallthrough: { variation: 1 }
//! flagValues:                 # short form: one value for all contexts
//!   max-items: 12
//!   banner: { text: hi }
//! segments:                   # complete segments by key
//!   staff: { included: [ana] }
//! ```
//!
//! A file that begins with `{` is JSON; any other file is YAML 1.2. The file extension is ignored.
//! In YAML, only `true` and `false` are booleans; `yes`, `no`, `on` and `off` are strings, and the
//! key `on` needs no quotes. An empty file contains no flags. An item's key is the map key, even if
//! the item contains a different one. An item's version is ignored: each load assigns a new version
//! to all items.
//!
//! As [flag overrides](vexil::ClientBuilder::flag_overrides), items keep the version in the file, or
//! 1 if there is none, and a value of `flagValues` becomes a flag that is off, so that the reason is
//! [`Off`](vexil::eval::ReasonKind::Off).
//!
//! # Errors
//!
//! If any file is missing or malformed, no file is applied, and the last good data stays in use.
//! The error is logged and becomes the status of the data source, with the file, line and column,
//! and the flag or segment. Without [watching](FileDataBuilder::watch) the data source then turns
//! off, so that the client does not wait for flags in vain. With it, the client gets its flags as
//! soon as the files are valid.
//!
//! Hostile files are rejected. JSON may be nested 127 levels deep, of which at most
//! [`vexil::Value::MAX_DEPTH`] within a value. YAML may be nested 32 levels deep: its parser needs
//! more stack per level. YAML aliases expand to at most a million nodes and 64 MiB of text.
//! Only regular files are opened.

mod blocking;
mod builder;
mod duplicate_keys;
mod error;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod load;
mod merge;
mod read;
mod source;
mod watch;

pub use builder::{FileData, FileDataBuilder};
pub use duplicate_keys::DuplicateKeys;
pub use error::FileDataError;
pub use read::{FileFormat, FileText};
pub use watch::FileWatcher;

/// Compiles and runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
