//! The long run: any number of pairs from consecutive seeds. With `--corpus N`, prints that many cases
//! with the results on which both evaluators agree, for `scripts/evaluation-cases`.

use std::process::ExitCode;

use vexil_differential::compare::examine;
use vexil_differential::tally::Tally;
use vexil_differential::{corpus, generate};

/// The number of differences after which the run stops; more are seldom informative.
const SHOWN: usize = 3;

fn main() -> ExitCode {
    let wanted = match Wanted::from_arguments(std::env::args().skip(1)) {
        Ok(wanted) => wanted,
        Err(error) => {
            eprintln!("{error}\nusage: vexil-differential [--pairs N | --corpus N] [--seed N]");
            return ExitCode::from(2);
        }
    };
    if wanted.corpus > 0 {
        for seed in (wanted.seed..).take(wanted.corpus) {
            println!("{}", corpus::line(&generate::case(seed)));
        }
        return ExitCode::SUCCESS;
    }
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
    corpus: usize,
    pairs: u64,
    seed: u64,
}

impl Wanted {
    fn from_arguments(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut wanted = Self {
            corpus: 0,
            pairs: 100_000,
            seed: 0,
        };
        while let Some(name) = arguments.next() {
            let number = arguments
                .next()
                .and_then(|number| number.parse::<u64>().ok())
                .ok_or_else(|| format!("{name} wants a number"))?;
            match name.as_str() {
                "--corpus" => wanted.corpus = usize::try_from(number).unwrap_or(usize::MAX),
                "--pairs" => wanted.pairs = number,
                "--seed" => wanted.seed = number,
                _ => return Err(format!("unknown argument {name}")),
            }
        }
        Ok(wanted)
    }
}
