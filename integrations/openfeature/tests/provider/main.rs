//! The provider through OpenFeature's own client. "Evaluation" and "TCK" are the scenarios of the
//! OpenFeature specification: evaluations through a client, and what providers owe. "Vendor" is
//! what the vendor's providers for other languages do.
#![cfg(test)]

mod contexts;
mod errors;
mod evaluation;
mod events;
mod lifecycle;
mod logs;
mod settings;
mod support;
