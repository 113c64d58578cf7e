//! The provider used through OpenFeature's client. "Evaluation" and "TCK" refer to scenarios of the
//! OpenFeature specification: evaluations through a client, and requirements of providers. "Vendor"
//! refers to the behaviour of the vendor's providers for other languages.
#![cfg(test)]

mod contexts;
mod errors;
mod evaluation;
mod events;
mod lifecycle;
mod logs;
mod settings;
mod support;
