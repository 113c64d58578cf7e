//! `vexil watch`: shows each change of a source.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use vexil::big_segments::BigSegmentStore;
use vexil::eval::{Detail, Reason};
use vexil::model::DataKind;
use vexil::{Context, Text, Value};

use super::context::ContextArgs;
use crate::args::{SourceArgs, duration};
use crate::evaluator::{Evaluator, compact, described};
use crate::exit::{Exit, Failure};
use crate::output::{counted, escaped, kind_name, time_of_day, timestamp};
use crate::session::{Session, timed_out};
use crate::source::{Change, Contents, Source};
use crate::watch::{Changed, Sort, Watched};

/// Show each change of the flags and segments of a source, until the command is ended.
///
/// With a context, only changes of a flag's value or reason for it are shown.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  vexil watch redis://localhost
  vexil watch service new-checkout theme --key ada
  vexil watch flags.yaml --once 1 --json")]
pub(crate) struct WatchArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// The flags to watch. Default: all.
    #[arg(value_name = "FLAG")]
    flags: Vec<String>,
    #[command(flatten)]
    context: ContextArgs,
    /// Show all changes, also those that change nothing for the context.
    #[arg(long)]
    all: bool,
    /// End after this number of changes.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    once: Option<u64>,
    /// The time between two reads of sources that do not send changes. Default: 30s.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "30s", hide_default_value = true)]
    interval: Duration,
}

/// The document of a change.
#[derive(Serialize)]
struct Document<'d> {
    schema: &'static str,
    at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'d str>,
    change: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<Versions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evaluation: Option<Evaluations<'d>>,
    /// The flags that a changed segment touches.
    #[serde(skip_serializing_if = "Option::is_none")]
    touches: Option<&'d [Text]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flags: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    segments: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'d str>,
}

#[derive(Serialize)]
struct Versions {
    from: Option<u64>,
    to: Option<u64>,
}

#[derive(Serialize)]
struct Evaluations<'d> {
    from: Option<Evaluated<'d>>,
    to: Option<Evaluated<'d>>,
}

#[derive(Serialize)]
struct Evaluated<'d> {
    value: &'d Value,
    variation: Option<usize>,
    reason: &'d Reason,
}

impl<'d> From<&'d Detail<Value>> for Evaluated<'d> {
    fn from(detail: &'d Detail<Value>) -> Self {
        Self {
            value: &detail.value,
            variation: detail.variation_index,
            reason: &detail.reason,
        }
    }
}

impl Document<'_> {
    fn new(change: &'static str) -> Self {
        Self {
            schema: "vexil.watch/1",
            at: timestamp(),
            kind: None,
            key: None,
            change,
            version: None,
            evaluation: None,
            touches: None,
            flags: None,
            segments: None,
            error: None,
        }
    }
}

pub(super) async fn run(args: WatchArgs, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let context = match args.context.is_given() {
        true => Some(args.context.read(session)?),
        false => None,
    };
    let source = Source::parse(&args.source.source, session)?;
    let mut changes = source.follow(&args.source.reading, args.interval, session)?;
    let mut watch = Watch {
        big_segments: match &context {
            Some(_) => source.big_segments(session)?,
            None => None,
        },
        shown: source.to_string(),
        left: args.once,
        args: &args,
        context,
        watched: Watched::default(),
        details: BTreeMap::new(),
        has_begun: false,
        session,
    };
    let mut timed_out = std::pin::pin!(timed_out(watch.session.common.timeout));
    while watch.left != Some(0) {
        let change = tokio::select! {
            change = changes.next() => change?,
            failure = &mut timed_out => return Err(failure),
        };
        watch.take(change)?;
    }
    Ok(Exit::Done)
}

/// An evaluation before and after a change; `None` if there was no such flag.
#[derive(Clone, Copy, PartialEq)]
struct Turn<'d> {
    from: Option<&'d Detail<Value>>,
    to: Option<&'d Detail<Value>>,
}

impl<'d> From<Turn<'d>> for Evaluations<'d> {
    fn from(turn: Turn<'d>) -> Self {
        Self {
            from: turn.from.map(Into::into),
            to: turn.to.map(Into::into),
        }
    }
}

struct Watch<'w, 'io> {
    args: &'w WatchArgs,
    /// The source as it is shown.
    shown: String,
    context: Option<Context>,
    big_segments: Option<Arc<dyn BigSegmentStore>>,
    watched: Watched,
    /// The evaluations for the context, by flag.
    details: BTreeMap<Text, Detail<Value>>,
    /// Whether the source has been read.
    has_begun: bool,
    /// How many changes are still shown.
    left: Option<u64>,
    session: &'w mut Session<'io>,
}

