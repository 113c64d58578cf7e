//! A seed always yields the same case, and the cases reach every stage of an evaluation.

use vexil_differential::deviation::DeviationSet;
use vexil_differential::{generate, peer};

#[test]
fn equal_seeds_generate_equal_cases() {
    for seed in 0..500 {
        let (first, second) = (generate::case(seed), generate::case(seed));
        assert_eq!(first.data_set().to_string(), second.data_set().to_string());
        assert_eq!(first.context.to_string(), second.context.to_string());
    }
}

#[test]
fn neighbouring_seeds_generate_different_cases() {
    let different = (0..500)
        .filter(|seed| generate::case(*seed).data_set() != generate::case(seed + 1).data_set());
    assert!(different.count() > 490);
}

#[test]
fn every_reason_is_frequent() {
    let labels: Vec<_> = (0..2_000)
        .flat_map(|seed| peer::evaluate_all(&generate::case(seed), DeviationSet::ALL))
        .map(|observed| observed.label())
        .collect();
    for reason in [
        "OFF",
        "FALLTHROUGH",
        "FALLTHROUGH inExperiment",
        "TARGET_MATCH",
        "RULE_MATCH",
        "RULE_MATCH inExperiment",
        "PREREQUISITE_FAILED",
        "ERROR MALFORMED_FLAG",
    ] {
        let count = labels.iter().filter(|label| *label == reason).count();
        assert!(
            count * 100 > labels.len(),
            "{reason}: {count} of {}",
            labels.len()
        );
    }
}

#[test]
fn the_compensated_peer_rejects_nothing() {
    for seed in 0..2_000 {
        for observed in peer::evaluate_all(&generate::case(seed), DeviationSet::ALL) {
            assert_ne!(
                observed.label(),
                "REFUSED",
                "seed {seed}: {}",
                observed.reason
            );
            assert_ne!(observed.label(), "PANICKED", "seed {seed}");
        }
    }
}
