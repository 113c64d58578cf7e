//! The cost of a hook that does nothing, for an evaluation without events.

use std::collections::HashMap;
use std::error::Error;

use vexil::hooks::{Hook, HookMetadata};
use vexil::{Client, Context};

use crate::allocations::Allocated;
use crate::lanes::compare;
use crate::measure::{Lane, Pace, batch};
use crate::ours::Ours;
use crate::report::{Finding, Report, Target};
use crate::sdk::Sdk;
use crate::workload::{USER, generate};

const FLAG: &str = "bench-simple";

/// A hook that uses the default implementation of every stage.
#[derive(Debug)]
struct Empty;

impl Hook for Empty {
    fn metadata(&self) -> HookMetadata {
        HookMetadata::new("empty")
    }
}

/// Returns an evaluation without hooks, and one with a hook.
pub(crate) fn lanes() -> Result<[Lane; 2], Box<dyn Error>> {
    let source = Ours::test_data(Ours::parse(&generate(1_000).to_json()?)?);
    let builder = || {
        Client::builder("sdk-key")
            .data_source(source.clone())
            .without_events()
    };
    let user = Ours::context(&USER)?;
    let evaluating =
        |client: Client, user: Context| batch(move || Ours::bool_variation(&client, FLAG, &user));
    Ok([
        Lane::new("no hook", evaluating(builder().start()?, user.clone())),
        Lane::new(
            "one empty hook",
            evaluating(builder().hook(Empty).start()?, user),
        ),
    ])
}

pub(crate) fn report(
    pace: Pace,
    allocated: &HashMap<String, Allocated>,
) -> Result<Report, Box<dyn Error>> {
    let compared = compare("hooks", lanes()?, pace, allocated);
    let [none, one] = compared.medians;
    Ok(Report {
        text: compared.table,
        findings: vec![
            Finding::new("an empty hook adds, ns", one - none, Target::AtMost(100.0)),
            Finding::new(
                "an empty hook allocates, times",
                compared.allocations[1],
                Target::AtMost(0.0),
            ),
        ],
    })
}
