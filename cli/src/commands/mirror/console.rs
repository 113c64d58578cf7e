//! [`Console`]: what `vexil mirror` prints and asks.

use std::io::{BufRead, BufReader};
use std::time::Duration;

use indicatif::HumanBytes;
use serde::Serialize;
use vexil::Text;
use vexil::model::DataKind;
use vexil::store::StoreError;

use crate::exit::Failure;
use crate::mirror::{Command, Copied, Counts, Event, Plan, Refusal, Side, Written, described};
use crate::output::{counted, escaped, kind_name, time_of_day, timestamp};
use crate::session::Session;
use crate::source::Source;

/// What `vexil mirror` prints and asks.
pub(super) struct Console<'c, 'io> {
    pub(super) from: &'c Source,
    pub(super) to: &'c Source,
    /// Whether questions are answered with yes.
    pub(super) yes: bool,
    pub(super) session: &'c mut Session<'io>,
}

/// The document of a write.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WrittenDocument<'d> {
    schema: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'static str>,
    flags: CountsDocument<'d>,
    segments: CountsDocument<'d>,
    #[serde(skip_serializing_if = "Option::is_none")]
    big_segments: Option<BigSegmentsDocument>,
    bytes: usize,
    marker: bool,
    seconds: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BigSegmentsDocument {
    contexts: usize,
    removed: usize,
    synchronized_on: Option<u64>,
}

#[derive(Serialize)]
pub(super) struct CountsDocument<'d> {
    pub(super) written: usize,
    pub(super) removed: usize,
    /// The keys of items that are too large for the database.
    pub(super) skipped: Vec<&'d Text>,
}

/// The document of another event.
#[derive(Serialize)]
struct EventDocument<'d> {
    schema: &'static str,
    at: String,
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    side: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'d str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    /// The version that the database has.
    #[serde(skip_serializing_if = "Option::is_none")]
    stored: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl<'d> EventDocument<'d> {
    fn new(event: &'static str) -> Self {
        Self {
            schema: SCHEMA,
            at: timestamp(),
            event,
            side: None,
            kind: None,
            key: None,
            version: None,
            stored: None,
            deleted: None,
            error: None,
        }
    }

    fn of(mut self, kind: DataKind, key: &'d Text) -> Self {
        self.kind = Some(kind_name(kind));
        self.key = Some(key);
        self
    }
}

const SCHEMA: &str = "vexil.mirror/1";

impl<'d> CountsDocument<'d> {
    pub(super) fn new(kind: DataKind, plan: &Plan, written: &'d Written) -> Self {
        let Counts { after, removed, .. } = plan.counts(kind);
        let skipped = written.skipped.iter();
        let skipped: Vec<&Text> = skipped
            .filter(|(of, _)| *of == kind)
            .map(|(_, key)| key)
            .collect();
        Self {
            written: after.saturating_sub(skipped.len()),
            removed,
            skipped,
        }
    }
}

impl<'d> WrittenDocument<'d> {
    pub(super) fn new(plan: &Plan, written: &'d Written, time: Duration) -> Self {
        Self {
            schema: SCHEMA,
            at: None,
            event: None,
            flags: CountsDocument::new(DataKind::Flag, plan, written),
            segments: CountsDocument::new(DataKind::Segment, plan, written),
            big_segments: None,
            bytes: plan.bytes,
            marker: true,
            seconds: (time.as_secs_f64() * 1000.0).round() / 1000.0,
        }
    }
}

impl WrittenDocument<'_> {
    /// Adds the copy of big segments.
    pub(super) fn with(mut self, copied: Option<Copied>) -> Self {
        self.big_segments = copied.map(|copied| BigSegmentsDocument {
            contexts: copied.contexts,
            removed: copied.removed,
            synchronized_on: copied.synchronized_on,
        });
        self
    }
}

/// Describes a write in a sentence.
pub(super) fn sentence(plan: &Plan, written: &Written, time: Duration) -> String {
    let [flags, segments] =
        [DataKind::Flag, DataKind::Segment].map(|kind| CountsDocument::new(kind, plan, written));
    format!(
        "mirrored {}, {} ({}) in {:.1} s; removed {}; marker set",
        counted(flags.written, "flag"),
        counted(segments.written, "segment"),
        HumanBytes(plan.bytes as u64),
        time.as_secs_f64(),
        flags.removed + segments.removed,
    )
}

impl Console<'_, '_> {
    /// Prints a line with its time.
    fn line(&mut self, text: &str) -> Result<(), Failure> {
        let output = &mut self.session.output;
        let clock = output.dim(time_of_day());
        output.line(format_args!("{clock}  {text}"))
    }

    /// Prints an event as a document, or a warning.
    fn warn(&mut self, document: &EventDocument<'_>, text: &str) -> Result<(), Failure> {
        if self.session.output.json {
            return self.session.output.document_line(document);
        }
        let clock = time_of_day();
        self.session.output.warn(format_args!("{clock}  {text}"));
        Ok(())
    }

