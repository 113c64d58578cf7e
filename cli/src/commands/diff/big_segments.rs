//! Compares the members of big segments.

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;
use vexil::big_segments::StoredMembership;

use crate::exit::{Exit, Failure};
use crate::output::{counted, escaped};
use crate::session::Session;
use crate::source::{Memberships, Source};

/// The most contexts that are listed.
const LISTED: usize = 1_000;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'d> {
    schema: &'static str,
    left: String,
    right: String,
    /// Each of them has the hash of a context and its segments on both sides.
    differences: Vec<Difference<'d>>,
    counts: Counts,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Difference<'d> {
    kind: &'static str,
    context_hash: &'d str,
    change: &'static str,
    left: Option<&'d Segments>,
    right: Option<&'d Segments>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Counts {
    contexts: usize,
    only_left: usize,
    only_right: usize,
    changed: usize,
}

/// The segments of a context, by reference.
#[derive(Default, PartialEq, Eq, Serialize)]
struct Segments {
    included: BTreeSet<String>,
    excluded: BTreeSet<String>,
}

/// Compares the members of all big segments, and prints the differences.
pub(super) async fn run(
    left: &Source,
    right: &Source,
    session: &mut Session<'_>,
) -> Result<Exit, Failure> {
    let open = |source: &Source| {
        source.memberships(session)?.ok_or_else(|| {
            Failure::usage(format_args!(
                "the members of big segments of {source} cannot be listed"
            ))
            .help("leave out --big-segments, or name a Redis or DynamoDB that has them")
        })
    };
    let (one, other) = (open(left)?, open(right)?);
    let one = read(left, one.as_ref()).await?;
    let other = read(right, other.as_ref()).await?;
    let hashes: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    let mut counts = Counts {
        contexts: hashes.len(),
        ..Counts::default()
    };
    let mut differences = Vec::new();
    for hash in hashes {
        let (left, right) = (one.get(hash), other.get(hash));
        let change = match (left, right) {
            (Some(left), Some(right)) if left == right => continue,
            (Some(_), Some(_)) => {
                counts.changed += 1;
                "changed"
            }
            (Some(_), None) => {
                counts.only_left += 1;
                "onlyLeft"
            }
            (None, _) => {
                counts.only_right += 1;
                "onlyRight"
            }
        };
        if differences.len() < LISTED {
            differences.push(Difference {
                kind: "context",
                context_hash: hash,
                change,
                left,
                right,
            });
        }
    }
    let total = counts.only_left + counts.only_right + counts.changed;
    let output = &mut session.output;
    if output.json {
        output.document(&Document {
            schema: "vexil.diff/1",
            left: left.to_string(),
            right: right.to_string(),
            differences,
            counts,
        })?;
    } else {
        for difference in &differences {
            let label = match difference.change {
                "onlyLeft" => "only left",
                "onlyRight" => "only right",
                _ => "different",
            };
            let hash = escaped(difference.context_hash);
            output.line(format_args!("{label:10}  context  {hash}"))?;
        }
        if total > differences.len() {
            let more = total - differences.len();
            output.line(format_args!("{} {more} more", output.ellipsis()))?;
        }
        output.line(format_args!(
            "{} in big segments: {} ({} only left, {} only right, {} changed)",
            counted(counts.contexts, "context"),
            counted(total, "difference"),
            counts.only_left,
            counts.only_right,
            counts.changed,
        ))?;
    }
    Ok(if total == 0 { Exit::Done } else { Exit::No })
}

/// Reads the segments of all contexts, by the hashes of their keys.
async fn read(
    source: &Source,
    memberships: &dyn Memberships,
) -> Result<HashMap<String, Segments>, Failure> {
    let mut contexts = HashMap::new();
    let mut cursor = None;
    loop {
        let page = memberships.page(cursor.as_deref()).await;
        let page = page.map_err(|error| source.failure(&error))?;
        let rows = page.memberships.into_iter();
        contexts.extend(rows.map(|row: StoredMembership| {
            let segments = Segments {
                included: row.included.into_iter().collect(),
                excluded: row.excluded.into_iter().collect(),
            };
            (row.context_hash, segments)
        }));
        cursor = page.next;
        if cursor.is_none() {
            // A row stays when the last segment of its context is removed.
            contexts.retain(|_, segments| *segments != Segments::default());
            return Ok(contexts);
        }
    }
}
