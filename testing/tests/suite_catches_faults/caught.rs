//! `caught!`: lists the fault with which each clause of a suite must fail.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;

use vexil_testing::conformance::hold;

/// The clauses of a suite by group.
type Groups<'a> = [(&'a str, &'a [&'a str])];

/// Defines a test for each clause of a suite, and one that no clause lacks a fault. The module that
/// calls it has the types `Fault` and `Harness`.
macro_rules! caught {
    ($suite:ident: $($group:ident { $($clause:ident by $fault:ident),+ $(,)? })+) => {
        $(
            mod $group {
                use vexil_testing::conformance::$suite::$group as clauses;

                use super::{Fault, Harness};
                use crate::caught::assert_caught;

                $(
                    #[test]
                    fn $clause() {
                        assert_caught(Harness::new(Fault::$fault), |harness| Box::pin(clauses::$clause(harness)));
                    }
                )+
            }
        )+

        #[test]
        fn every_clause_of_the_suite_has_a_fault() {
            let caught = [$((stringify!($group), [$(stringify!($clause)),+].as_slice())),+];
            crate::caught::assert_complete(&caught, &vexil_testing::conformance::$suite::GROUPS);
        }
    };
}

/// Asserts that a clause fails for this harness.
#[track_caller]
pub(crate) fn assert_caught<H>(
    harness: H,
    clause: impl for<'a> FnOnce(&'a H) -> Pin<Box<dyn Future<Output = ()> + 'a>>,
) {
    let held = catch_unwind(AssertUnwindSafe(|| hold(|| harness, clause)));
    assert!(held.is_err(), "the clause does not detect the fault");
}

/// Asserts that each clause is caught.
#[track_caller]
pub(crate) fn assert_complete(caught: &Groups<'_>, groups: &Groups<'_>) {
    assert_eq!(names(caught), names(groups));
}

fn names<'a>(groups: &Groups<'a>) -> BTreeSet<(&'a str, &'a str)> {
    let clauses = groups
        .iter()
        .flat_map(|(group, clauses)| clauses.iter().map(move |clause| (*group, *clause)));
    clauses.collect()
}
