//! Real servers start, do what a test wants, and end with it. The rule of the house is D13: a test
//! that needs a server and has none fails, with what to install.

#![cfg(test)]
#![cfg(unix)]

mod dynamodb;
mod life;
mod redis;
mod replicas;
