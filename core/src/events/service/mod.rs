//! The event processor for the service: counters and full events, and their delivery.
//!
//! Evaluating threads record into [`Records`]; the [`Worker`] serializes what they hold and passes
//! it to a [`Destination`], the service or a file.

mod budget;
mod buffer;
mod delivery;
mod destination;
mod diagnostic;
mod file;
mod filter;
mod json;
#[cfg(feature = "metrics")]
mod meter;
mod payload;
mod processor;
mod seen_contexts;
mod summary;
mod worker;

#[cfg(test)]
mod tests;

pub use filter::OutputEvent;

pub(crate) use self::{
    delivery::Delivery,
    destination::Destination,
    diagnostic::{DiagnosticConfiguration, Diagnostics},
    file::EventFile,
    filter::Filter,
    json::{EventWriter, Format},
    processor::Records,
    worker::{Intervals, Worker},
};
