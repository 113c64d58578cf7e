//! Tests of the stores with real servers.
#![cfg(test)]

mod access;
mod big_segments;
mod client;
mod cluster;
mod connection;
mod faults;
mod layout;
mod leases;
mod network;
mod push;
mod refills;
mod sentinel;
mod settings;
mod slow;
mod support;
mod upsert;
