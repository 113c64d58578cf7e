//! Words for numbers of things, and for kinds of items.

use vexil::model::DataKind;

/// Returns a number with its noun: `1 flag`, `2 flags`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// Returns the word for a kind of items.
pub(crate) fn kind_name(kind: DataKind) -> &'static str {
    match kind {
        DataKind::Flag => "flag",
        DataKind::Segment => "segment",
    }
}
