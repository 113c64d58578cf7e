//! [`Id`]: all findings, in the order of the documentation.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    Info,
    Warning,
    Error,
}

impl Severity {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Severity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Declares the findings: variant, id, usual severity, meaning.
macro_rules! findings {
    ($($variant:ident $name:literal $severity:ident $summary:literal;)*) => {
        /// A kind of finding.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) enum Id {
            $(#[doc = $summary] $variant,)*
        }

        impl Id {
            /// All findings, in the order of the documentation.
            pub(crate) const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Returns the name, as in `--allow`.
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// Returns the usual severity. A finding may have another one, which its message
            /// explains.
            pub(crate) fn severity(self) -> Severity {
                match self {
                    $(Self::$variant => Severity::$severity,)*
                }
            }

            /// Returns what the finding means, in one sentence.
            pub(crate) fn summary(self) -> &'static str {
                match self {
                    $(Self::$variant => $summary,)*
                }
            }
        }
    };
}

findings! {
    NotJson "not-json" Error "A document or item is neither valid JSON nor valid YAML.";
    WrongType "wrong-type" Error "A property has a value of the wrong type, so that the item cannot be read.";
    DuplicateMember "duplicate-member" Error "An object contains a name twice; the last one counts.";
    KeyMismatch "key-mismatch" Warning "The key inside the item is not the one under which it is stored.";
    EmptyKey "empty-key" Warning "The key is empty.";
    VersionInvalid "version-invalid" Error "The version is negative, a fraction, no number, or above 2^53.";
    VersionTooLarge "version-too-large" Warning "The version does not fit into 32 bits, as some SDKs require.";
    UnknownProperty "unknown-property" Info "A property is unknown; a warning if it resembles a known one.";
    MissingProperty "missing-property" Info "A property is missing that other SDKs require; a warning with --for redis, dynamodb or php.";
    DeletedItem "deleted-item" Info "A file contains a deleted item.";
    NoVariations "no-variations" Error "The flag has no variations.";
    NoOutcome "no-outcome" Error "A rule or the fallthrough has neither a variation nor a rollout.";
    VariationOutOfRange "variation-out-of-range" Error "An index is not that of a variation.";
    NoOffVariation "no-off-variation" Warning "There is no off variation, so that callers receive their default.";
    VariationAndRollout "variation-and-rollout" Warning "There are a variation and a rollout; the rollout is ignored.";
    MixedTypes "mixed-types" Warning "Variations are of different types.";
    EqualVariations "equal-variations" Warning "Two variations are equal.";
    NullVariation "null-variation" Warning "A variation is null.";
    UnreachableVariation "unreachable-variation" Info "Nothing in the flag selects the variation.";
    EmptySalt "empty-salt" Warning "A rollout depends on the salt, which is empty.";
    DebugDatePast "debug-date-past" Info "The date until which debug events are sent is past.";
    SamplingNever "sampling-never" Warning "A sampling ratio is zero or negative, which means never.";
    VisibilityContradicts "visibility-contradicts" Warning "The old and the new property for client-side SDKs contradict each other.";
    MigrationValues "migration-values" Error "A variation of a migration flag is no stage of a migration.";
    UnknownPrerequisite "unknown-prerequisite" Error "A prerequisite does not exist.";
    PrerequisiteCycle "prerequisite-cycle" Error "The flag is its own prerequisite, maybe through others; a warning if a flag that is off breaks the cycle.";
    PrerequisiteOff "prerequisite-off" Warning "A prerequisite is off and therefore always fails.";
    PrerequisiteVariation "prerequisite-variation" Error "A prerequisite requires a variation that does not exist; a warning if nothing selects it.";
    PrerequisiteTooDeep "prerequisite-too-deep" Error "An evaluation may have to visit too many prerequisites.";
    DuplicatePrerequisite "duplicate-prerequisite" Warning "A prerequisite is listed twice; an error if with different variations.";
    DuplicateTarget "duplicate-target" Warning "A key is targeted twice; the first list counts.";
    TargetsIgnored "targets-ignored" Warning "A list in targets has no counterpart in contextTargets and is ignored.";
    EmptyTargets "empty-targets" Info "A list of targets has no keys.";
    UserKeysInContextTargets "user-keys-in-context-targets" Warning "contextTargets contains keys of users, which other SDKs ignore there.";
    RuleNever "rule-never" Warning "The rule cannot match any context.";
    RuleShadowed "rule-shadowed" Warning "An earlier rule matches whenever this one does.";
    RuleMatchesAll "rule-matches-all" Warning "The rule matches all contexts, so that nothing after it counts.";
    RuleNamedTwice "duplicate-rule-id" Warning "Two rules have the same id, so that reports cannot distinguish them.";
    UnnamedRule "rule-without-id" Info "The rule has no id.";
    DuplicateClause "duplicate-clause" Info "The rule contains a clause twice.";
    RulesWithoutEffect "rules-without-effect" Info "All rules and the fallthrough serve the same variation.";
    UnknownOperator "unknown-operator" Error "The operator is unknown: the clause never matches, or always if it is negated.";
    NoAttribute "no-attribute" Error "The clause has no attribute: the flag is malformed when it is reached.";
    InvalidReference "invalid-reference" Error "The attribute is no valid reference: the flag is malformed when it is reached.";
    LiteralSlash "literal-slash" Warning "The attribute looks like a path, but is a plain name because contextKind is missing.";
    BrokenRegex "broken-regex" Error "A regular expression is invalid and never matches.";
    OperandType "operand-type" Error "A value is not of the type that the operator compares, and never matches.";
    OperandUnusable "operand-unusable" Warning "A value is null, an array or an object, which never matches.";
    NoOperands "no-operands" Warning "The clause has no values.";
    SegmentOperand "segment-operand" Error "The key of a segment is no string.";
    SeveralLimits "several-limits" Info "The clause has several limits, of which the widest counts.";
    SuspiciousText "suspicious-text" Warning "A text has spaces at an end, or differs from another one in case or Unicode form only.";
    UnknownSegment "unknown-segment" Error "A segment does not exist; a warning if the clause names others that do.";
    KindAttribute "kind-attribute" Info "The clause tests the kind, for which contextKind is ignored; an error if a value is no valid kind.";
    SegmentCycle "segment-cycle" Error "The segment refers to itself, maybe through others.";
    IncludedAndExcluded "included-and-excluded" Warning "A key is included and excluded; it is included.";
    EmptySegment "empty-segment" Warning "The segment contains nothing.";
    UnusedSegment "unused-segment" Info "No flag or segment refers to the segment.";
    EqualSegments "equal-segments" Info "The segment has the same lists and rules as another one.";
    BigWithoutGeneration "big-without-generation" Warning "The big segment has no generation and contains no context.";
    BigWithLists "big-with-lists" Warning "The big segment has lists of its own, which are ignored.";
    WeightsSum "weights-sum" Warning "The weights of a rollout do not sum to 100,000.";
    WeightsInPercent "weights-in-percent" Error "The weights of a rollout are percentages; the unit is a thousandth of a percent.";
    WeightRange "weight-range" Error "A weight is negative or above 100,000.";
    RolloutKind "rollout-kind" Warning "The kind of a rollout is neither rollout nor experiment.";
    BucketByIgnored "bucket-by-ignored" Warning "An experiment has bucketBy, which is ignored.";
    BucketByInvalid "bucket-by-invalid" Error "The attribute of a rollout is no valid reference.";
    ExperimentWithoutSeed "experiment-without-seed" Info "An experiment has no seed.";
    UntrackedInRollout "untracked-in-rollout" Info "A share is untracked, which has an effect in experiments only.";
    SameSeed "same-seed" Info "Two experiments have the same seed, and so order contexts in the same way.";
    TooLarge "too-large" Warning "The item is large; an error with --for dynamodb if it cannot be stored there.";
    ReservedAttribute "reserved-attribute" Info "A value is not of the type of the built-in attribute, and never matches.";
    Undeclared "undeclared" Warning "The application does not declare the flag.";
    MissingFlag "missing-flag" Error "The application declares a flag that does not exist.";
    DeclaredType "declared-type" Error "A variation is not of the type that the application declares.";
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl FromStr for Id {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        if let Some(id) = Self::ALL.iter().find(|id| id.name() == name) {
            return Ok(*id);
        }
        let names = Self::ALL.iter().map(|id| id.name());
        let nearest = names.min_by_key(|known| strsim::damerau_levenshtein(known, name));
        let hint = nearest.map(|known| format!("; did you mean {known:?}?"));
        Err(format!(
            "there is no finding {name:?}{}",
            hint.unwrap_or_default()
        ))
    }
}
