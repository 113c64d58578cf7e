//! The field's Python SDK and this one on the same databases, each as writer and as reader:
//! STO-11.1.
//!
//! `scripts/interop` runs it, and provides the Python SDK. What the tests compare is what the one
//! writes and the other reads, in real servers; `peer.py` is the Python end. Both SDKs receive
//! flags by streaming, from one fake service.

#![cfg(test)]

mod big_segments;
mod data;
mod database;
mod dynamodb;
mod peer;
mod reading;
mod redis;
mod tombstones;
mod versions;
mod writing;

use database::Database;

/// Makes a test of each function for each database, in which it has a place of its own.
macro_rules! on_both_databases {
    ($($file:ident: $($name:ident)+;)+) => {
        mod on_redis {
            $(mod $file {
                $(#[test]
                #[ignore = "scripts/interop runs it, with the Python SDK"]
                fn $name() {
                    crate::$file::$name(&crate::redis::Place::new());
                })+
            })+
        }
        mod on_dynamodb {
            $(mod $file {
                $(#[test]
                #[ignore = "scripts/interop runs it, with the Python SDK"]
                fn $name() {
                    crate::$file::$name(&crate::dynamodb::Place::new());
                })+
            })+
        }
    };
}

on_both_databases! {
    writing:
        rust_writes_what_the_service_sent_byte_for_byte
        rust_adds_what_other_readers_need_and_nothing_else
        python_reads_what_rust_wrote_as_rust_does
        rust_reads_what_python_wrote_as_python_does
        each_replaces_all_that_the_other_left;
    tombstones:
        tombstones_of_every_shape_are_read_alike
        rust_writes_the_tombstones_of_a_relay
        what_python_deleted_is_gone_for_rust;
    versions:
        rust_replaces_what_python_wrote_if_it_is_newer
        python_replaces_what_rust_wrote_if_it_is_newer;
    big_segments:
        big_segments_are_read_alike
        big_segments_out_of_step_are_read_alike;
}
