//! The objects of a data set, and a visitor for all of them.
//!
//! The generator removes and rewrites members, and the deviations restore them; both must find, for
//! example, every clause wherever it occurs. Only this module knows the structure.

use serde_json::{Map, Value, json};

use crate::case::Case;

/// A JSON object.
pub(crate) type Object = Map<String, Value>;

/// The type of an object in a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Flag,
    Target,
    Prerequisite,
    Rule,
    Fallthrough,
    Clause,
    Rollout,
    WeightedVariation,
    Segment,
    SegmentTarget,
    SegmentRule,
}

impl Shape {
    /// Members that contain further objects, alone or in a list.
    fn children(self) -> &'static [(&'static str, Self)] {
        match self {
            Self::Flag => &[
                ("targets", Self::Target),
                ("contextTargets", Self::Target),
                ("prerequisites", Self::Prerequisite),
                ("rules", Self::Rule),
                ("fallthrough", Self::Fallthrough),
            ],
            Self::Rule => &[("clauses", Self::Clause), ("rollout", Self::Rollout)],
            Self::Fallthrough => &[("rollout", Self::Rollout)],
            Self::Rollout => &[("variations", Self::WeightedVariation)],
            Self::Segment => &[
                ("includedContexts", Self::SegmentTarget),
                ("excludedContexts", Self::SegmentTarget),
                ("rules", Self::SegmentRule),
            ],
            Self::SegmentRule => &[("clauses", Self::Clause)],
            _ => &[],
        }
    }

    /// Members that may be missing or null, with the default that a reader must assume.
    pub(crate) fn defaults(self) -> Vec<(&'static str, Value)> {
        match self {
            Self::Flag => vec![
                ("version", json!(0)),
                ("on", json!(false)),
                ("targets", json!([])),
                ("contextTargets", json!([])),
                ("rules", json!([])),
                ("prerequisites", json!([])),
                ("fallthrough", json!({})),
                ("variations", json!([])),
                ("salt", json!("")),
                ("trackEvents", json!(false)),
                ("trackEventsFallthrough", json!(false)),
                ("clientSide", json!(false)),
            ],
            Self::Target => vec![
                ("contextKind", json!("user")),
                ("values", json!([])),
                ("variation", json!(0)),
            ],
            Self::Prerequisite => vec![("variation", json!(0))],
            Self::Rule => vec![
                ("id", json!("")),
                ("clauses", json!([])),
                ("trackEvents", json!(false)),
            ],
            Self::Clause => {
                vec![
                    ("attribute", json!("")),
                    ("op", json!("")),
                    ("values", json!([])),
                    ("negate", json!(false)),
                ]
            }
            Self::Rollout => vec![("variations", json!([]))],
            Self::WeightedVariation => vec![
                ("variation", json!(0)),
                ("weight", json!(0)),
                ("untracked", json!(false)),
            ],
            Self::Segment => vec![
                ("version", json!(0)),
                ("included", json!([])),
                ("excluded", json!([])),
                ("includedContexts", json!([])),
                ("excludedContexts", json!([])),
                ("rules", json!([])),
                ("salt", json!("")),
                ("unbounded", json!(false)),
            ],
            Self::SegmentTarget => vec![("contextKind", json!("user")), ("values", json!([]))],
            Self::SegmentRule => vec![("clauses", json!([]))],
            Self::Fallthrough => Vec::new(),
        }
    }

    /// Members that contain whole numbers.
    pub(crate) fn integers(self) -> &'static [&'static str] {
        match self {
            Self::Flag => &["version", "offVariation"],
            Self::Target | Self::Prerequisite | Self::Rule | Self::Fallthrough => &["variation"],
            Self::Rollout => &["seed"],
            Self::WeightedVariation => &["variation", "weight"],
            Self::Segment => &["version", "generation"],
            Self::SegmentRule => &["weight"],
            Self::Clause | Self::SegmentTarget => &[],
        }
    }

    /// The member that names a context kind, if the object has one.
    pub(crate) fn kind_member(self) -> Option<&'static str> {
        match self {
            Self::Target | Self::Clause | Self::Rollout | Self::SegmentTarget => {
                Some("contextKind")
            }
            Self::SegmentRule => Some("rolloutContextKind"),
            Self::Segment => Some("unboundedContextKind"),
            _ => None,
        }
    }
}

/// Calls `see` with every object of the data set, parents before their children.
pub(crate) fn visit(case: &mut Case, see: &mut dyn FnMut(Shape, &mut Object)) {
    for flag in case.flags.values_mut() {
        descend(Shape::Flag, flag, see);
    }
    for segment in case.segments.values_mut() {
        descend(Shape::Segment, segment, see);
    }
}

/// Calls `see` with one object and its descendants.
pub(crate) fn descend(shape: Shape, value: &mut Value, see: &mut dyn FnMut(Shape, &mut Object)) {
    let Some(object) = value.as_object_mut() else {
        return;
    };
    see(shape, object);
    for (member, child) in shape.children() {
        match object.get_mut(*member) {
            Some(Value::Array(items)) => {
                for item in items {
                    descend(*child, item, see);
                }
            }
            Some(single) => descend(*child, single, see),
            None => {}
        }
    }
}

/// Returns the kind that an object names; `None` if it is absent, null or empty.
pub(crate) fn named_kind<'a>(object: &'a Object, member: &str) -> Option<&'a str> {
    object
        .get(member)
        .and_then(Value::as_str)
        .filter(|kind| !kind.is_empty())
}
