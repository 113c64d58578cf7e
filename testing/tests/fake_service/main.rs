//! The fake service, seen from a client that looks at the bytes. Rules are those of
//! `docs/protocol`.

#![cfg(test)]

mod events;
mod faults;
mod flags;
mod life;
mod streams;
mod support;
mod tls;
