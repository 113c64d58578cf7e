//! [`Edit`]: one difference inside an item.

use std::fmt;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

/// The most edits that are listed for one item.
const MAX_EDITS: usize = 1_000;

/// One difference inside an item.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Edit {
    pub(crate) path: Path,
    pub(crate) change: Change,
}

/// How a part of an item differs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Change {
    OnlyLeft(Value),
    OnlyRight(Value),
    Replaced(Value, Value),
    /// An element of a list has another place.
    Moved {
        from: usize,
        to: usize,
    },
}

/// A place in an item. Elements that are only in the right list have their place there; all others
/// have that in the left one.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Path(Vec<Step>);

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    Member(String),
    Element {
        index: usize,
        /// How people find the element, if not by its place.
        name: Option<String>,
    },
}

impl Path {
    pub(super) fn member(&self, name: &str) -> Self {
        self.with(Step::Member(name.to_owned()))
    }

    pub(super) fn element(&self, index: usize, name: Option<String>) -> Self {
        self.with(Step::Element { index, name })
    }

    fn with(&self, step: Step) -> Self {
        Self(self.0.iter().cloned().chain([step]).collect())
    }

    /// Returns the JSON pointer.
    pub(crate) fn pointer(&self) -> String {
        self.join(|step| match step {
            Step::Member(name) => name.replace('~', "~0").replace('/', "~1"),
            Step::Element { index, .. } => index.to_string(),
        })
    }

    /// Returns the name of the element, if the path ends in one that has a name.
    pub(crate) fn id(&self) -> Option<&str> {
        match self.0.last() {
            Some(Step::Element { name, .. }) => name.as_deref(),
            _ => None,
        }
    }

    fn join(&self, text: impl Fn(&Step) -> String) -> String {
        self.0
            .iter()
            .map(|step| format!("/{}", text(step)))
            .collect()
    }
}

/// A path for people: elements have their name in quotes, if they have one.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.join(|step| match step {
            Step::Member(name) => name.clone(),
            Step::Element { index, name } => match name {
                Some(name) => format!("{name:?}"),
                None => index.to_string(),
            },
        }))
    }
}

impl Serialize for Edit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let operation = match self.change {
            Change::OnlyLeft(_) => "remove",
            Change::OnlyRight(_) => "add",
            Change::Replaced(..) => "replace",
            Change::Moved { .. } => "move",
        };
        map.serialize_entry("op", operation)?;
        map.serialize_entry("pointer", &self.path.pointer())?;
        if let Some(id) = self.path.id() {
            map.serialize_entry("id", id)?;
        }
        match &self.change {
            Change::OnlyLeft(left) => map.serialize_entry("left", left)?,
            Change::OnlyRight(right) => map.serialize_entry("right", right)?,
            Change::Replaced(left, right) => {
                map.serialize_entry("left", left)?;
                map.serialize_entry("right", right)?;
            }
            Change::Moved { from, to } => {
                map.serialize_entry("from", from)?;
                map.serialize_entry("to", to)?;
            }
        }
        map.end()
    }
}

/// The edits of one item.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Edits {
    pub(crate) list: Vec<Edit>,
    /// How many more there are.
    pub(crate) more: usize,
}

impl Edits {
    pub(super) fn add(&mut self, path: Path, change: Change) {
        if self.list.len() < MAX_EDITS {
            self.list.push(Edit { path, change });
        } else {
            self.more += 1;
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len() + self.more
    }
}
