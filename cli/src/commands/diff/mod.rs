//! `vexil diff`: how two sources differ.

mod big_segments;
mod values;

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anstyle::AnsiColor;
use clap::Args;
use globset::{Glob, GlobMatcher};
use serde::Serialize;
use serde_json::Value;
use vexil::model::DataKind;

use self::values::Values;
use crate::args::duration;
use crate::diff::{Aspect, Change, Difference, Differences, Edit, Options, Presence, compare};
use crate::evaluator::{compact, described};
use crate::exit::{Exit, Failure};
use crate::output::{Output, counted, escaped, kind_name, shortened};
use crate::session::Session;
use crate::source::Source;

/// The longest name of a source in the lines of differences.
const LONGEST_NAME: usize = 24;
/// The longest value that is printed.
const LONGEST_VALUE: usize = 60;
/// The width of the first columns.
const KEY_WIDTH: usize = 24;

/// Show how two sources differ: exit status 0 if they are equal, 1 if not.
///
/// Items are compared by what they mean: a missing member equals its default, and the order of
/// operands and keys means nothing. The order of rules, targets and prerequisites does.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  vexil diff flags.yaml redis://localhost
  vexil diff service redis://localhost --ignore version,tracking --stat
  vexil diff old.json new.json --only 'checkout-*' --contexts contexts.jsonl")]
pub(crate) struct DiffArgs {
    /// The left source.
    #[arg(value_name = "A")]
    left: String,
    /// The right source.
    #[arg(value_name = "B")]
    right: String,
    /// Leave out these aspects, separated by commas.
    #[arg(long, value_name = "ASPECTS", value_delimiter = ',')]
    ignore: Vec<Aspect>,
    /// Compare the items as JSON, with nothing left out but the order of members.
    #[arg(long, conflicts_with = "ignore")]
    exact: bool,
    /// Compare only the items whose key matches this pattern, such as 'checkout-*'.
    #[arg(long, value_name = "GLOB", value_parser = glob)]
    only: Option<GlobMatcher>,
    /// Compare the flags only.
    #[arg(long, conflicts_with = "segments")]
    flags: bool,
    /// Compare the segments only.
    #[arg(long)]
    segments: bool,
    /// Compare the members of big segments only, which databases contain.
    #[arg(long, conflicts_with_all = ["flags", "segments", "contexts", "only", "ignore", "exact", "stat"])]
    big_segments: bool,
    /// Evaluate the flags of both sources, too, for each context in this file, one JSON object on
    /// each line; "-" is standard input. Shows the flags whose values differ.
    #[arg(long, value_name = "FILE")]
    contexts: Option<String>,
    /// Print one line for each item that differs, without the differences inside.
    #[arg(long)]
    stat: bool,
    /// If the sources differ and both may change while they are read, read them again after this
    /// time, and show the differences that remain. Default: 2s.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "2s", hide_default_value = true)]
    settle: Duration,
}

fn glob(text: &str) -> Result<GlobMatcher, String> {
    match Glob::new(text) {
        Ok(glob) => Ok(glob.compile_matcher()),
        Err(error) => Err(error.kind().to_string()),
    }
}

pub(super) async fn run(args: DiffArgs, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let left = Source::parse(&args.left, session)?;
    let right = Source::parse(&args.right, session)?;
    if args.big_segments {
        return big_segments::run(&left, &right, session).await;
    }
    let options = args.options();
    let (mut one, mut other) = (left.read(session).await?, right.read(session).await?);
    let mut differences = compare(&one.snapshot, &other.snapshot, &options);
    // A file does not change while it is read.
    let both_move = one.documents.is_empty() && other.documents.is_empty();
    if both_move && !differences.items.is_empty() && !args.settle.is_zero() {
        tokio::time::sleep(args.settle).await;
        (one, other) = (left.read(session).await?, right.read(session).await?);
        let settled = compare(&one.snapshot, &other.snapshot, &options);
        differences = differences.that_remain(settled);
    }
    let values = match &args.contexts {
        Some(file) => Some(values::compare(file, &one, &other, &options, session).await?),
        None => None,
    };
    let report = Report {
        left: &one.source,
        right: &other.source,
        markers: [one.snapshot.initialized, other.snapshot.initialized],
        differences: &differences,
        values: values.as_ref(),
        stat: args.stat,
    };
    let output = &mut session.output;
    if output.json {
        output.document(&report.document())?;
    } else {
        report.print(output)?;
    }
    Ok(if report.is_empty() {
        Exit::Done
    } else {
        Exit::No
    })
}

impl DiffArgs {
    /// Whether flags are evaluated for many contexts, which may take long.
    pub(super) fn has_contexts(&self) -> bool {
        self.contexts.is_some()
    }

