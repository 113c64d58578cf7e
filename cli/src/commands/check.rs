//! `vexil check`: finds faults in flag data.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::args::{Duplicates, ReadingArgs, SourceArgs};
use crate::check::{self, Allowance, Counts, Declared, Finding, Id, Options, Purpose, Severity};
use crate::exit::{Exit, Failure};
use crate::output::{Table, milliseconds_since_1970};
use crate::session::Session;
use crate::source;

/// The largest file of declarations.
const DECLARED_BYTES: u64 = 64 << 20;

/// Find faults in flags and segments: what SDKs cannot read, and what is probably a mistake.
///
/// The exit status is 1 if there are findings of the severity of --fail-on or above, and 4 if a
/// document cannot be read at all. "vexil check --list" describes all findings.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  vexil check flags.yaml
  vexil check redis://localhost --for redis --fail-on warning
  vexil check flags.json --allow theme:no-off-variation --sarif > findings.sarif")]
pub(crate) struct CheckArgs {
    /// A file, "-", or a URL; see "vexil help sources".
    #[arg(value_name = "SOURCE", required_unless_present = "list")]
    source: Option<String>,
    #[command(flatten)]
    reading: ReadingArgs,
    /// The lowest severity that makes the exit status 1.
    #[arg(long, value_name = "SEVERITY", default_value = "error")]
    fail_on: FailOn,
    /// Do not report this finding: its id, or KEY:ID for one flag or segment. May be repeated.
    #[arg(long, value_name = "ID")]
    allow: Vec<Allowance>,
    /// Report only findings with this id. May be repeated.
    #[arg(long, value_name = "ID")]
    only: Vec<Id>,
    /// What the data is used for, apart from vexil. May be repeated.
    #[arg(long = "for", value_name = "USE", value_delimiter = ',')]
    purposes: Vec<Purpose>,
    /// Compare the flags with those that an application declares, as JSON.
    #[arg(long, value_name = "FILE")]
    declared: Option<PathBuf>,
    /// Print SARIF, which code hosts read.
    #[arg(long, conflicts_with = "json")]
    sarif: bool,
    /// List all findings and what they mean.
    #[arg(long, conflicts_with_all = ["source", "sarif"])]
    list: bool,
}

/// The lowest severity that makes the exit status 1.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum FailOn {
    Error,
    Warning,
    Info,
}

#[derive(Serialize)]
struct Document<'d> {
    schema: &'static str,
    source: &'d str,
    findings: &'d [Finding],
    counts: Counts,
}

#[derive(Serialize)]
struct Listed {
    id: Id,
    severity: Severity,
    summary: &'static str,
}

#[derive(Serialize)]
struct List {
    schema: &'static str,
    findings: Vec<Listed>,
}

pub(super) async fn run(args: CheckArgs, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let Some(source) = args.source else {
        return list(session);
    };
    let mut allowed = args.allow;
    for text in &session.settings.check.allow {
        let allowance = text.parse().map_err(|error| {
            Failure::usage(format_args!("vexil.toml, [check] allow: {error}"))
                .help("\"vexil check --list\" lists all findings")
        })?;
        allowed.push(allowance);
    }
    let declared = args.declared.as_deref();
    let options = Options {
        purposes: args.purposes,
        declared: declared
            .map(|file| declarations(file, session))
            .transpose()?,
        allowed,
        only: args.only,
        last_wins: args.reading.duplicates == Duplicates::Last,
        now: milliseconds_since_1970(),
    };
    let source = SourceArgs {
        source,
        reading: args.reading,
    };
    let contents = source::read_unparsed(&source, session).await?;
    let report = check::check(&contents, &options);
    let output = &mut session.output;
    if args.sarif {
        output.document(&check::sarif(&report, &contents.source))?;
    } else if output.json {
        output.document(&Document {
            schema: "vexil.check/1",
            source: &contents.source,
            findings: &report.findings,
            counts: report.counts,
        })?;
    } else {
        check::print(&report, &contents.source, output)?;
    }
    if report.is_unreadable {
        return Ok(Exit::Unreadable);
    }
    let limit = match args.fail_on {
        FailOn::Error => Severity::Error,
        FailOn::Warning => Severity::Warning,
        FailOn::Info => Severity::Info,
    };
    let mut severities = report.findings.iter().map(|finding| finding.severity);
    Ok(if severities.any(|severity| severity >= limit) {
        Exit::No
    } else {
        Exit::Done
    })
}

fn list(session: &mut Session<'_>) -> Result<Exit, Failure> {
    let output = &mut session.output;
    let findings = Id::ALL.iter().map(|id| Listed {
        id: *id,
        severity: id.severity(),
        summary: id.summary(),
    });
    if output.json {
        output.document(&List {
            schema: "vexil.check-list/1",
            findings: findings.collect(),
        })?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["ID", "SEVERITY", "MEANING"], &[], &[2]);
    for Listed {
        id,
        severity,
        summary,
    } in findings
    {
        table.row([id.to_string(), severity.to_string(), summary.to_owned()]);
    }
    let text = table.render(output);
    output.text(text)?;
    Ok(Exit::Done)
}

fn declarations(file: &std::path::Path, session: &Session<'_>) -> Result<Declared, Failure> {
    let wrong = |error: &dyn std::fmt::Display| {
        let message = format!(
            "cannot read the declarations in {}: {error}",
            file.display()
        );
        Failure::usage(message).help(
            "expected {\"flags\": {\"KEY\": {\"type\": \"boolean\", \"default\": false}}}, with the \
             types boolean, number, string and json",
        )
    };
    let path = session.io.path(file);
    let size = std::fs::metadata(&path).map_err(|error| wrong(&error))?;
    if size.len() > DECLARED_BYTES {
        return Err(wrong(&"the file is too large"));
    }
    let text = std::fs::read_to_string(&path).map_err(|error| wrong(&error))?;
    Declared::read(&text).map_err(|error| wrong(&error))
}
