//! The members of flags and segments: what a missing one means, and how lists are compared.
//!
//! Depends on nothing else of the command.

use std::borrow::Cow;

/// An object with members of known meaning. It may have others.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) members: &'static [Member],
}

/// A member of an object.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) name: &'static str,
    /// What it means if the member is missing or null.
    pub(crate) default: Default,
    pub(crate) shape: Shape,
    pub(crate) group: Group,
}

/// What a missing member means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Default {
    Null,
    False,
    /// No value; 0 means the same.
    NullOrZero,
    Zero,
    /// No value; 1 means the same.
    NullOrOne,
    Text(&'static str),
    /// The context kind `user`, unless the named member beside it begins with a slash: with a
    /// context kind it is a reference, and without one a name.
    User {
        unless_reference: &'static str,
    },
    EmptyList,
    EmptyObject,
}

/// What a value consists of.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// JSON without further meaning.
    Plain,
    Object(&'static Object),
    /// Objects whose order matters.
    List(&'static Object, Alignment),
    /// Objects whose order means nothing.
    Unordered(&'static Object, Alignment),
    /// Plain values that others refer to by their place.
    Places,
    /// Plain values whose order means nothing.
    Set,
    /// The operands of a clause: a set if the operator `op` beside it is known.
    Operands,
}

/// Which elements of two lists are versions of the same element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alignment {
    /// Those with equal values of this member; else those of equal content, else those at the same
    /// place.
    Id(&'static str),
    /// Those of equal content, else those at the same place.
    Content,
    /// Those with equal values of these members.
    Members(&'static [&'static str]),
    /// Those at the same place.
    Place,
}

/// Members that can be left out of a comparison together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    /// Members that decide the value of a flag.
    Value,
    /// Members that identify an item, and which are compared as such: key, version, deletion.
    Identity,
    /// Members that decide which events are recorded.
    Tracking,
    /// Members that decide whether client-side SDKs see a flag.
    ClientSide,
    /// Ids of rules.
    Id,
    /// Members without an effect.
    Unused,
}

impl Default {
    /// Returns the JSON of the default.
    pub(crate) fn json(self) -> Cow<'static, str> {
        match self {
            Self::Null | Self::NullOrZero | Self::NullOrOne => "null".into(),
            Self::False => "false".into(),
            Self::Zero => "0".into(),
            // None of the texts has a character to escape.
            Self::Text(text) => format!("\"{text}\"").into(),
            Self::User { .. } => "\"user\"".into(),
            Self::EmptyList => "[]".into(),
            Self::EmptyObject => "{}".into(),
        }
    }
}

impl Member {
    const fn new(name: &'static str, default: Default, shape: Shape) -> Self {
        Self {
            name,
            default,
            shape,
            group: Group::Value,
        }
    }

    const fn of(mut self, group: Group) -> Self {
        self.group = group;
        self
    }
}

impl Object {
    pub(crate) fn member(&self, name: &str) -> Option<&'static Member> {
        self.members.iter().find(|member| member.name == name)
    }
}

/// The operators of clauses, all of which look for any of their operands.
pub(crate) const OPERATORS: &[&str] = &[
    "in",
    "endsWith",
    "startsWith",
    "matches",
    "contains",
    "lessThan",
    "lessThanOrEqual",
    "greaterThan",
    "greaterThanOrEqual",
    "before",
    "after",
    "semVerEqual",
    "semVerLessThan",
    "semVerGreaterThan",
    "segmentMatch",
];

use Shape::{List, Operands, Places, Plain, Set, Unordered};

/// A flag.
pub(crate) static FLAG: Object = Object {
    members: &[
        Member::new("key", Default::Text(""), Plain).of(Group::Identity),
        Member::new("version", Default::Zero, Plain).of(Group::Identity),
        Member::new("on", Default::False, Plain),
        Member::new("variations", Default::EmptyList, Places),
        Member::new("fallthrough", Default::EmptyObject, Shape::Object(&SERVE)),
        Member::new("offVariation", Default::Null, Plain),
        Member::new("salt", Default::Text(""), Plain),
        Member::new(
            "prerequisites",
            Default::EmptyList,
            List(&PREREQUISITE, Alignment::Members(&["key"])),
        ),
        Member::new("targets", Default::EmptyList, TARGETS),
        Member::new("contextTargets", Default::EmptyList, TARGETS),
        Member::new(
            "rules",
            Default::EmptyList,
            List(&FLAG_RULE, Alignment::Id("id")),
        ),
        Member::new("trackEvents", Default::False, Plain).of(Group::Tracking),
        Member::new("trackEventsFallthrough", Default::False, Plain).of(Group::Tracking),
        Member::new("debugEventsUntilDate", Default::NullOrZero, Plain).of(Group::Tracking),
        Member::new("clientSide", Default::False, Plain).of(Group::ClientSide),
        Member::new(
            "clientSideAvailability",
            Default::Null,
            Shape::Object(&AVAILABILITY),
        )
        .of(Group::ClientSide),
        Member::new("excludeFromSummaries", Default::False, Plain).of(Group::Tracking),
        Member::new("samplingRatio", Default::NullOrOne, Plain).of(Group::Tracking),
        Member::new("migration", Default::EmptyObject, Shape::Object(&MIGRATION))
            .of(Group::Tracking),
        Member::new("deleted", Default::False, Plain).of(Group::Identity),
    ],
};