    fn options(&self) -> Options {
        let kinds = [
            (self.flags, DataKind::Flag),
            (self.segments, DataKind::Segment),
        ];
        let chosen = kinds.into_iter().filter(|(chosen, _)| *chosen);
        Options {
            ignored: self.ignore.iter().copied().collect(),
            exact: self.exact,
            only: self.only.clone(),
            kinds: chosen.map(|(_, kind)| kind).collect(),
        }
    }
}

/// What is printed.
pub(super) struct Report<'d> {
    /// The names of the sources.
    pub(super) left: &'d str,
    pub(super) right: &'d str,
    /// Whether each side has the marker of a complete data set; `None` if it is no database.
    pub(super) markers: [Option<bool>; 2],
    pub(super) differences: &'d Differences,
    values: Option<&'d Values>,
    stat: bool,
}

#[derive(Serialize)]
struct Document<'d> {
    schema: &'static str,
    left: &'d str,
    right: &'d str,
    markers: [Option<bool>; 2],
    differences: Vec<DifferenceDocument<'d>>,
    counts: Counts,
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<&'d Values>,
}

#[derive(Serialize)]
pub(super) struct DifferenceDocument<'d> {
    kind: &'static str,
    key: &'d str,
    change: &'static str,
    versions: [Option<u64>; 2],
    #[serde(skip_serializing_if = "Option::is_none")]
    edits: Option<&'d [Edit]>,
    /// How many edits are not listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    more: Option<usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Counts {
    flags: usize,
    segments: usize,
    only_left: usize,
    only_right: usize,
    changed: usize,
}

/// Returns the differences as `vexil diff` prints them.
pub(crate) fn text(left: &str, right: &str, differences: &Differences) -> String {
    let memory = Arc::new(Mutex::new(Vec::new()));
    let mut output = Output::into_memory(Memory(Arc::clone(&memory)));
    // Writing to memory does not fail.
    let _ = Report::new(left, right, [None; 2], differences).print(&mut output);
    let bytes = memory.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A writer into memory that is shared with its reader.
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        memory.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'d> Report<'d> {
    pub(super) fn new(
        left: &'d str,
        right: &'d str,
        markers: [Option<bool>; 2],
        differences: &'d Differences,
    ) -> Self {
        Self {
            left,
            right,
            markers,
            differences,
            values: None,
            stat: false,
        }
    }

    fn is_empty(&self) -> bool {
        let values_differ = self.values.is_some_and(|values| !values.flags.is_empty());
        self.differences.items.is_empty() && !values_differ
    }

    fn document(&self) -> Document<'d> {
        Document {
            schema: "vexil.diff/1",
            left: self.left,
            right: self.right,
            markers: self.markers,
            differences: self.items(),
            counts: self.counts(),
            values: self.values,
        }
    }

    /// Returns the differences as parts of a document.
    pub(super) fn items(&self) -> Vec<DifferenceDocument<'d>> {
        let item = |item: &'d Difference| DifferenceDocument {
            kind: kind_name(item.kind),
            key: &item.key,
            change: match item.presence {
                Presence::OnlyLeft => "onlyLeft",
                Presence::OnlyRight => "onlyRight",
                Presence::Both => "changed",
            },
            versions: item.versions,
            edits: (item.presence == Presence::Both && !self.stat)
                .then_some(item.edits.list.as_slice()),
            more: (item.edits.more > 0).then_some(item.edits.more),
        };
        self.differences.items.iter().map(item).collect()
    }

    fn counts(&self) -> Counts {
        let differences = self.differences;
        Counts {
            flags: differences.flags,
            segments: differences.segments,
            only_left: differences.count(Presence::OnlyLeft),
            only_right: differences.count(Presence::OnlyRight),
            changed: differences.count(Presence::Both),
        }
    }

    pub(super) fn print(&self, output: &mut Output) -> Result<(), Failure> {
        let [left, right] = self.names();
        if let [Some(on_left), Some(on_right)] = self.markers
            && on_left != on_right
        {
            let name = if on_left { &right } else { &left };
            output.note(format_args!(
                "note: the marker of a complete data set is missing in {name}"
            ));
        }
        let width = self.names().iter().map(|name| name.chars().count()).max();
        let width = width.unwrap_or_default() + "only in ".len();
        for item in &self.differences.items {
            let (label, color) = match item.presence {
                Presence::OnlyLeft => (format!("only in {left}"), AnsiColor::Red),
                Presence::OnlyRight => (format!("only in {right}"), AnsiColor::Green),
                Presence::Both => ("different".to_owned(), AnsiColor::Yellow),
            };
            let label = output.colored(color, format_args!("{label:width$}"));
            let (kind, key) = (kind_name(item.kind), escaped(&item.key));
            let line = format!(
                "{label}  {kind:7}  {key:KEY_WIDTH$}  {}",
                versions(item, output)
            );
            let edits = match (self.stat, item.edits.len()) {
                (false, _) | (true, 0) => String::new(),
                (true, count) => format!("  {}", counted(count, "edit")),
            };
            output.line(format_args!("{}{edits}", line.trim_end()))?;
            if !self.stat {
                print_edits(item, output)?;
            }
        }
        if let Some(values) = self.values {
            print_values(values, width, output)?;
        }
        self.print_summary(output)?;
        let Some(values) = self.values else {
            return Ok(());
        };
        output.line(format_args!(
            "{}: the values of {} differ",
            counted(
                usize::try_from(values.contexts).unwrap_or(usize::MAX),
                "context"
            ),
            counted(values.flags.len(), "flag")
        ))
    }

    /// The names of the sources in the lines of differences.
    fn names(&self) -> [String; 2] {
        let [left, right] = [self.left, self.right];
        let is_short = |name: &str| name.chars().count() <= LONGEST_NAME;
        if left != right && is_short(left) && is_short(right) {
            [escaped(left).into_owned(), escaped(right).into_owned()]
        } else {
            ["left".to_owned(), "right".to_owned()]
        }
    }

    fn print_summary(&self, output: &mut Output) -> Result<(), Failure> {
        let differences = self.differences;
        let compared = format!(
            "{}, {}",
            counted(differences.flags, "flag"),
            counted(differences.segments, "segment")
        );
        if differences.items.is_empty() {
            return output.line(format_args!("{compared}: no differences"));
        }
        output.line(format_args!(
            "{compared}: {} ({} only left, {} only right, {} changed)",
            counted(differences.items.len(), "difference"),
            differences.count(Presence::OnlyLeft),
            differences.count(Presence::OnlyRight),
            differences.count(Presence::Both),
        ))
    }
}

