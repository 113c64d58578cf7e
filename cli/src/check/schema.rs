//! The properties of flags and segments, with their types, and which ones other readers need.

/// The type of a property.
#[derive(Clone, Copy, Debug)]
pub(super) enum Type {
    Any,
    Bool,
    /// Any number: a fraction is truncated.
    Integer,
    Text,
    List(&'static Self),
    Object(&'static Schema),
}

/// Which readers fail if a property is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needed {
    No,
    /// Some server-side SDKs refuse the whole data set.
    ByServers,
    /// PHP, which reads databases.
    ByDatabases,
}

#[derive(Debug)]
pub(super) struct Property {
    pub(super) name: &'static str,
    pub(super) kind: Type,
    pub(super) needed: Needed,
}

/// The properties of an object.
#[derive(Debug)]
pub(super) struct Schema(pub(super) &'static [Property]);

impl Type {
    /// Returns what the type is called, with its article.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Any => "any value",
            Self::Bool => "a boolean",
            Self::Integer => "a number",
            Self::Text => "a string",
            Self::List(_) => "an array",
            Self::Object(_) => "an object",
        }
    }
}

const fn optional(name: &'static str, kind: Type) -> Property {
    Property {
        name,
        kind,
        needed: Needed::No,
    }
}

const fn needed(name: &'static str, kind: Type) -> Property {
    Property {
        name,
        kind,
        needed: Needed::ByServers,
    }
}

const fn stored(name: &'static str, kind: Type) -> Property {
    Property {
        name,
        kind,
        needed: Needed::ByDatabases,
    }
}

use Type::{Any, Bool, Integer, List, Object, Text};

pub(super) static FLAG: Schema = Schema(&[
    needed("key", Text),
    needed("version", Integer),
    stored("deleted", Bool),
    stored("on", Bool),
    needed("variations", List(&Any)),
    stored("offVariation", Integer),
    stored("fallthrough", Object(&FALLTHROUGH)),
    stored("targets", List(&Object(&TARGET))),
    optional("contextTargets", List(&Object(&TARGET))),
    stored("rules", List(&Object(&RULE))),
    stored("prerequisites", List(&Object(&PREREQUISITE))),
    stored("salt", Text),
    optional("clientSideAvailability", Object(&AVAILABILITY)),
    optional("clientSide", Bool),
    optional("trackEvents", Bool),
    optional("trackEventsFallthrough", Bool),
    optional("debugEventsUntilDate", Integer),
    optional("excludeFromSummaries", Bool),
    optional("samplingRatio", Integer),
    optional("migration", Object(&MIGRATION)),
]);

static FALLTHROUGH: Schema = Schema(&[
    optional("variation", Integer),
    optional("rollout", Object(&ROLLOUT)),
]);

static RULE: Schema = Schema(&[
    optional("id", Text),
    needed("clauses", List(&Object(&CLAUSE))),
    optional("variation", Integer),
    optional("rollout", Object(&ROLLOUT)),
    optional("trackEvents", Bool),
]);

static TARGET: Schema = Schema(&[
    needed("variation", Integer),
    needed("values", List(&Text)),
    optional("contextKind", Text),
]);

static PREREQUISITE: Schema = Schema(&[needed("key", Text), needed("variation", Integer)]);

static ROLLOUT: Schema = Schema(&[
    optional("kind", Text),
    optional("contextKind", Text),
    optional("bucketBy", Text),
    optional("seed", Integer),
    needed("variations", List(&Object(&SHARE))),
]);

static SHARE: Schema = Schema(&[
    needed("variation", Integer),
    needed("weight", Integer),
    optional("untracked", Bool),
]);

static CLAUSE: Schema = Schema(&[
    needed("attribute", Text),
    optional("contextKind", Text),
    needed("op", Text),
    needed("values", List(&Any)),
    optional("negate", Bool),
]);

static AVAILABILITY: Schema = Schema(&[
    optional("usingMobileKey", Bool),
    optional("usingEnvironmentId", Bool),
]);

static MIGRATION: Schema = Schema(&[optional("checkRatio", Integer)]);

pub(super) static SEGMENT: Schema = Schema(&[
    needed("key", Text),
    needed("version", Integer),
    stored("deleted", Bool),
    stored("salt", Text),
    stored("included", List(&Text)),
    stored("excluded", List(&Text)),
    optional("includedContexts", List(&Object(&SEGMENT_TARGET))),
    optional("excludedContexts", List(&Object(&SEGMENT_TARGET))),
    stored("rules", List(&Object(&SEGMENT_RULE))),
    optional("unbounded", Bool),
    optional("unboundedContextKind", Text),
    optional("generation", Integer),
]);

static SEGMENT_TARGET: Schema =
    Schema(&[optional("contextKind", Text), needed("values", List(&Text))]);

static SEGMENT_RULE: Schema = Schema(&[
    // The evaluator reports the ids of rules of flags only, and reads no others.
    optional("id", Any),
    needed("clauses", List(&Object(&CLAUSE))),
    optional("weight", Integer),
    optional("bucketBy", Text),
    optional("rolloutContextKind", Text),
]);

/// The sections of a document.
pub(super) static SECTIONS: [&str; 4] = ["flags", "flagValues", "segments", "bigSegments"];
