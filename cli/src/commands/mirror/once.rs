//! One copy.

use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::time::timeout;
use vexil::model::DataKind;
use vexil::store::StoreError;

use super::MirrorArgs;
use super::console::{Console, CountsDocument, WrittenDocument, sentence, too_large};
use crate::commands::diff::{DifferenceDocument, Report};
use crate::diff;
use crate::exit::{Exit, Failure};
use crate::mirror::{
    BigSegments, Command, Copied, CopyError, Plan, Refusal, Target, Written, described, unreadable,
};
use crate::output::counted;
use crate::session::{DEFAULT_TIMEOUT, Session, timed_out};
use crate::snapshot::Snapshot;
use crate::source::Source;

/// How long the state of the database is looked up after a failure.
const LOOK: Duration = Duration::from_secs(5);
/// How often the elapsed time is shown.
const TICK: Duration = Duration::from_millis(100);

/// What is to be done.
struct Prepared {
    plan: Plan,
    /// What the target contains.
    before: Snapshot,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DryRunDocument<'d> {
    schema: &'static str,
    dry_run: bool,
    flags: CountsDocument<'d>,
    segments: CountsDocument<'d>,
    bytes: usize,
    differences: Vec<DifferenceDocument<'d>>,
}

pub(super) async fn run(
    args: &MirrorArgs,
    from: &Source,
    to: &Source,
    target: &Target,
    session: &mut Session<'_>,
) -> Result<Exit, Failure> {
    let begun = Instant::now();
    let big_segments = big_segments(args, from, to, session)?;
    let mut signals = session.io.signals.clone();
    let limit = session.common.timeout.unwrap_or(DEFAULT_TIMEOUT);
    // Nothing is written before everything was read.
    let Prepared { plan, before } = tokio::select! {
        biased;
        exit = signals.requested() => return Ok(exit),
        prepared = prepare(args, from, to, target, session) => prepared?,
        failure = timed_out(Some(limit)) => return Err(failure),
    };
    if args.dry_run {
        return show(&plan, &before, to, session);
    }
    if !args.yes
        && let Some(refusal) = Refusal::of_first_write(&plan, &before)
    {
        let mut console = Console {
            from,
            to,
            yes: false,
            session,
        };
        console.approve(refusal)?;
    }
    let mut progress = session.output.progress("items", None);
    let items = plan
        .collections
        .iter()
        .map(|collection| collection.items.len());
    progress.add(items.sum::<usize>() as u64);
    let written = async {
        let mut write = std::pin::pin!(target.replace(&plan));
        loop {
            tokio::select! {
                written = &mut write => return written,
                () = tokio::time::sleep(TICK) => progress.add(0),
            }
        }
    };
    let written = tokio::select! {
        biased;
        exit = signals.requested() => Err(exit),
        written = written => Ok(written),
    };
    progress.finish();
    let written = match written {
        Ok(Ok(written)) => written,
        Ok(Err(error)) => return Err(failed(&error, &plan, &before, to, target).await),
        Err(exit) => return Err(interrupted(exit, &plan, &before, to, target).await),
    };
    if !args.no_verify {
        verify(&plan, &written, to, target).await?;
    }
    let copied = match big_segments {
        None => None,
        Some(big_segments) => {
            let mut progress = session.output.progress("contexts", None);
            let copied = tokio::select! {
                biased;
                exit = signals.requested() => Err(Failure::new(
                    exit,
                    "interrupted: the flags and segments were written, and a part of the members of big segments",
                )
                .help("run the command again: it writes everything")),
                copied = big_segments.copy(args.keep_missing, &mut progress) => {
                    copied.map_err(|error| not_copied(&error, from, to))
                }
            };
            progress.finish();
            Some(copied?)
        }
    };
    report(&plan, &written, copied, begun.elapsed(), to, session)
}

/// Opens both stores of big segments, if their members are to be copied.
fn big_segments(
    args: &MirrorArgs,
    from: &Source,
    to: &Source,
    session: &Session<'_>,
) -> Result<Option<BigSegments>, Failure> {
    if !args.big_segments {
        return Ok(None);
    }
    match (from.memberships(session)?, to.memberships(session)?) {
        (Some(from), Some(to)) => Ok(Some(BigSegments { from, to })),
        _ => Err(Failure::usage(format_args!(
            "the members of big segments cannot be copied from {from}"
        ))
        .help("leave out --big-segments, or name a Redis or DynamoDB that has them")),
    }
}

/// The members of big segments were not copied as a whole.
fn not_copied(error: &CopyError, from: &Source, to: &Source) -> Failure {
    let failure = match error {
        CopyError::From(error) => from.failure(error),
        CopyError::To(error) => to.failure(error),
    };
    Failure::new(
        Exit::Incomplete,
        format_args!(
            "the flags and segments were written, but only a part of the members of big segments: {}",
            failure.message
        ),
    )
    .help("run the command again: it writes everything")
}

/// Reads and checks both sides.
async fn prepare(
    args: &MirrorArgs,
    from: &Source,
    to: &Source,
    target: &Target,
    session: &mut Session<'_>,
) -> Result<Prepared, Failure> {
    let contents = from.read_with(&args.reading, session).await?;
    let before = target.read().await.map_err(|error| to.failure(&error))?;
    let plan = Plan::new(&contents.snapshot, &before, args.rules());
    if !args.reading.tolerant && !plan.unreadable.is_empty() {
        return Err(unreadable(&plan.unreadable));
    }
    for item in &plan.unreadable {
        let text = described(item);
        session
            .output
            .warn(format_args!("left out, because it cannot be read: {text}"));
    }
    if plan.has_big_segments && !args.big_segments {
        session
            .output
            .warn("there are big segments, whose members are not copied; --big-segments copies them from one \
             database to another");
    }
    match Refusal::of_loss(&plan) {
        Some(refusal) if !args.allow_empty && !args.dry_run => Err(refusal.failure()),
        _ => Ok(Prepared { plan, before }),
    }
}

