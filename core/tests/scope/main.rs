//! Scopes: several evaluations with the data of one moment.

#![cfg(test)]

#[path = "../support/mod.rs"]
mod support;

mod client;
mod custom_stores;
mod database;
mod memory;
mod methods;
