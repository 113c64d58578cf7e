//! Parses JSON text of ten thousand flags into each SDK's own model.
//!
//! Dropping the model is part of the measured time: an SDK drops one whenever it receives the next.

use std::error::Error;

use crate::compare::{Call, Case, Measurement, both};
use crate::measure::batch;
use crate::sdk::Sdk;
use crate::workload::generate;

pub(crate) fn cases() -> Result<Vec<Case>, Box<dyn Error>> {
    both(&Parsing {
        json: generate(10_000).to_json()?,
    })
}

struct Parsing {
    json: Vec<u8>,
}

impl Measurement for Parsing {
    fn calls<S: Sdk>(&self) -> Result<Vec<Call>, Box<dyn Error>> {
        let json = self.json.clone();
        Ok(vec![Call {
            answer: S::parse(&json).is_ok(),
            bytes: Some(json.len()),
            target: Some(1.5),
            ..Call::new("parse 10,000 flags", batch(move || S::parse(&json)))
        }])
    }
}
