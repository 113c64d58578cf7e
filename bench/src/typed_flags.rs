//! Ten flags by a struct with `#[derive(Flags)]`, and by ten plain evaluations, without events.

use std::collections::HashMap;
use std::error::Error;

use vexil::{Client, Flags, Text};

use crate::allocations::Allocated;
use crate::lanes::compare;
use crate::measure::{Lane, Pace, batch};
use crate::ours::Ours;
use crate::report::{Finding, Report, Target};
use crate::sdk::Sdk;
use crate::workload::{USER, generate};

#[derive(Flags)]
#[expect(dead_code, reason = "only the evaluation counts")]
struct Typed {
    #[flag(key = "bench-simple", default = false)]
    simple: bool,
    #[flag(key = "bench-target", default = false)]
    target: bool,
    #[flag(key = "bench-rules", default = false)]
    rules: bool,
    #[flag(key = "bench-rollout", default = false)]
    rollout: bool,
    #[flag(key = "bench-segment-incl", default = false)]
    segment: bool,
    #[flag(key = "typed-u8", default = 1)]
    byte: u8,
    #[flag(key = "typed-i64", default = 1)]
    integer: i64,
    #[flag(key = "typed-f64", default = 1.0)]
    float: f64,
    #[flag(key = "typed-text", default = "")]
    text: Text,
    #[flag(key = "typed-usize", default = 1)]
    size: usize,
}

fn plain(client: &Client, user: &vexil::Context) -> impl Sized + use<> {
    (
        client.bool_variation("bench-simple", user, false),
        client.bool_variation("bench-target", user, false),
        client.bool_variation("bench-rules", user, false),
        client.bool_variation("bench-rollout", user, false),
        client.bool_variation("bench-segment-incl", user, false),
        client.int_variation("typed-u8", user, 1),
        client.int_variation("typed-i64", user, 1),
        client.float_variation("typed-f64", user, 1.0),
        client.str_variation("typed-text", user, ""),
        client.int_variation("typed-usize", user, 1),
    )
}

/// Returns ten plain evaluations, and the same flags as a struct.
pub(crate) fn lanes() -> Result<[Lane; 2], Box<dyn Error>> {
    let source = Ours::test_data(Ours::parse(&generate(1_000).to_json()?)?);
    source
        .set("typed-u8", 200)
        .set("typed-i64", -7)
        .set("typed-f64", 0.25)
        .set("typed-text", "a text that is longer than what fits inline")
        .set("typed-usize", 1_000);
    let client = || {
        let builder = Client::builder("sdk-key").data_source(source.clone());
        builder.without_events().start()
    };
    let (ours, typed) = (client()?, client()?);
    let (user, same) = (Ours::context(&USER)?, Ours::context(&USER)?);
    Ok([
        Lane::new("ten plain evaluations", batch(move || plain(&ours, &user))),
        Lane::new(
            "a struct of ten flags",
            batch(move || Typed::evaluate(&typed, &same)),
        ),
    ])
}

pub(crate) fn report(
    pace: Pace,
    allocated: &HashMap<String, Allocated>,
) -> Result<Report, Box<dyn Error>> {
    let compared = compare("flags as types", lanes()?, pace, allocated);
    let [plain, typed] = compared.medians;
    Ok(Report {
        text: compared.table,
        findings: vec![
            Finding::new(
                "a struct of ten flags, times ten plain evaluations",
                typed / plain,
                Target::AtMost(1.2),
            ),
            Finding::new(
                "a struct of ten flags allocates, times",
                compared.allocations[1],
                Target::AtMost(0.0),
            ),
        ],
    })
}
