//! [`ChangeSet`]: an update of an environment that takes effect as a whole.

use super::data_set::DataSet;
use super::item::Item;
use crate::text::Text;

/// An update of an environment. It takes effect as a whole: an evaluation sees the data before it
/// or after it, never a part of it.
///
/// ```
/// use vexil_eval::model::{ChangeSet, ChangeSetKind, DataKind, DataSet, Item, Selector};
///
/// let data = DataSet::from_json(br#"{"flags": {"banner": {"on": true, "version": 3}}}"#)?;
/// let first = ChangeSet::full(data).with_selector(Selector::new("(p:env:41)"));
/// assert!(matches!(&first.kind, ChangeSetKind::Full(data) if data.flags.len() == 1));
///
/// let next = ChangeSet::delta(vec![Item::deleted(DataKind::Flag, "banner", 4)]);
/// assert!(matches!(&next.kind, ChangeSetKind::Delta(items) if items[0].is_deleted()));
/// // Without a selector, the next request to the service asks for everything.
/// assert_eq!(next.selector, None);
/// # Ok::<(), vexil_eval::model::ReadError<serde_json::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ChangeSet {
    /// What changes.
    pub kind: ChangeSetKind,
    /// The state of the environment after the change; `None` if the source of the data has no such
    /// notion.
    pub selector: Option<Selector>,
    /// Whether a store with a database writes the change to it. Default: `true`. Files and test
    /// data set it to `false`.
    pub is_persistent: bool,
    /// Whether another source still has to confirm or replace the data. Evaluations use it, but the
    /// client does not become ready. Default: `false`.
    pub is_provisional: bool,
}

/// The content of a [`ChangeSet`].
///
/// ```
/// use vexil_eval::model::{ChangeSet, ChangeSetKind, DataKind, DataSet, Item};
///
/// fn describe(changes: &ChangeSet) -> String {
///     match &changes.kind {
///         ChangeSetKind::Full(data) => format!("{} flags replace everything", data.flags.len()),
///         ChangeSetKind::Delta(items) if items.is_empty() => "nothing has changed".to_owned(),
///         ChangeSetKind::Delta(items) => format!("{} items change", items.len()),
///     }
/// }
///
/// assert_eq!(describe(&ChangeSet::full(DataSet::default())), "0 flags replace everything");
/// assert_eq!(describe(&ChangeSet::delta(vec![])), "nothing has changed");
/// let deleted = Item::deleted(DataKind::Flag, "banner", 4);
/// assert_eq!(describe(&ChangeSet::delta(vec![deleted])), "1 items change");
/// ```
#[derive(Clone, Debug)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a store must handle every kind of change"
)]
pub enum ChangeSetKind {
    /// Replaces all data.
    Full(DataSet),
    /// Writes and deletes these items in this order, whatever the versions of the stored ones. May
    /// be empty.
    Delta(Vec<Item>),
}

impl ChangeSet {
    /// Replaces all data.
    #[must_use]
    pub fn full(data: DataSet) -> Self {
        Self::new(ChangeSetKind::Full(data))
    }

    /// Writes and deletes items.
    #[must_use]
    pub fn delta(items: Vec<Item>) -> Self {
        Self::new(ChangeSetKind::Delta(items))
    }

    fn new(kind: ChangeSetKind) -> Self {
        Self {
            kind,
            selector: None,
            is_persistent: true,
            is_provisional: false,
        }
    }

    /// Sets the state of the environment after the change.
    #[must_use]
    pub fn with_selector(mut self, selector: impl Into<Option<Selector>>) -> Self {
        self.selector = selector.into();
        self
    }

    /// Keeps the change out of the database of a store.
    #[must_use]
    pub fn not_persistent(mut self) -> Self {
        self.is_persistent = false;
        self
    }

    /// Marks the data as provisional: see [`is_provisional`](Self::is_provisional).
    ///
    /// ```
    /// use vexil_eval::model::{ChangeSet, DataSet};
    ///
    /// // Flags of the last release, used until the service has answered.
    /// let bundled = ChangeSet::full(DataSet::default()).provisional().not_persistent();
    /// assert!(bundled.is_provisional && !bundled.is_persistent);
    /// ```
    #[must_use]
    pub fn provisional(mut self) -> Self {
        self.is_provisional = true;
        self
    }

    /// Drops the JSON text of all items.
    #[must_use]
    pub fn without_json(mut self) -> Self {
        self.kind = match self.kind {
            ChangeSetKind::Full(data) => ChangeSetKind::Full(data.without_json()),
            ChangeSetKind::Delta(items) => {
                ChangeSetKind::Delta(items.into_iter().map(Item::without_json).collect())
            }
        };
        self
    }
}

/// Names one state of an environment. Its text is chosen by the service and has no meaning to the
/// SDK, which sends it back to receive only what has changed since (FDV2-4.2).
///
/// ```
/// use vexil_eval::model::Selector;
///
/// assert_eq!(Selector::new("(p:env:41)").unwrap().as_str(), "(p:env:41)");
/// assert_eq!(Selector::new(""), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Selector(Text);

impl Selector {
    /// Returns `None` if the state is empty, which names no state.
    #[must_use]
    pub fn new(state: impl Into<Text>) -> Option<Self> {
        let state = state.into();
        (!state.is_empty()).then_some(Self(state))
    }

    /// Returns the state as the service sent it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
