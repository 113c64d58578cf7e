//! What is to be measured, by the names of the workload's own description.

use std::error::Error;
use std::time::Duration;

use crate::compare::Case;
use crate::measure::Pace;
use crate::workload::generate;
use crate::{m1, m2, m4, m5, m6, m7, patch_cost};

const USAGE: &str = "usage: vexil-bench m1 | m2 | m4 | m5 | m6 | m7 | quick";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    /// One evaluation.
    M1,
    /// Evaluations with events.
    M2,
    /// A start over the stream.
    M4,
    /// JSON text to the SDK's model.
    M5,
    /// Evaluations while flags change.
    M6,
    /// A context: built, and cloned.
    M7,
    /// All of them, too briefly to be quoted: does everything still work, and roughly how fast?
    Quick,
}

impl Command {
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let command = match arguments.next().as_deref() {
            Some("m1") => Self::M1,
            Some("m2") => Self::M2,
            Some("m4") => Self::M4,
            Some("m5") => Self::M5,
            Some("m6") => Self::M6,
            Some("m7") => Self::M7,
            Some("quick") => Self::Quick,
            _ => return Err(USAGE.into()),
        };
        match arguments.next() {
            Some(_) => Err(USAGE.into()),
            None => Ok(command),
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::M1 => "m1",
            Self::M2 => "m2",
            Self::M4 => "m4",
            Self::M5 => "m5",
            Self::M6 => "m6",
            Self::M7 => "m7",
            Self::Quick => "quick",
        }
    }

    pub(crate) fn pace(self) -> Pace {
        match self {
            Self::Quick => Pace { rounds: 3, batch: Duration::from_millis(20) },
            _ => Pace { rounds: 9, batch: Duration::from_millis(200) },
        }
    }

    /// The cases that are called in batches, a table for each measurement.
    pub(crate) fn tables(self) -> Result<Vec<Vec<Case>>, Box<dyn Error>> {
        Ok(match self {
            Self::M1 => vec![m1::cases()?],
            Self::M2 | Self::M4 | Self::M6 => vec![],
            Self::M5 => vec![m5::cases()?],
            Self::M7 => vec![m7::cases()?],
            Self::Quick => vec![m1::cases()?, m5::cases()?, m7::cases()?],
        })
    }

    /// The finished tables of what takes more than calls in batches.
    pub(crate) fn reports(self) -> Result<Vec<String>, Box<dyn Error>> {
        let data = || generate(10_000);
        Ok(match self {
            Self::M1 | Self::M5 | Self::M7 => vec![],
            Self::M2 => vec![m2::table(&generate(1_000), 3, 3.0)?],
            Self::M4 => vec![m4::table(&data(), 7)?],
            Self::M6 => vec![m6::table(&data(), 3, 5.0)?, patch_cost::table(&data(), 9)?],
            Self::Quick => {
                vec![
                    m2::table(&generate(1_000), 1, 0.2)?,
                    m4::table(&data(), 1)?,
                    m6::table(&data(), 1, 0.2)?,
                    patch_cost::table(&data(), 1)?,
                ]
            }
        })
    }
}
