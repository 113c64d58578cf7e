//! The official Python SDK and this one on the same databases, each as writer and as reader:
//! STO-11.1.
//!
//! What `vexil mirror` writes is also read by the Node and Go SDKs.
//!
//! Run by `scripts/interop`, which provides the SDKs. The tests compare the data written by
//! one SDK with the data read by the other, in real servers; `peer.py` controls the Python SDK.
//! Both SDKs stream flags from the same fake service, or receive them from it by the second protocol.

#![cfg(test)]

mod big_segments;
mod data;
mod data_systems;
mod database;
mod dynamodb;
mod mirrored;
mod peer;
mod reading;
mod redis;
mod tombstones;
mod versions;
mod writing;

use database::Database;

/// Turns each function into one test per database, each with a separate environment.
macro_rules! on_both_databases {
    ($($file:ident: $($name:ident)+;)+) => {
        mod on_redis {
            $(mod $file {
                $(#[test]
                #[ignore = "run by scripts/interop, with the Python SDK"]
                fn $name() {
                    crate::$file::$name(&crate::redis::RedisEnvironment::new());
                })+
            })+
        }
        mod on_dynamodb {
            $(mod $file {
                $(#[test]
                #[ignore = "run by scripts/interop, with the Python SDK"]
                fn $name() {
                    crate::$file::$name(&crate::dynamodb::DynamoDbEnvironment::new());
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
        each_sdk_replaces_all_data_of_the_other;
    tombstones:
        tombstones_of_every_shape_are_read_alike
        rust_writes_the_tombstones_of_a_relay
        rust_finds_no_flag_that_python_deleted;
    mirrored:
        every_sdk_reads_what_mirror_wrote
        every_sdk_reads_a_minimal_file_that_mirror_wrote;
    versions:
        rust_replaces_what_python_wrote_if_it_is_newer
        python_replaces_what_rust_wrote_if_it_is_newer;
    big_segments:
        big_segments_are_read_alike
        stale_big_segments_are_read_alike;
}