/// Shows what would be written.
fn show(
    plan: &Plan,
    before: &Snapshot,
    to: &Source,
    session: &mut Session<'_>,
) -> Result<Exit, Failure> {
    let differences = diff::compare(before, &plan.contents, &diff::Options::default());
    let (name, none) = (to.to_string(), Written::default());
    let markers = [before.initialized, plan.contents.initialized];
    let report = Report::new(&name, "the source", markers, &differences);
    let output = &mut session.output;
    if output.json {
        output.document(&DryRunDocument {
            schema: "vexil.mirror/1",
            dry_run: true,
            flags: CountsDocument::new(DataKind::Flag, plan, &none),
            segments: CountsDocument::new(DataKind::Segment, plan, &none),
            bytes: plan.bytes,
            differences: report.items(),
        })?;
    } else {
        report.print(output)?;
        output.line(format_args!(
            "would write {}, {}, and remove {}; nothing was written",
            counted(plan.flags.after, "flag"),
            counted(plan.segments.after, "segment"),
            plan.flags.removed + plan.segments.removed,
        ))?;
    }
    Ok(Exit::Done)
}

/// Compares the database with what was written.
async fn verify(
    plan: &Plan,
    written: &Written,
    to: &Source,
    target: &Target,
) -> Result<(), Failure> {
    let after = target.read().await.map_err(|error| {
        let Failure { message, .. } = to.failure(&error);
        Failure::new(
            Exit::Incomplete,
            format_args!("everything was written, but cannot be verified: {message}"),
        )
        .help("run \"vexil diff\" when the database can be reached, or use --no-verify")
    })?;
    let differences = diff::compare(&plan.contents, &after, &diff::Options::default());
    let is_skipped = |item: &diff::Difference| {
        let mut skipped = written.skipped.iter();
        skipped.any(|(kind, key)| *kind == item.kind && *key == item.key)
    };
    let other: Vec<_> = differences
        .items
        .iter()
        .filter(|item| !is_skipped(item))
        .collect();
    let Some(first) = other.first() else {
        return Ok(());
    };
    Err(Failure::new(
        Exit::Incomplete,
        format_args!(
            "everything was written, but {} in {to} differ from it, such as {} {:?}",
            counted(other.len(), "item"),
            first.kind,
            first.key.as_str(),
        ),
    )
    .help("does another program write there, too? \"vexil diff\" shows the differences"))
}

fn report(
    plan: &Plan,
    written: &Written,
    copied: Option<Copied>,
    time: Duration,
    to: &Source,
    session: &mut Session<'_>,
) -> Result<Exit, Failure> {
    let output = &mut session.output;
    if output.json {
        output.document(&WrittenDocument::new(plan, written, time).with(copied))?;
    } else {
        output.line(sentence(plan, written, time))?;
        if let Some(Copied {
            contexts, removed, ..
        }) = copied
        {
            output.line(format_args!(
                "copied the big segments of {}; removed {removed}",
                counted(contexts, "context")
            ))?;
        }
    }
    for (kind, key) in &written.skipped {
        output.warn(too_large(*kind, key));
    }
    if written.skipped.is_empty() {
        return Ok(Exit::Done);
    }
    Err(Failure::new(
        Exit::Incomplete,
        format_args!(
            "{} could not be written to {to}; all others were written",
            counted(written.skipped.len(), "item")
        ),
    )
    .help("split the flag, or move its lists into segments; then run the command again"))
}

/// A write has failed: says what the database contains.
async fn failed(
    error: &StoreError,
    plan: &Plan,
    before: &Snapshot,
    to: &Source,
    target: &Target,
) -> Failure {
    let failure = to.failure(error);
    let after = timeout(LOOK, target.read()).await;
    let Ok(Ok(after)) = after else {
        return Failure::new(
            Exit::Incomplete,
            format_args!(
                "{}; {} can not be read to see what was written",
                failure.message, to
            ),
        )
        .help("run the command again: it writes everything");
    };
    if after == *before {
        return Failure {
            message: format!("{}; nothing was written", failure.message),
            ..failure
        };
    }
    Failure::new(
        Exit::Incomplete,
        format_args!("{}; {}", failure.message, state(plan, &after)),
    )
    .help("run the command again: it writes everything")
}

/// The end was requested during a write: says what the database contains.
async fn interrupted(
    exit: Exit,
    plan: &Plan,
    before: &Snapshot,
    to: &Source,
    target: &Target,
) -> Failure {
    let after = timeout(LOOK, target.read()).await;
    let state = match after {
        Ok(Ok(after)) if after == *before => "nothing was written".to_owned(),
        Ok(Ok(after)) => state(plan, &after),
        _ if target.is_atomic() => "either everything was written, or nothing".to_owned(),
        _ => "a part may be written; the marker is unchanged".to_owned(),
    };
    Failure::new(exit, format_args!("interrupted: {state} in {to}"))
        .help("run the command again: it writes everything")
}

/// Describes how far a write has come.
fn state(plan: &Plan, after: &Snapshot) -> String {
    let items = plan.contents.items().count();
    let open = plan.changes(after).count();
    if open == 0 && !plan.removes(after) && after.initialized == Some(true) {
        return "everything was written".to_owned();
    }
    let marker = if after.initialized == Some(true) {
        "set, as before"
    } else {
        "not set"
    };
    format!(
        "{} of {items} items are up to date, and the marker is {marker}",
        items - open
    )
}
