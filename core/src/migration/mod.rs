//! Migrations: moving from one system to another by the stages of a flag.

pub use crate::model::migration::{Operation, Origin, ParseStageError, Stage};
