//! The allocations of the hot paths, compared with a budget.
//!
//! Unlike times, they are the same on every machine. A budget that is too high fails as well, so that
//! improvements are recorded. They are those of this profile: an optimizing compiler may leave some out.

#![cfg(test)]

use vexil_bench::{Allocated, allocations_of_hot_paths};

const BUDGET: &str = include_str!("../allocations.txt");

#[test]
fn the_hot_paths_allocate_as_often_as_the_budget_says() {
    let counted = allocations_of_hot_paths(|call| {
        let counted = allocation_counter::measure(call);
        Allocated {
            allocations: counted.count_total as f64,
            bytes: counted.bytes_total as f64,
        }
    })
    .unwrap();
    let counted: Vec<_> = counted
        .into_iter()
        .map(|(name, allocations)| format!("{allocations}\t{name}"))
        .collect();
    let budget: Vec<_> = BUDGET
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    let lacks = |lines: &[&str], mark: char, others: &dyn Fn(&str) -> bool| -> String {
        let lacking = lines.iter().filter(|line| !others(line));
        lacking.map(|line| format!("{mark} {line}\n")).collect()
    };
    let counted: Vec<_> = counted.iter().map(String::as_str).collect();
    let difference = lacks(&budget, '-', &|line| counted.contains(&line))
        + &lacks(&counted, '+', &|line| budget.contains(&line));
    assert!(
        difference.is_empty(),
        "bench/allocations.txt (-) and allocations per call now (+):\n{difference}"
    );
}
