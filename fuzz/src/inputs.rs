//! What the targets do with inputs before they are read, and with the results.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde::de::IgnoredAny;
use vexil::Text;
use vexil::fuzzing::Received;
use vexil::model::{ChangeSet, ChangeSetKind, DataKind, DataSet, Item, Selector};

/// The word that the corpus uses as a password.
const SECRET: &str = "s3cr3t";

/// Cuts an input into pieces, always in the same way.
pub(crate) fn cut(input: &[u8]) -> Vec<&[u8]> {
    let mut hasher = DefaultHasher::new();
    input.hash(&mut hasher);
    let mut random = fastrand::Rng::with_seed(hasher.finish());
    let longest = [1, 4, 16, 64][random.usize(..4)];
    let (mut pieces, mut rest) = (Vec::new(), input);
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(random.usize(1..=longest).min(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

/// The lines of an input that is text. A missing line is empty.
pub(crate) fn lines<const N: usize>(input: &[u8]) -> Option<[&str; N]> {
    let mut lines = str::from_utf8(input).ok()?.splitn(N, '\n');
    Some(std::array::from_fn(|_| lines.next().unwrap_or_default()))
}

/// Whether a text is JSON, by the grammar alone.
pub(crate) fn is_json(text: &[u8]) -> bool {
    str::from_utf8(text).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
}

/// An item without its prepared form: kind, key, version, whether it is deleted, and text.
pub(crate) type PlainItem = (DataKind, Text, u64, bool, Option<String>);

/// Changes of plain items, and whether they are the complete data.
pub(crate) type PlainChanges = (bool, Option<Selector>, Vec<PlainItem>);

/// What is equal if two readers have read the same. Which of several errors is found first depends
/// on the pieces.
pub(crate) fn shown(received: &Received) -> (Vec<PlainChanges>, &[String], bool) {
    let changes = shown_changes(&received.changes);
    (changes, &received.others, received.error.is_some())
}

/// What is equal for equal changes.
pub(crate) fn shown_changes(changes: &[ChangeSet]) -> Vec<PlainChanges> {
    let shown = |changes: &ChangeSet| {
        let is_full = matches!(changes.kind, ChangeSetKind::Full(_));
        let items = items_of(changes).iter().map(item).collect();
        (is_full, changes.selector.clone(), items)
    };
    changes.iter().map(shown).collect()
}

/// What is equal for two equal items.
pub(crate) fn item(item: &Item) -> PlainItem {
    let json = item.json();
    let json = json.map(|json| String::from_utf8_lossy(&json).into_owned());
    let (kind, key, version) = (item.kind(), item.key().clone(), item.version());
    (kind, key, version, item.is_deleted(), json)
}

/// All items of what was received.
pub(crate) fn items(received: &Received) -> Vec<Item> {
    received.changes.iter().flat_map(items_of).collect()
}

fn items_of(changes: &ChangeSet) -> Vec<Item> {
    match &changes.kind {
        ChangeSetKind::Full(data) => items_in(data),
        ChangeSetKind::Delta(items) => items.clone(),
    }
}

/// All items of a data set.
pub(crate) fn items_in(data: &DataSet) -> Vec<Item> {
    let flags = data.flags.iter().cloned().map(Item::Flag);
    let segments = data.segments.iter().cloned().map(Item::Segment);
    flags.chain(segments).collect()
}

/// Checks that a text about a URL does not contain the password in the URL, or any part of its
/// query.
pub(crate) fn hides_secrets(url: &str, shown: &str) {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let hidden = rest
        .rfind('@')
        .is_some_and(|at| !rest[at..].contains(SECRET))
        || rest
            .find(['?', '#'])
            .is_some_and(|at| !rest[..at].contains(SECRET));
    if hidden && !scheme.contains(SECRET) {
        assert!(!shown.contains(SECRET), "{url:?} is shown as {shown:?}");
    }
}
