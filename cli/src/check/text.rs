//! Findings as text.

use anstyle::AnsiColor;

use super::finding::Finding;
use super::{Report, Severity};
use crate::exit::Failure;
use crate::output::{Output, escaped};

/// Prints the findings and a line with counts.
pub(crate) fn print(report: &Report, source: &str, output: &mut Output) -> Result<(), Failure> {
    for finding in &report.findings {
        print_finding(finding, output)?;
    }
    let counts = &report.counts;
    let mut line = format!(
        "{}: {}, {}: {}, {}, {}",
        escaped(source),
        count(counts.flags, "flag"),
        count(counts.segments, "segment"),
        count(counts.errors, "error"),
        count(counts.warnings, "warning"),
        count(counts.infos, "info"),
    );
    if counts.allowed > 0 {
        line += &format!(", {} allowed", counts.allowed);
    }
    output.line(line)
}

fn print_finding(finding: &Finding, output: &mut Output) -> Result<(), Failure> {
    let severity = finding.severity;
    let label = format!("{severity}[{}]", finding.id);
    let mut place = match (finding.kind, &finding.key) {
        (Some(kind), Some(key)) => format!("{kind} {}", quoted(key)),
        _ => "document".to_owned(),
    };
    if let Some(rule) = &finding.rule {
        place += &format!(", rule {}", rule.index);
        if !rule.id.is_empty() {
            place += &format!(" ({})", rule.id);
        }
    }
    if !finding.pointer.is_empty() {
        place += &format!(": {}", finding.pointer);
    }
    let color = match severity {
        Severity::Error => AnsiColor::Red,
        Severity::Warning => AnsiColor::Yellow,
        Severity::Info => AnsiColor::Cyan,
    };
    let label = output.colored(color, label);
    let place = output.bold(escaped(&place));
    output.line(format_args!("{label} {place}"))?;
    let message = escaped(&finding.message);
    match &finding.at {
        Some(at) => {
            let file = format!("{}:{}:{}", at.file, at.line, at.column);
            let file = output.dim(escaped(&file));
            output.line(format_args!("  {file}   {message}"))?;
        }
        None => output.line(format_args!("  {message}"))?,
    }
    if let Some(help) = &finding.help {
        output.line(format_args!("  help: {}", escaped(help)))?;
    }
    Ok(())
}

fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// Returns a key in quotes. Other characters than these are escaped later.
fn quoted(key: &str) -> String {
    format!("\"{key}\"")
}
