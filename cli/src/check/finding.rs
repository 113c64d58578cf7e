//! [`Finding`]: a fault and where it is; [`Found`]: those of one item.

use std::ops::Range;

use serde::Serialize;
use vexil::model::DataKind;

use super::item::{Item, Spot};
use super::registry::{Id, Severity};

/// A fault in flag data.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Finding {
    pub(crate) id: Id,
    pub(crate) severity: Severity,
    /// `None` if the fault is outside all items.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "kind_name")]
    pub(crate) kind: Option<DataKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
    /// The JSON pointer inside the item, or inside the document if the fault is outside all items.
    pub(crate) pointer: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rule: Option<RulePlace>,
    pub(crate) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) help: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) at: Option<Position>,
    /// The document and the byte, for the order of findings.
    #[serde(skip)]
    pub(super) place: Option<(usize, usize)>,
}

/// The rule that contains a fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct RulePlace {
    /// Counted from 0.
    pub(crate) index: usize,
    /// Empty if the rule has none.
    pub(crate) id: String,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Position {
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) column: usize,
}

fn kind_name<S: serde::Serializer>(
    kind: &Option<DataKind>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&kind.map(|kind| kind.to_string()).unwrap_or_default())
}

impl Finding {
    /// Changes the severity.
    pub(super) fn severity(&mut self, severity: Severity) -> &mut Self {
        self.severity = severity;
        self
    }

    /// Adds what to do.
    pub(super) fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }
}

/// The findings so far.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) findings: Vec<Finding>,
}

impl Found {
    /// Adds a finding of a part of an item.
    pub(super) fn add(
        &mut self,
        id: Id,
        item: &Item,
        spot: &Spot<'_>,
        message: impl Into<String>,
    ) -> &mut Finding {
        self.push(id, item, spot.pointer.clone(), spot.span(), message.into())
    }

    /// Adds a finding of a property that an object lacks, or of the name of one.
    pub(super) fn add_property(
        &mut self,
        id: Id,
        item: &Item,
        object: &Spot<'_>,
        name: &str,
        message: impl Into<String>,
    ) -> &mut Finding {
        let span = match object.node.member(name) {
            Some(member) => member.span.clone(),
            None => object.span(),
        };
        self.push(id, item, object.child_pointer(name), span, message.into())
    }

    /// Adds a finding of a whole item.
    pub(super) fn add_item(
        &mut self,
        id: Id,
        item: &Item,
        message: impl Into<String>,
    ) -> &mut Finding {
        let span = item.key_span.clone();
        self.push(id, item, String::new(), span, message.into())
    }

    fn push(
        &mut self,
        id: Id,
        item: &Item,
        pointer: String,
        span: Range<usize>,
        message: String,
    ) -> &mut Finding {
        let finding = Finding {
            id,
            severity: id.severity(),
            kind: Some(item.kind),
            key: Some(item.key.clone()),
            rule: rule_place(item, &pointer),
            pointer,
            message,
            help: None,
            at: None,
            place: item.document.map(|document| (document, span.start)),
        };
        self.push_finding(finding)
    }

    /// Adds a finding outside all items.
    pub(super) fn add_document(
        &mut self,
        id: Id,
        document: usize,
        pointer: String,
        offset: usize,
        message: impl Into<String>,
    ) -> &mut Finding {
        self.push_finding(Finding {
            id,
            severity: id.severity(),
            kind: None,
            key: None,
            pointer,
            rule: None,
            message: message.into(),
            help: None,
            at: None,
            place: Some((document, offset)),
        })
    }

    /// Adds a finding of an item that is not in the source, or that cannot be parsed.
    pub(super) fn add_absent(
        &mut self,
        id: Id,
        kind: DataKind,
        key: &str,
        message: impl Into<String>,
    ) -> &mut Finding {
        self.push_finding(Finding {
            id,
            severity: id.severity(),
            kind: Some(kind),
            key: Some(key.to_owned()),
            pointer: String::new(),
            rule: None,
            message: message.into(),
            help: None,
            at: None,
            place: None,
        })
    }

    fn push_finding(&mut self, finding: Finding) -> &mut Finding {
        self.findings.push_mut(finding)
    }
}

/// Returns the rule that a pointer leads into.
fn rule_place(item: &Item, pointer: &str) -> Option<RulePlace> {
    let rest = pointer.strip_prefix("/rules/")?;
    let index: usize = rest.split('/').next()?.parse().ok()?;
    let rules = item.root().member("rules")?;
    let id = rules.element(index)?.member("id");
    Some(RulePlace {
        index,
        id: id
            .and_then(|id| id.as_str().map(str::to_owned))
            .unwrap_or_default(),
    })
}
