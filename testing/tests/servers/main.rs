//! Real servers start, are controlled by a test, and end with it. A test whose server is not
//! installed fails with instructions, and is not skipped.

#![cfg(test)]
#![cfg(unix)]

mod dynamodb;
mod life;
mod redis;
mod replicas;
