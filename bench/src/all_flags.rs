//! Measures the state of all flags for a front end: 1,009 flags with the default options.

use std::error::Error;
use std::rc::Rc;

use crate::compare::{Call, Case, Measurement, both};
use crate::measure::batch;
use crate::sdk::Sdk;
use crate::workload::{USER, generate};

/// The target speed-up over the peer.
const TIMES_FASTER: f64 = 10.0;

pub(crate) fn cases() -> Result<Vec<Case>, Box<dyn Error>> {
    both(&AllFlags {
        json: generate(1_000).to_json()?,
    })
}

struct AllFlags {
    json: Vec<u8>,
}

impl Measurement for AllFlags {
    fn calls<S: Sdk>(&self) -> Result<Vec<Call>, Box<dyn Error>> {
        let client = Rc::new(S::client(&S::test_data(S::parse(&self.json)?))?);
        let user = S::context(&USER)?;
        // A side without flags would be fast; comparing the text of the answers reveals it.
        let answer = serde_json::to_string(&S::flags_state(&client, &user))?
            .contains("\"bench-simple\":true");
        let call = |name: &str, run| Call {
            answer,
            target: Some(TIMES_FASTER),
            ..Call::new(name, run)
        };
        let (as_state, as_text) = ((Rc::clone(&client), user.clone()), (client, user));
        Ok(vec![
            call(
                "state of 1,009 flags",
                batch(move || S::flags_state(&as_state.0, &as_state.1)),
            ),
            call(
                "the same as JSON text",
                batch(move || serde_json::to_string(&S::flags_state(&as_text.0, &as_text.1))),
            ),
        ])
    }
}