impl Watch<'_, '_> {
    fn take(&mut self, change: Change) -> Result<(), Failure> {
        match change {
            Change::Whole(snapshot) => {
                let changes = self.watched.replace(snapshot);
                if std::mem::replace(&mut self.has_begun, true) {
                    return self.show(&changes);
                }
                self.details = self.evaluate()?;
                self.begin()
            }
            Change::Item { kind, key, item } => {
                let changed = self.watched.update(kind, key, item);
                self.show(changed.as_slice())
            }
            Change::OutageBegan(reason) => {
                let text = format!("{} does not work, and is tried again: {reason}", self.shown);
                self.note("outageBegan", Some(&reason), &text)
            }
            Change::OutageEnded => {
                let text = format!("{} works again", self.shown);
                self.note("outageEnded", None, &text)
            }
        }
    }

    /// Prints the state at the start.
    fn begin(&mut self) -> Result<(), Failure> {
        let live = |kind| {
            let items = self.watched.snapshot.of(kind).values();
            items.filter(|item| !item.deleted).count()
        };
        let (flags, segments) = (live(DataKind::Flag), live(DataKind::Segment));
        if self.session.output.json {
            let mut document = Document::new("state");
            (document.flags, document.segments) = (Some(flags), Some(segments));
            return self.session.output.document_line(&document);
        }
        let evaluations: Vec<String> = self
            .details
            .iter()
            .filter(|_| !self.args.flags.is_empty())
            .map(|(key, detail)| format!("{} = {}", escaped(key), value(detail)))
            .collect();
        let evaluations = match (&self.context, evaluations.as_slice()) {
            (Some(context), [_, ..]) => format!(
                "  | {}: {}",
                escaped(&described(context)),
                evaluations.join(", ")
            ),
            _ => String::new(),
        };
        let text = format!(
            "{}: {}, {}{evaluations}",
            self.shown,
            counted(flags, "flag"),
            counted(segments, "segment")
        );
        self.line(&text)
    }

    /// Prints changes, and the evaluations that they change.
    fn show(&mut self, changes: &[Changed]) -> Result<(), Failure> {
        let after = match (&self.context, changes) {
            (Some(_), [_, ..]) => self.evaluate()?,
            _ => BTreeMap::new(),
        };
        let before = std::mem::replace(&mut self.details, after.clone());
        let evaluation = |key: &Text| {
            let (from, to) = (before.get(key), after.get(key));
            (from != to).then_some(Turn { from, to })
        };
        for change in changes {
            let evaluation = match change.kind {
                DataKind::Flag => evaluation(&change.key),
                DataKind::Segment => None,
            };
            let matters = self.context.is_none() || self.args.all || evaluation.is_some();
            if matters && self.is_watched(change) {
                self.print(change, evaluation)?;
            }
        }
        // Flags that did not change themselves, but a segment or prerequisite of theirs.
        let is_shown = |key: &Text| {
            let mut changes = changes.iter();
            changes.any(|change| change.kind == DataKind::Flag && change.key == *key)
        };
        for key in after.keys() {
            if let (Some(evaluation), false) = (evaluation(key), is_shown(key)) {
                self.print_evaluation(key, evaluation)?;
            }
        }
        Ok(())
    }

    fn is_watched(&self, change: &Changed) -> bool {
        let is_named = |key: &Text| self.args.flags.iter().any(|flag| flag == key.as_str());
        self.args.flags.is_empty()
            || match change.kind {
                DataKind::Flag => is_named(&change.key),
                DataKind::Segment => change.touches.iter().any(is_named),
            }
    }

    /// Evaluates the watched flags for the context.
    fn evaluate(&self) -> Result<BTreeMap<Text, Detail<Value>>, Failure> {
        let Some(context) = &self.context else {
            return Ok(BTreeMap::new());
        };
        let evaluator = Evaluator::new(&Contents {
            source: self.shown.clone(),
            snapshot: self.watched.snapshot.clone(),
            documents: Vec::new(),
            big_segments: self.big_segments.clone(),
        })?;
        let names = &self.args.flags;
        let flags = evaluator.flags().iter().map(|flag| flag.key());
        let flags =
            flags.filter(|key| names.is_empty() || names.iter().any(|name| name == key.as_str()));
        Ok(flags
            .map(|key| (key.clone(), evaluator.evaluate(key, context)))
            .collect())
    }

