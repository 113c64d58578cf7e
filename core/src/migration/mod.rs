//! Migrations: moving from one system to another by the stages of a flag.

mod stage;

pub use stage::{ParseStageError, Stage};
