//! Measures building and cloning a context of eight attributes, including its drop.

use std::error::Error;

use crate::compare::{Call, Case, Measurement, both};
use crate::measure::batch;
use crate::sdk::Sdk;
use crate::workload::USER;

pub(crate) fn cases() -> Result<Vec<Case>, Box<dyn Error>> {
    both(&Contexts)
}

struct Contexts;

impl Measurement for Contexts {
    fn calls<S: Sdk>(&self) -> Result<Vec<Call>, Box<dyn Error>> {
        let user = S::context(&USER)?;
        Ok(vec![
            Call::new("build a context", batch(|| S::context(&USER))),
            Call {
                target: Some(20.0),
                ..Call::new("clone a context", batch(move || user.clone()))
            },
        ])
    }
}