/// A segment.
pub(crate) static SEGMENT: Object = Object {
    members: &[
        Member::new("key", Default::Text(""), Plain).of(Group::Identity),
        Member::new("version", Default::Zero, Plain).of(Group::Identity),
        Member::new("included", Default::EmptyList, Set),
        Member::new("excluded", Default::EmptyList, Set),
        Member::new("includedContexts", Default::EmptyList, SEGMENT_TARGETS),
        Member::new("excludedContexts", Default::EmptyList, SEGMENT_TARGETS),
        Member::new("salt", Default::Text(""), Plain),
        Member::new(
            "rules",
            Default::EmptyList,
            List(&SEGMENT_RULE, Alignment::Id("id")),
        ),
        Member::new("unbounded", Default::False, Plain),
        Member::new("unboundedContextKind", Default::Text("user"), Plain),
        Member::new("generation", Default::Null, Plain),
        Member::new("deleted", Default::False, Plain).of(Group::Identity),
    ],
};

const TARGETS: Shape = List(&TARGET, Alignment::Members(&["contextKind", "variation"]));
const SEGMENT_TARGETS: Shape = Unordered(&SEGMENT_TARGET, Alignment::Members(&["contextKind"]));
const CLAUSES: Shape = List(&CLAUSE, Alignment::Content);

static PREREQUISITE: Object = Object {
    members: &[
        Member::new("key", Default::Text(""), Plain),
        Member::new("variation", Default::Zero, Plain),
    ],
};

static TARGET: Object = Object {
    members: &[
        Member::new("contextKind", Default::Text("user"), Plain),
        Member::new("variation", Default::Zero, Plain),
        Member::new("values", Default::EmptyList, Set),
    ],
};

static SEGMENT_TARGET: Object = Object {
    members: &[
        Member::new("contextKind", Default::Text("user"), Plain),
        Member::new("values", Default::EmptyList, Set),
    ],
};

/// A variation, or a rollout.
static SERVE: Object = Object {
    members: &[
        Member::new("variation", Default::Null, Plain),
        Member::new("rollout", Default::Null, Shape::Object(&ROLLOUT)),
    ],
};

static FLAG_RULE: Object = Object {
    members: &[
        Member::new("id", Default::Text(""), Plain).of(Group::Id),
        Member::new("variation", Default::Null, Plain),
        Member::new("rollout", Default::Null, Shape::Object(&ROLLOUT)),
        Member::new("clauses", Default::EmptyList, CLAUSES),
        Member::new("trackEvents", Default::False, Plain).of(Group::Tracking),
    ],
};

static SEGMENT_RULE: Object = Object {
    members: &[
        Member::new("id", Default::Text(""), Plain).of(Group::Id),
        Member::new("clauses", Default::EmptyList, CLAUSES),
        Member::new("weight", Default::Null, Plain),
        Member::new("bucketBy", Default::Text("key"), Plain),
        Member::new(
            "rolloutContextKind",
            Default::User {
                unless_reference: "bucketBy",
            },
            Plain,
        ),
    ],
};

static CLAUSE: Object = Object {
    members: &[
        Member::new("attribute", Default::Text(""), Plain),
        Member::new(
            "contextKind",
            Default::User {
                unless_reference: "attribute",
            },
            Plain,
        ),
        Member::new("op", Default::Text(""), Plain),
        Member::new("values", Default::EmptyList, Operands),
        Member::new("negate", Default::False, Plain),
    ],
};

static ROLLOUT: Object = Object {
    members: &[
        Member::new("kind", Default::Text("rollout"), Plain),
        Member::new(
            "contextKind",
            Default::User {
                unless_reference: "bucketBy",
            },
            Plain,
        ),
        Member::new("bucketBy", Default::Text("key"), Plain),
        Member::new("seed", Default::Null, Plain),
        Member::new(
            "variations",
            Default::EmptyList,
            List(&SHARE, Alignment::Place),
        ),
    ],
};

static SHARE: Object = Object {
    members: &[
        Member::new("variation", Default::Zero, Plain),
        Member::new("weight", Default::Zero, Plain),
        Member::new("untracked", Default::False, Plain),
    ],
};

static AVAILABILITY: Object = Object {
    members: &[
        Member::new("usingMobileKey", Default::False, Plain),
        Member::new("usingEnvironmentId", Default::False, Plain),
    ],
};

static MIGRATION: Object = Object {
    members: &[Member::new("checkRatio", Default::NullOrOne, Plain)],
};
