//! The components of the guide's page `custom.md`, tested by their conformance suites. The page
//! shows the files of this folder: `tests/guide.rs` compares them.

#![cfg(test)]

mod event_processor;
mod source;
mod store;
