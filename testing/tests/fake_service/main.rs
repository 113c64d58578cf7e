//! The fake service, tested by a client that inspects the bytes. Rule ids refer to `docs/protocol`.

#![cfg(test)]

mod events;
mod faults;
mod flags;
mod life;
mod payloads;
mod streams;
mod support;
mod tls;
