//! The fake service, seen from a client that looks at the bytes. Sections are those of spec 02 and 03.

#![cfg(test)]

mod events;
mod faults;
mod flags;
mod life;
mod streams;
mod support;
mod tls;
