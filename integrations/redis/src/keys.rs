//! [`Keys`]: the names of the Redis keys of a flag store.

use vexil::model::DataKind;

/// The three keys of a flag store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Keys {
    prefix: String,
}

impl Keys {
    pub(crate) fn new(prefix: &str) -> Self {
        Self {
            prefix: prefix.to_owned(),
        }
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The hash of all items of a kind.
    pub(crate) fn items(&self, kind: DataKind) -> String {
        format!("{}:{}", self.prefix, kind.namespace())
    }

    /// The marker of a complete data set.
    pub(crate) fn marker(&self) -> String {
        format!("{}:$inited", self.prefix)
    }

    /// Another key under the prefix.
    pub(crate) fn named(&self, name: &str) -> String {
        format!("{}:{name}", self.prefix)
    }

    pub(crate) fn all(&self) -> [String; 3] {
        let [flags, segments] = DataKind::READ_ORDER.map(|kind| self.items(kind));
        [flags, segments, self.marker()]
    }
}
