//! One evaluation on one thread, in a tight loop with one context.
//!
//! Measured through a client with events disabled, as an application calls it, and through the
//! evaluator alone, which shows what the client adds. The data contains a thousand other flags, so
//! that the lookup costs as much as in a real environment.

use std::error::Error;
use std::rc::Rc;

use crate::compare::{Call, Case, Measurement, both};
use crate::measure::batch;
use crate::sdk::Sdk;
use crate::workload::{LARGE_CLAUSE, LARGE_SEGMENT, ORG, USER, add_large, generate};

const FLAGS: [(&str, &str); 10] = [
    ("a   fallthrough", "bench-simple"),
    ("b   tenth target", "bench-target"),
    ("c   three rules", "bench-rules"),
    ("c'  without regex", "bench-rules-noregex"),
    ("d   rollout", ROLLOUT),
    ("e   segment key", "bench-segment-incl"),
    ("e'  segment rule", "bench-segment-rule"),
    ("f   prerequisite", "bench-prereq"),
    ("    1,000 values", LARGE_CLAUSE),
    ("    10,000 keys", LARGE_SEGMENT),
];
/// The target speed-up of the client's methods.
const TIMES_FASTER: f64 = 15.0;
const ROLLOUT: &str = "bench-rollout";

pub(crate) fn cases() -> Result<Vec<Case>, Box<dyn Error>> {
    let mut data = generate(1_000);
    add_large(&mut data);
    both(&Evaluations {
        json: data.to_json()?,
    })
}

struct Evaluations {
    json: Vec<u8>,
}

impl Measurement for Evaluations {
    fn calls<S: Sdk>(&self) -> Result<Vec<Call>, Box<dyn Error>> {
        let client = Rc::new(S::client(&S::test_data(S::parse(&self.json)?))?);
        let evaluator = Rc::new(S::evaluator(S::parse(&self.json)?)?);
        let user = S::context(&USER)?;
        let multi = S::multi_context(&[USER, ORG])?;

        let mut calls = Vec::new();
        for (kinds, context) in [("user ", &user), ("multi", &multi)] {
            for (case, flag) in FLAGS {
                let name = format!("{case:<18} {kinds} client");
                let call = call(name, flag, &client, context, S::bool_variation)?;
                calls.push(Call {
                    target: Some(TIMES_FASTER),
                    ..call
                });
            }
        }
        for (case, flag) in FLAGS {
            let name = format!("{case:<18} user  evaluator");
            calls.push(call(name, flag, &evaluator, &user, S::evaluate)?);
        }
        Ok(calls)
    }
}

fn call<D: 'static, C: Clone + 'static>(
    name: String,
    flag: &'static str,
    method: &Rc<D>,
    context: &C,
    evaluate: impl Fn(&D, &str, &C) -> bool + 'static,
) -> Result<Call, Box<dyn Error>> {
    let (method, context) = (Rc::clone(method), context.clone());
    let answer = evaluate(&method, flag, &context);
    // Any other value means that the default was returned and nothing was evaluated.
    if !answer && flag != ROLLOUT {
        return Err(format!("{name}: `{flag}` is not true").into());
    }
    Ok(Call {
        answer,
        ..Call::new(name, batch(move || evaluate(&method, flag, &context)))
    })
}
