//! What a comparison considers.

use clap::ValueEnum;
use globset::GlobMatcher;
use vexil::model::DataKind;

use crate::schema::Group;

/// What is compared.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(crate) ignored: Ignored,
    /// Whether items are compared as JSON, with nothing ignored but the order of members.
    pub(crate) exact: bool,
    /// The keys that are compared. `None`: all.
    pub(crate) only: Option<GlobMatcher>,
    /// The kinds that are compared. Empty: all.
    pub(crate) kinds: Vec<DataKind>,
}

impl Options {
    pub(super) fn includes(&self, kind: DataKind, key: &str) -> bool {
        let in_kinds = self.kinds.is_empty() || self.kinds.contains(&kind);
        in_kinds && self.has_key(key)
    }

    /// Whether items with this key are compared.
    pub(crate) fn has_key(&self, key: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only.is_match(key))
    }
}

/// What makes no difference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ignored {
    pub(crate) version: bool,
    pub(crate) unused: bool,
    pub(crate) tracking: bool,
    pub(crate) client_side: bool,
    pub(crate) ids: bool,
    pub(crate) order: bool,
}

/// Something that can be left out of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Aspect {
    /// Versions of flags and segments.
    Version,
    /// Members without a meaning.
    Unused,
    /// Members that decide which events are recorded.
    Tracking,
    /// Members that decide whether client-side SDKs see a flag.
    ClientSide,
    /// Ids of rules.
    Ids,
    /// Places in lists.
    Order,
}

impl Ignored {
    pub(super) fn has(self, group: Group) -> bool {
        match group {
            Group::Value => false,
            // Compared as such.
            Group::Identity => true,
            Group::Tracking => self.tracking,
            Group::ClientSide => self.client_side,
            Group::Id => self.ids,
            Group::Unused => self.unused,
        }
    }
}

impl FromIterator<Aspect> for Ignored {
    fn from_iter<I: IntoIterator<Item = Aspect>>(aspects: I) -> Self {
        let mut ignored = Self::default();
        for aspect in aspects {
            match aspect {
                Aspect::Version => ignored.version = true,
                Aspect::Unused => ignored.unused = true,
                Aspect::Tracking => ignored.tracking = true,
                Aspect::ClientSide => ignored.client_side = true,
                Aspect::Ids => ignored.ids = true,
                Aspect::Order => ignored.order = true,
            }
        }
        ignored
    }
}