fn print_values(values: &Values, width: usize, output: &mut Output) -> Result<(), Failure> {
    for flag in &values.flags {
        let label = output.colored(AnsiColor::Yellow, format_args!("{:width$}", "other value"));
        let line = format!(
            "{label}  {:7}  {:KEY_WIDTH$}  for {} of {}, first {}: {} {} {}",
            "flag",
            escaped(&flag.key),
            flag.count,
            values.contexts,
            escaped(&described(&flag.context)),
            cut(&compact(&flag.left), output),
            arrow(output),
            cut(&compact(&flag.right), output),
        );
        output.line(line)?;
    }
    Ok(())
}

fn print_edits(item: &Difference, output: &mut Output) -> Result<(), Failure> {
    let paths: Vec<String> = item
        .edits
        .list
        .iter()
        .map(|edit| escaped(&edit.path.to_string()).into_owned())
        .collect();
    let widths = paths.iter().map(|path| path.chars().count());
    let width = widths.max().unwrap_or_default();
    for (edit, path) in item.edits.list.iter().zip(paths) {
        let change = change(edit, output);
        output.line(format_args!("  {path:width$}  {change}"))?;
    }
    match item.edits.more {
        0 => Ok(()),
        more => output.line(format_args!("  {} {more} more", output.ellipsis())),
    }
}

fn versions(item: &Difference, output: &Output) -> String {
    match item.versions {
        [Some(left), Some(right)] if left != right => {
            format!("version {left} {} {right}", arrow(output))
        }
        [Some(version), _] | [None, Some(version)] => format!("version {version}"),
        [None, None] => String::new(),
    }
}

fn change(edit: &Edit, output: &Output) -> String {
    let arrow = arrow(output);
    match &edit.change {
        Change::OnlyLeft(value) => only("left", edit, value, output),
        Change::OnlyRight(value) => only("right", edit, value, output),
        Change::Replaced(left, right) => {
            format!("{} {arrow} {}", value(left, output), value(right, output))
        }
        Change::Moved { from, to } => format!("moved {from} {arrow} {to}"),
    }
}

fn only(side: &str, edit: &Edit, only: &Value, output: &Output) -> String {
    // Objects are long, and a name in the path says enough.
    if only.is_object() || only.is_array() || edit.path.id().is_some() {
        format!("only {side}")
    } else {
        format!("only {side}: {}", value(only, output))
    }
}

fn value(value: &Value, output: &Output) -> String {
    cut(&value.to_string(), output)
}

fn cut(text: &str, output: &Output) -> String {
    shortened(&escaped(text), LONGEST_VALUE, output.ellipsis()).into_owned()
}

fn arrow(output: &Output) -> &'static str {
    if output.ascii { "->" } else { "→" }
}
