//! A run over fixed seeds, short enough for every build; the binary of the package runs longer.

use vexil_differential::compare::examine;
use vexil_differential::deviation::Deviation;
use vexil_differential::generate;
use vexil_differential::tally::Tally;

const PAIRS: u64 = 20_000;

#[test]
fn both_evaluators_return_the_same_results() {
    let mut pairs = 0;
    for seed in 0.. {
        if pairs >= PAIRS {
            break;
        }
        match examine(&generate::case(seed)) {
            Ok(agreement) => pairs += agreement.pairs(),
            Err(difference) => panic!("{difference}"),
        }
    }
}

/// Otherwise the other tests could pass without exercising anything.
#[test]
fn the_unmodified_peer_agrees_on_most_pairs() {
    let mut tally = Tally::default();
    for seed in 0..500 {
        if let Ok(agreement) = examine(&generate::case(seed)) {
            agreement.count(&mut tally);
        }
    }
    assert!(tally.agreed() * 10 > tally.pairs() * 7, "{tally}");
    assert!(
        tally.mattered(Deviation::PrerequisiteLocalError) > 0,
        "{tally}"
    );
}
