//! `vexil list`: the flags and segments of a source.

mod row;
mod uses;

use clap::{Args, ValueEnum};
use globset::Glob;
use serde::Serialize;
use vexil::model::{DataKind, ItemReader};

use self::row::Row;
use self::uses::Use;
use super::finish;
use crate::args::SourceArgs;
use crate::exit::{Exit, Failure};
use crate::output::Table;
use crate::session::Session;
use crate::source;

/// List the flags and segments of a source.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  vexil list 'redis://localhost?prefix=ld:shop:live'
  vexil list flags.yaml --flags --filter 'checkout-*'
  vexil list flags.yaml --uses segment:staff --json")]
pub(crate) struct ListArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// List flags only.
    #[arg(long, conflicts_with = "segments")]
    flags: bool,
    /// List segments only.
    #[arg(long)]
    segments: bool,
    /// List items whose key matches this pattern, in which * stands for any text.
    #[arg(long, value_name = "PATTERN")]
    filter: Option<String>,
    /// List items that use a flag, a segment or an attribute.
    #[arg(long, value_name = "segment:KEY|flag:KEY|attribute:NAME")]
    uses: Option<Use>,
    /// Sort by this column.
    #[arg(long, value_name = "COLUMN", default_value = "key")]
    sort: Sort,
    /// List deleted items too.
    #[arg(long)]
    deleted: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Sort {
    Key,
    Version,
    Size,
}

#[derive(Serialize)]
struct Document<'r> {
    schema: &'static str,
    source: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    initialized: Option<bool>,
    bytes: usize,
    items: &'r [Row],
}

pub(super) async fn run(args: ListArgs, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let filter = args
        .filter
        .as_deref()
        .map(Glob::new)
        .transpose()
        .map_err(|error| {
            Failure::usage(format_args!("the pattern of --filter is wrong: {error}"))
                .help("--filter 'checkout-*'")
        })?;
    let filter = filter.map(|glob| glob.compile_matcher());
    let contents = source::read(&args.source, session).await?;

    let mut reader = ItemReader::new(true);
    let mut unreadable = Vec::new();
    let mut rows = Vec::new();
    for (kind, key, stored) in contents.snapshot.items() {
        let wanted = match kind {
            DataKind::Flag => !args.segments,
            DataKind::Segment => !args.flags,
        };
        if !wanted
            || filter
                .as_ref()
                .is_some_and(|filter| !filter.is_match(key.as_str()))
        {
            continue;
        }
        match stored.item(kind, key, &mut reader) {
            Ok(item) if item.is_deleted() && !args.deleted => {}
            Ok(item)
                if args
                    .uses
                    .as_ref()
                    .is_some_and(|used| !used.is_used_by(&item)) => {}
            Ok(item) => rows.push(Row::new(&item, stored.json.len())),
            Err(error) => unreadable.push(error),
        }
    }
    match args.sort {
        Sort::Key => rows.sort_by(|a, b| a.key.cmp(&b.key)),
        Sort::Version => rows.sort_by_key(|row| std::cmp::Reverse(row.version)),
        Sort::Size => rows.sort_by_key(|row| std::cmp::Reverse(row.bytes)),
    }

    let bytes = rows.iter().map(|row| row.bytes).sum();
    let output = &mut session.output;
    if output.json {
        output.document(&Document {
            schema: "vexil.list/1",
            source: &contents.source,
            initialized: contents.snapshot.initialized,
            bytes,
            items: &rows,
        })?;
    } else {
        let header = [
            "KEY",
            "KIND",
            "VERSION",
            "STATE",
            "VARIATIONS",
            "RULES",
            "USES",
        ];
        let mut table = Table::new(&header, &[2, 4, 5], &[6]);
        for row in &rows {
            table.row(row.cells());
        }
        let text = table.render(output);
        output.text(text)?;
        output.line(summary(&rows, bytes, contents.snapshot.initialized))?;
    }
    finish(&unreadable, &args.source.reading, session)
}

/// The last line: counts, size, and whether a database is complete.
fn summary(rows: &[Row], bytes: usize, initialized: Option<bool>) -> String {
    let flags = rows
        .iter()
        .filter(|row| row.kind == DataKind::Flag.to_string())
        .count();
    let segments = rows.len() - flags;
    let marker = match initialized {
        Some(true) => " · marker set",
        Some(false) => " · marker missing",
        None => "",
    };
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    format!(
        "{flags} flag{}, {segments} segment{}, {}{marker}",
        plural(flags),
        plural(segments),
        indicatif::HumanBytes(bytes.try_into().unwrap_or(u64::MAX)),
    )
}
