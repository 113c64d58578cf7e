//! The command `vexil`: each test runs commands as a user does, in the process of the test.

#![cfg(test)]

mod check;
mod check_hostile;
mod check_mutations;
mod check_sound;
mod diff;
mod dynamodb;
mod eval;
mod exit_status;
mod explain;
mod files;
mod generate;
mod help;
mod help_examples;
mod list;
mod mirror;
mod mirror_dynamodb;
mod mirror_service;
mod readme;
mod redis;
mod secrets;
mod serve;
mod service;
mod show;
mod support;
mod watch;
