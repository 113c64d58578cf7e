//! Checks flag data: finds what SDKs cannot read, what never has an effect, and what is probably a
//! mistake.
//!
//! A source becomes [items](item) with [trees](tree). The [rules] look at the trees and, for items
//! that can be read, at [typed views](model) of them. The [registry] lists all findings.

mod allowance;
mod data;
mod declared;
mod documents;
mod finding;
mod graph;
mod item;
mod model;
mod registry;
mod rules;
mod sarif;
mod schema;
mod text;
mod tree;

use clap::ValueEnum;
use serde::Serialize;
use vexil::model::{DataKind, ItemReader};

pub(crate) use self::allowance::Allowance;
pub(crate) use self::declared::Declared;
pub(crate) use self::finding::Finding;
use self::finding::{Found, Position};
pub(crate) use self::registry::{Id, Severity};
pub(crate) use self::sarif::sarif;
pub(crate) use self::text::print;
use crate::source::Contents;

/// What flag data is used for, apart from vexil.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Purpose {
    /// It is stored in Redis.
    Redis,
    /// It is stored in DynamoDB.
    Dynamodb,
    /// It is read by the PHP SDK.
    Php,
    /// Mobile SDKs receive the values.
    Mobile,
}

/// What is checked, and what is reported.
#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) purposes: Vec<Purpose>,
    pub(crate) declared: Option<Declared>,
    /// Findings that are not reported.
    pub(crate) allowed: Vec<Allowance>,
    /// The only findings that are reported; all if empty.
    pub(crate) only: Vec<Id>,
    /// Whether a key may be in several files.
    pub(crate) last_wins: bool,
    /// The current time, in milliseconds since 1970.
    pub(crate) now: u64,
}

/// The result of checking a source.
#[derive(Debug)]
pub(crate) struct Report {
    /// In the order of their positions.
    pub(crate) findings: Vec<Finding>,
    pub(crate) counts: Counts,
    /// Whether a whole document cannot be read.
    pub(crate) is_unreadable: bool,
}

/// Numbers of items and findings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    pub(crate) flags: usize,
    pub(crate) segments: usize,
    pub(crate) errors: usize,
    pub(crate) warnings: usize,
    pub(crate) infos: usize,
    /// Findings that are not reported because they are allowed.
    pub(crate) allowed: usize,
}

/// Checks the contents of a source.
pub(crate) fn check(contents: &Contents, options: &Options) -> Report {
    let mut found = Found::default();
    let read = documents::read(contents, options.last_wins, &mut found);
    let mut reader = ItemReader::default();
    let readable: Vec<bool> = read
        .items
        .iter()
        .map(|item| {
            rules::identity::check(item, &options.purposes, &mut found);
            rules::structure::check(item, &options.purposes, &mut reader, &mut found)
        })
        .collect();
    let is_readable = |index: usize| readable.get(index).copied().unwrap_or(false);
    #[expect(clippy::as_conversions, reason = "exact for the next 285,000 years")]
    let now = options.now as f64;
    let mut data = data::Data::new(&read.items, is_readable, now);
    for (kind, key) in &read.unparsed {
        data.add_unreadable(*kind, key);
    }
    rules::check(&data, &mut found);
    if let Some(declared) = &options.declared {
        declared::check(declared, &data, &mut found);
    }
    let mut counts = Counts::default();
    for item in &read.items {
        match item.kind {
            DataKind::Flag => counts.flags += 1,
            DataKind::Segment => counts.segments += 1,
        }
    }
    let mut findings = found.findings;
    findings.retain(|finding| options.only.is_empty() || options.only.contains(&finding.id));
    let all = findings.len();
    findings.retain(|finding| {
        !options
            .allowed
            .iter()
            .any(|allowed| allowed.covers(finding))
    });
    counts.allowed = all - findings.len();
    for finding in &findings {
        match finding.severity {
            Severity::Error => counts.errors += 1,
            Severity::Warning => counts.warnings += 1,
            Severity::Info => counts.infos += 1,
        }
    }
    place(&mut findings, contents);
    Report {
        findings,
        counts,
        is_unreadable: read.is_unreadable,
    }
}

/// Adds the positions, and sorts by them.
fn place(findings: &mut [Finding], contents: &Contents) {
    let lines: Vec<_> = contents
        .documents
        .iter()
        .map(|document| tree::Lines::new(documents::text_of(document)))
        .collect();
    for finding in findings.iter_mut() {
        let Some((index, offset)) = finding.place else {
            continue;
        };
        if let (Some(lines), Some(document)) = (lines.get(index), contents.documents.get(index)) {
            let (line, column) = lines.position(offset);
            finding.at = Some(Position {
                file: document.name.clone(),
                line,
                column,
            });
        }
    }
    findings.sort_by(|a, b| {
        let order = |finding: &Finding| {
            (
                finding.place.is_none(),
                finding.place,
                finding.kind.map(DataKind::namespace),
            )
        };
        order(a)
            .cmp(&order(b))
            .then_with(|| a.key.cmp(&b.key))
            .then_with(|| a.pointer.cmp(&b.pointer))
            .then_with(|| a.id.cmp(&b.id))
    });
}