    fn side(&self, side: Side) -> (&'static str, String) {
        match side {
            Side::Source => ("from", self.from.to_string()),
            Side::Target => ("to", self.to.to_string()),
        }
    }

    /// Asks on the terminal. Returns the failure if there is none, or the answer is no.
    fn ask(&mut self, refusal: Refusal) -> Result<(), Failure> {
        let io = &mut self.session.io;
        let stdin = io.stdin.is_terminal.then(|| io.stdin.take()).flatten();
        let Some(stdin) = stdin else {
            return Err(refusal.failure());
        };
        let output = &mut self.session.output;
        output.ask(format_args!(
            "{}: {}.\nReplace what it contains? [y/N] ",
            self.to,
            refusal.reason()
        ));
        let mut answer = String::new();
        let read = BufReader::new(stdin).read_line(&mut answer);
        match (read, answer.trim().to_ascii_lowercase().as_str()) {
            (Ok(_), "y" | "yes") => Ok(()),
            _ => Err(refusal.failure()),
        }
    }
}

impl Command for Console<'_, '_> {
    fn report(&mut self, event: Event<'_>) -> Result<(), Failure> {
        match event {
            Event::Written {
                plan,
                written,
                time,
            } => {
                for (kind, key) in &written.skipped {
                    let text = too_large(*kind, key);
                    self.warn(&EventDocument::new("tooLarge").of(*kind, key), &text)?;
                }
                if self.session.output.json {
                    let document = WrittenDocument {
                        at: Some(timestamp()),
                        event: Some("written"),
                        ..WrittenDocument::new(plan, written, time)
                    };
                    return self.session.output.document_line(&document);
                }
                self.line(&sentence(plan, written, time))
            }
            Event::Item {
                kind,
                key,
                before,
                after,
            } => {
                if self.session.output.json {
                    let mut document = EventDocument::new("item").of(kind, key);
                    document.version = Some(after.version);
                    document.deleted = Some(after.deleted);
                    return self.session.output.document_line(&document);
                }
                let arrow = if self.session.output.ascii {
                    "->"
                } else {
                    "→"
                };
                let versions = match before {
                    Some(before) if before != after.version => {
                        format!("version {before} {arrow} {}", after.version)
                    }
                    _ => format!("version {}", after.version),
                };
                let deleted = if after.deleted { "  deleted" } else { "" };
                let name = kind_name(kind);
                self.line(&format!("{name} {}  {versions}{deleted}", escaped(key)))
            }
            Event::Superseded {
                kind,
                key,
                version,
                stored,
            } => {
                let mut document = EventDocument::new("superseded").of(kind, key);
                document.version = Some(version);
                document.stored = stored;
                let stored = stored
                    .map(|stored| format!(" ({stored})"))
                    .unwrap_or_default();
                let text = format!(
                    "{} has a newer version{stored} of the {} {key:?} than {version}; everything is written again soon",
                    self.to,
                    kind_name(kind)
                );
                self.warn(&document, &escaped(&text))
            }
            Event::OutageBegan { side, reason } => {
                let (side, shown) = self.side(side);
                let mut document = EventDocument::new("outageBegan");
                document.side = Some(side);
                document.error = Some(reason.clone());
                let text = format!("{shown} does not work, and is tried again: {reason}");
                self.warn(&document, &text)
            }
            Event::OutageEnded { side } => {
                let (side, shown) = self.side(side);
                let mut document = EventDocument::new("outageEnded");
                document.side = Some(side);
                if self.session.output.json {
                    return self.session.output.document_line(&document);
                }
                let clock = time_of_day();
                let text = format_args!("{clock}  {shown} works again");
                self.session.output.note(text);
                Ok(())
            }
            Event::LockLost => {
                let text = format!("{}: another copy has the lock; waiting for it", self.to);
                self.warn(&EventDocument::new("lockLost"), &text)
            }
            Event::Emptied => {
                let text = format!("{} has lost items, which are written again", self.to);
                self.warn(&EventDocument::new("emptied"), &text)
            }
            Event::Refused(refusal) => {
                let mut document = EventDocument::new("refused");
                document.error = Some(refusal.reason());
                let text = format!(
                    "{} is not written until the source changes: {}; --allow-empty writes it",
                    self.to,
                    refusal.reason()
                );
                self.warn(&document, &text)
            }
            Event::Unreadable(item) => {
                let mut document = EventDocument::new("unreadable").of(item.kind, &item.key);
                document.error = Some(item.error.clone());
                let text = format!("left out, because it cannot be copied: {}", described(item));
                self.warn(&document, &text)
            }
        }
    }

    fn approve(&mut self, refusal: Refusal) -> Result<(), Failure> {
        if self.yes {
            return Ok(());
        }
        self.ask(refusal)
    }

    fn failure(&self, error: &StoreError) -> Failure {
        self.to.failure(error)
    }
}

/// Says that an item was left out.
pub(super) fn too_large(kind: DataKind, key: &Text) -> String {
    let text = format!(
        "the {} {:?} is too large for the database, which keeps its own",
        kind_name(kind),
        key.as_str()
    );
    escaped(&text).into_owned()
}
