//! The long run: any number of pairs from consecutive seeds.

use std::process::ExitCode;

use vexil_differential::compare::examine;
use vexil_differential::generate;
use vexil_differential::tally::Tally;

/// The number of differences after which the run stops; more are seldom informative.
const SHOWN: usize = 3;

fn main() -> ExitCode {
    let wanted = match Wanted::from_arguments(std::env::args().skip(1)) {
        Ok(wanted) => wanted,
        Err(error) => {
            eprintln!("{error}\nusage: vexil-differential [--pairs N] [--seed N]");
            return ExitCode::from(2);
        }
    };
    let mut tally = Tally::default();
    let mut differences = 0;
    let mut seed = wanted.seed;
    while tally.pairs() < wanted.pairs && differences < SHOWN {
        match examine(&generate::case(seed)) {
            Ok(agreement) => agreement.count(&mut tally),
            Err(difference) => {
                eprintln!("{difference}");
                differences += 1;
            }
        }
        seed = seed.wrapping_add(1);
    }
    println!("seeds {} to {}", wanted.seed, seed.wrapping_sub(1));
    print!("{tally}");
    if differences == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

struct Wanted {
    pairs: u64,
    seed: u64,
}

impl Wanted {
    fn from_arguments(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut wanted = Self {
            pairs: 100_000,
            seed: 0,
        };
        while let Some(name) = arguments.next() {
            let target = match name.as_str() {
                "--pairs" => &mut wanted.pairs,
                "--seed" => &mut wanted.seed,
                _ => return Err(format!("unknown argument {name}")),
            };
            *target = arguments
                .next()
                .and_then(|number| number.parse().ok())
                .ok_or_else(|| format!("{name} wants a number"))?;
        }
        Ok(wanted)
    }
}
