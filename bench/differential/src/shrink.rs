//! Reduces a case to the parts that its difference needs.
//!
//! A generated case is a page of JSON, of which usually one clause matters. Members and elements
//! are removed, the largest first, as long as both results keep their kinds; the remainder is
//! readable.

use serde_json::{Value, json};

use crate::case::Case;

/// Returns the smallest case found for which `still_differs` holds.
pub(crate) fn shrink(case: &Case, still_differs: &dyn Fn(&Case) -> bool) -> Case {
    let mut whole = json!({
        "flags": case.flags, "segments": case.segments, "context": case.context,
    });
    let mut smallest = case.clone();
    while let Some((smaller_whole, smaller)) = removals(&whole)
        .into_iter()
        .filter_map(|pointer| {
            let mut smaller = whole.clone();
            remove(&mut smaller, &pointer)?;
            let as_case = to_case(case.seed, &smaller)?;
            Some((smaller, as_case))
        })
        .find(|(_, smaller)| still_differs(smaller))
    {
        (whole, smallest) = (smaller_whole, smaller);
    }
    smallest
}

fn to_case(seed: u64, whole: &Value) -> Option<Case> {
    Some(Case {
        seed,
        flags: whole.get("flags")?.as_object()?.clone(),
        segments: whole.get("segments")?.as_object()?.clone(),
        context: whole.get("context")?.clone(),
    })
}

/// Returns pointers to everything that could be removed, parents before children.
fn removals(whole: &Value) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut level = vec![(Vec::new(), whole)];
    while !level.is_empty() {
        let mut below = Vec::new();
        for (pointer, value) in level {
            let children: Vec<(String, &Value)> = match value {
                Value::Object(members) => members.iter().map(|(n, v)| (n.clone(), v)).collect(),
                Value::Array(items) => {
                    let numbered = items.iter().enumerate();
                    numbered.map(|(at, item)| (at.to_string(), item)).collect()
                }
                _ => continue,
            };
            for (step, child) in children {
                let mut pointer: Vec<String> = pointer.clone();
                pointer.push(step);
                found.push(pointer.clone());
                below.push((pointer, child));
            }
        }
        level = below;
    }
    found
}

fn remove(whole: &mut Value, pointer: &[String]) -> Option<()> {
    let (last, above) = pointer.split_last()?;
    let mut value = whole;
    for step in above {
        value = match value {
            Value::Array(items) => items.get_mut(step.parse::<usize>().ok()?)?,
            other => other.get_mut(step)?,
        };
    }
    match value {
        Value::Object(members) => members.remove(last).map(drop),
        Value::Array(items) => {
            items.remove(last.parse().ok()?);
            Some(())
        }
        _ => None,
    }
}
