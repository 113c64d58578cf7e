//! The stores against real servers.
#![cfg(test)]

mod access;
mod big_segments;
mod cluster;
mod connection;
mod faults;
mod layout;
mod push;
mod sentinel;
mod support;
mod upsert;
