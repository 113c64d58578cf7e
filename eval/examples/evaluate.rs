//! Evaluates a flag without a client. The example runs natively and as WebAssembly:
//! `scripts/test-wasm` builds it for `wasm32-unknown-unknown`, runs it under Node.js and checks
//! the exit status.

use std::error::Error;
use std::process::ExitCode;

use vexil_eval::model::{DataSet, Flag, Segment};
use vexil_eval::{Context, Found, Lookup, Outcome, evaluate};

const DATA: &[u8] = br#"{
    "flags": {"checkout": {
        "on": true, "salt": "s", "variations": ["old", "new"], "offVariation": 0,
        "rules": [{"variation": 1, "clauses": [{"op": "segmentMatch", "values": ["testers"]}]}],
        "fallthrough": {"variation": 0}
    }},
    "segments": {"testers": {"rules": [{"clauses": [
        {"contextKind": "user", "attribute": "/address/country", "op": "matches", "values": ["^(GB|NZ)$"]}
    ]}]}}
}"#;

/// The data set in memory, looked up by key.
struct Data(DataSet);

impl Lookup for Data {
    fn flag(&self, key: &str) -> Found<&Flag> {
        let entry = self.0.flags.iter().find(|entry| entry.key() == key);
        entry
            .and_then(|entry| entry.present())
            .map(AsRef::as_ref)
            .into()
    }

    fn segment(&self, key: &str) -> Found<&Segment> {
        let entry = self.0.segments.iter().find(|entry| entry.key() == key);
        entry
            .and_then(|entry| entry.present())
            .map(AsRef::as_ref)
            .into()
    }
}

fn main() -> ExitCode {
    match checkout_for("GB").and_then(|gb| Ok((gb, checkout_for("FR")?))) {
        Ok((gb, fr)) if gb == "new" && fr == "old" => {
            println!("GB gets {gb}, FR gets {fr}");
            ExitCode::SUCCESS
        }
        Ok(other) => {
            eprintln!("unexpected values: {other:?}");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// The value of `checkout` for a user in a country.
fn checkout_for(country: &str) -> Result<String, Box<dyn Error>> {
    let data = Data(DataSet::from_json(DATA)?);
    let context: Context =
        format!(r#"{{"kind": "user", "key": "ada", "address": {{"country": "{country}"}}}}"#)
            .parse()?;
    let Found::Present(flag) = data.flag("checkout") else {
        return Err("the flag is missing".into());
    };
    let Outcome::Done(evaluation) = evaluate(flag, &context, &data) else {
        return Err("the data is incomplete".into());
    };
    let value = evaluation.variation.and_then(|(_, value)| value.as_str());
    Ok(value.unwrap_or("default").to_owned())
}
