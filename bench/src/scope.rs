//! An evaluation through a scope beside a plain one, without events.

use std::collections::HashMap;
use std::error::Error;

use vexil::{Client, Context};

use crate::allocations::Allocated;
use crate::lanes::compare;
use crate::measure::{Batch, Lane, Pace, batch};
use crate::ours::Ours;
use crate::report::{Finding, Report, Target};
use crate::sdk::Sdk;
use crate::workload::{USER, generate};

const FLAG: &str = "bench-simple";

/// Returns a plain evaluation, one through a scope that exists, and one through a scope of its own.
pub(crate) fn lanes() -> Result<[Lane; 3], Box<dyn Error>> {
    let source = Ours::test_data(Ours::parse(&generate(1_000).to_json()?)?);
    let client = Ours::client(&source)?;
    let user = Ours::context(&USER)?;
    let scope = client.scope(&user);
    if !scope.bool_variation(FLAG, false) {
        return Err(format!("`{FLAG}` is not true in a scope").into());
    }
    Ok([
        Lane::new("plain", plain(client.clone(), user.clone())),
        Lane::new(
            "through a scope",
            batch(move || scope.bool_variation(FLAG, false)),
        ),
        Lane::new(
            "a scope for each evaluation",
            batch(move || client.scope(&user).bool_variation(FLAG, false)),
        ),
    ])
}

fn plain(client: Client, user: Context) -> Batch {
    batch(move || Ours::bool_variation(&client, FLAG, &user))
}

pub(crate) fn report(
    pace: Pace,
    allocated: &HashMap<String, Allocated>,
) -> Result<Report, Box<dyn Error>> {
    let compared = compare("scopes", lanes()?, pace, allocated);
    let [plain, scope, _] = compared.medians;
    Ok(Report {
        text: compared.table,
        findings: vec![
            Finding::new(
                "an evaluation through a scope takes, times a plain one",
                scope / plain,
                Target::AtMost(1.1),
            ),
            Finding::new(
                "an evaluation through a scope allocates, times",
                compared.allocations[1],
                Target::AtMost(0.0),
            ),
        ],
    })
}