    fn print(&mut self, changed: &Changed, evaluation: Option<Turn<'_>>) -> Result<(), Failure> {
        let Some(left) = self.one_more() else {
            return Ok(());
        };
        self.left = left;
        let Changed {
            kind,
            key,
            change,
            from,
            to,
            touches,
        } = changed;
        if self.session.output.json {
            let mut document = Document::new(match change {
                Sort::Added => "added",
                Sort::Updated => "updated",
                Sort::Deleted => "deleted",
            });
            document.kind = Some(kind_name(*kind));
            document.key = Some(key);
            document.version = Some(Versions {
                from: *from,
                to: *to,
            });
            document.evaluation = evaluation.map(Into::into);
            document.touches = Some(touches);
            return self.session.output.document_line(&document);
        }
        let arrow = self.arrow();
        let versions = match (from, to) {
            (Some(from), Some(to)) if from != to => format!("version {from} {arrow} {to}"),
            (_, Some(version)) | (Some(version), None) => format!("version {version}"),
            (None, None) => String::new(),
        };
        let state = match change {
            Sort::Deleted => "deleted",
            Sort::Added => "added",
            Sort::Updated => "",
        };
        let on = self.state_of(*kind, key);
        let kind = match kind {
            DataKind::Flag => "",
            DataKind::Segment => "segment ",
        };
        let touches = match touches.as_slice() {
            [] => String::new(),
            touches => format!("touches {}", escaped(&touches.join(", "))),
        };
        let evaluation = evaluation.map_or_else(String::new, |it| self.evaluation(it));
        let parts = [
            format!("{kind}{}", escaped(key)),
            versions,
            state.to_owned(),
            on.to_owned(),
            touches,
            evaluation,
        ];
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        self.line(&parts.join("  "))
    }

    /// Prints that a flag has another value although it did not change itself.
    fn print_evaluation(&mut self, key: &Text, turn: Turn<'_>) -> Result<(), Failure> {
        let Some(left) = self.one_more() else {
            return Ok(());
        };
        self.left = left;
        if self.session.output.json {
            let mut document = Document::new("evaluation");
            document.kind = Some("flag");
            document.key = Some(key);
            document.evaluation = Some(turn.into());
            return self.session.output.document_line(&document);
        }
        let text = format!("{}  {}", escaped(key), self.evaluation(turn));
        self.line(&text)
    }

    /// Returns the number of changes that are shown after this one; `None` if it is not shown.
    fn one_more(&self) -> Option<Option<u64>> {
        match self.left {
            None => Some(None),
            Some(left) => left.checked_sub(1).map(Some),
        }
    }

    fn evaluation(&self, Turn { from, to }: Turn<'_>) -> String {
        let context = self.context.as_ref().map(described).unwrap_or_default();
        let arrow = self.arrow();
        let missing = || "-".to_owned();
        let (one, other) = (
            from.map_or_else(missing, value),
            to.map_or_else(missing, value),
        );
        let reason = to
            .map(|to| format!("  ({})", to.reason))
            .unwrap_or_default();
        let values = if one == other {
            other
        } else {
            format!("{one} {arrow} {other}")
        };
        format!("| {}: {values}{}", escaped(&context), escaped(&reason))
    }

    fn state_of(&self, kind: DataKind, key: &Text) -> &'static str {
        #[derive(serde::Deserialize)]
        struct On {
            #[serde(default)]
            on: bool,
        }
        let item = self.watched.snapshot.of(kind).get(key);
        let Some(item) = item.filter(|item| kind == DataKind::Flag && !item.deleted) else {
            return "";
        };
        match serde_json::from_slice(&item.json) {
            Ok(On { on: true }) => "on",
            Ok(On { on: false }) => "off",
            Err(_) => "",
        }
    }

    fn arrow(&self) -> &'static str {
        if self.session.output.ascii {
            "->"
        } else {
            "→"
        }
    }

    /// Prints a line with its time.
    fn line(&mut self, text: &str) -> Result<(), Failure> {
        let output = &mut self.session.output;
        let clock = output.dim(time_of_day());
        output.line(format_args!("{clock}  {text}"))
    }

    /// Prints something about the connection.
    fn note(
        &mut self,
        change: &'static str,
        error: Option<&str>,
        text: &str,
    ) -> Result<(), Failure> {
        let output = &mut self.session.output;
        if output.json {
            let mut document = Document::new(change);
            document.error = error;
            return output.document_line(&document);
        }
        output.note(format_args!("{}  {text}", time_of_day()));
        Ok(())
    }
}

/// Returns a value as JSON; a sign where an application gets its default.
fn value(detail: &Detail<Value>) -> String {
    match detail.variation_index {
        Some(_) => escaped(&compact(&detail.value)).into_owned(),
        None => "default".to_owned(),
    }
}
