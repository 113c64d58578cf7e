//! Results of evaluations: [`Detail`] and [`Reason`] for applications, [`Evaluation`] for the
//! client.
//!
//! An [`Evaluation`] borrows from the flag, so that reading only the value costs nothing more; a
//! [`Reason`] is the owned form.

use std::fmt;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use smallvec::SmallVec;

use crate::model::Flag;
use crate::text::Text;
use crate::value::Value;

/// The value of a flag for a context, and the reason for it.
///
/// Two details are equal if value, variation and reason are; the [`TypeMismatch`] is not compared,
/// because it only explains the reason.
///
/// ```
/// use vexil_eval::{Detail, EvalErrorKind, ReasonKind};
///
/// /// What a support page shows.
/// fn describe(detail: &Detail<bool>) -> String {
///     match (detail.variation_index, detail.type_mismatch()) {
///         (Some(index), _) => format!("variation {index}: {}", detail.reason),
///         (None, Some(mismatch)) => format!("the default: {mismatch}"),
///         (None, None) => format!("the default: {}", detail.reason),
///     }
/// }
///
/// let on = Detail::new(true, Some(1), ReasonKind::TargetMatch.into());
/// assert_eq!(describe(&on), "variation 1: the context is targeted by its key");
/// let unknown = Detail::new(false, None, EvalErrorKind::FlagNotFound.into());
/// assert_eq!(describe(&unknown), "the default: error: there is no such flag");
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Detail<T> {
    /// The value of the variation, or the default.
    pub value: T,
    /// The index of the variation; `None` if `value` is the default.
    pub variation_index: Option<usize>,
    /// The reason for the value.
    pub reason: Reason,
    /// Boxed, because it is rare and details are moved often.
    type_mismatch: Option<Box<TypeMismatch>>,
}

impl<T: PartialEq> PartialEq for Detail<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
            && self.variation_index == other.variation_index
            && self.reason == other.reason
    }
}

impl<T> Detail<T> {
    /// Creates a detail from its parts, for hooks and tests.
    ///
    /// ```
    /// use vexil_eval::{Detail, EvalErrorKind, ReasonKind};
    ///
    /// let found = Detail::new(true, Some(1), ReasonKind::TargetMatch.into());
    /// assert!(!found.is_default_value());
    ///
    /// let failed = Detail::new(false, None, EvalErrorKind::FlagNotFound.into());
    /// assert!(failed.is_default_value());
    /// assert_eq!(failed.reason.error(), Some(EvalErrorKind::FlagNotFound));
    /// ```
    #[must_use]
    pub fn new(value: T, variation_index: Option<usize>, reason: Reason) -> Self {
        Self {
            value,
            variation_index,
            reason,
            type_mismatch: None,
        }
    }

    /// Creates the detail of a flag whose value has the wrong type: `default` with
    /// [`EvalErrorKind::WrongType`]. `reason` is that of the evaluation; only its kind is replaced.
    #[must_use]
    pub fn mismatched(value: T, mismatch: Box<TypeMismatch>, reason: Reason) -> Self {
        Self {
            value,
            variation_index: None,
            reason: Reason {
                kind: ReasonKind::Error(EvalErrorKind::WrongType),
                ..reason
            },
            type_mismatch: Some(mismatch),
        }
    }

    /// Returns the requested and the actual type if the error is [`EvalErrorKind::WrongType`].
    ///
    /// ```
    /// use vexil_eval::{Detail, ReasonKind, TypeMismatch};
    ///
    /// let mismatch = TypeMismatch::new("an integer", &"ten".into());
    /// let detail = Detail::mismatched(10, mismatch, ReasonKind::Off.into());
    /// assert_eq!(detail.reason.to_string(), "error: the flag's value has another type");
    /// let mismatch = detail.type_mismatch().expect("the types differ");
    /// assert_eq!(mismatch.to_string(), "expected an integer, found a string");
    /// ```
    #[must_use]
    pub fn type_mismatch(&self) -> Option<&TypeMismatch> {
        self.type_mismatch.as_deref()
    }

    /// Whether the value is the caller's default because the flag has no value for the context.
    ///
    /// An off flag without an off variation has none either, although that is no error.
    ///
    /// ```
    /// use vexil_eval::{Detail, ReasonKind};
    ///
    /// let detail = Detail::new("light", None, ReasonKind::Off.into());
    /// assert!(detail.is_default_value());
    /// assert_eq!(detail.reason.error(), None);
    /// ```
    #[must_use]
    pub fn is_default_value(&self) -> bool {
        self.variation_index.is_none()
    }

    /// Returns the same detail with its value converted by `change`.
    ///
    /// ```
    /// use vexil_eval::{Detail, ReasonKind};
    ///
    /// let seconds = Detail::new(30, Some(0), ReasonKind::Off.into());
    /// let timeout = seconds.map(std::time::Duration::from_secs);
    /// assert_eq!(timeout.value.as_millis(), 30_000);
    /// assert_eq!(timeout.variation_index, Some(0));
    /// ```
    #[must_use]
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Detail<U> {
        Detail {
            value: change(self.value),
            variation_index: self.variation_index,
            reason: self.reason,
            type_mismatch: self.type_mismatch,
        }
    }
}

/// Why the value of a flag could not be returned as the requested type.
///
/// ```
/// use vexil_eval::TypeMismatch;
///
/// let mismatch = TypeMismatch::new("a boolean", &"on".into());
/// assert_eq!((mismatch.expected, mismatch.found), ("a boolean", "a string"));
/// assert_eq!(mismatch.to_string(), "expected a boolean, found a string");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TypeMismatch {
    /// The requested type, with its article: `an integer`, `a string`. For a type defined by the
    /// application, its Rust name.
    pub expected: &'static str,
    /// The JSON type of the flag's value, with its article: `a number`, `an object`, `null`.
    pub found: &'static str,
    /// The deserialization error of a type defined by the application, cut after 500 bytes; `None`
    /// for the built-in types of flags.
    pub error: Option<String>,
}

impl TypeMismatch {
    /// Creates a mismatch. `expected` names the requested type with its article.
    #[must_use]
    pub fn new(expected: &'static str, found: &Value) -> Box<Self> {
        Box::new(Self {
            expected,
            found: found.type_name(),
            error: None,
        })
    }

    /// Adds the deserialization error, cut after 500 bytes.
    ///
    /// ```
    /// use vexil_eval::TypeMismatch;
    ///
    /// let error = "ten".parse::<u8>().unwrap_err();
    /// let mismatch = TypeMismatch::new("u8", &"ten".into()).with_error(&error);
    /// assert_eq!(mismatch.to_string(), "expected u8, found a string: invalid digit found in string");
    /// ```
    #[must_use]
    pub fn with_error(mut self: Box<Self>, error: &dyn fmt::Display) -> Box<Self> {
        // A serde error quotes the unexpected string in full.
        const LONGEST: usize = 500;
        let mut error = error.to_string();
        if error.len() > LONGEST {
            let start = (0..=LONGEST).rev().find_map(|end| error.get(..end));
            error = format!("{}…", start.unwrap_or_default());
        }
        self.error = Some(error);
        self
    }
}

impl fmt::Display for TypeMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}, found {}", self.expected, self.found)?;
        match &self.error {
            Some(error) => write!(f, ": {error}"),
            None => Ok(()),
        }
    }
}

/// The reason for the result of an evaluation. Serializes to the format of the protocol.
///
/// ```
/// use vexil_eval::{Reason, ReasonKind};
///
/// let reason = Reason::from(ReasonKind::RuleMatch {
///     rule_index: 0,
///     rule_id: "r-1".into(),
///     in_experiment: false,
/// });
/// assert_eq!(
///     serde_json::to_value(&reason).unwrap(),
///     serde_json::json!({"kind": "RULE_MATCH", "ruleIndex": 0, "ruleId": "r-1"}),
/// );
/// assert_eq!(reason.to_string(), "matched rule 0 (r-1)");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reason {
    /// The kind of the reason.
    pub kind: ReasonKind,
    /// The status of the big-segment query; `None` if the evaluation needed none.
    pub big_segments_status: Option<BigSegmentsStatus>,
    /// Whether the flag is an [override](Flag::is_override).
    pub is_override: bool,
}

/// The kinds of reasons. `T` holds the strings: [`Text`] in a [`Reason`], a reference to it in a
/// [`Verdict`].
///
/// ```
/// use vexil_eval::{EvalErrorKind, ReasonKind};
///
/// let explain = |kind: &ReasonKind| match kind {
///     ReasonKind::Off => "the flag is off".to_owned(),
///     ReasonKind::RuleMatch { rule_id, .. } => format!("rule {rule_id}"),
///     ReasonKind::Error(EvalErrorKind::FlagNotFound) => "no such flag".to_owned(),
///     other => format!("{other:?}"),
/// };
/// let rule = ReasonKind::RuleMatch { rule_index: 2, rule_id: "beta".into(), in_experiment: false };
/// assert_eq!(explain(&rule), "rule beta");
/// assert_eq!(explain(&ReasonKind::Error(EvalErrorKind::FlagNotFound)), "no such flag");
/// assert_eq!(explain(&ReasonKind::TargetMatch), "TargetMatch");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReasonKind<T = Text> {
    /// The flag is off.
    Off,
    /// No target and no rule matched.
    Fallthrough {
        /// Whether the context takes part in an experiment.
        in_experiment: bool,
    },
    /// An individual target lists the key of the context.
    TargetMatch,
    /// A rule matched.
    RuleMatch {
        /// The index of the rule, counted from 0.
        rule_index: usize,
        /// The id of the rule; empty if it has none.
        rule_id: T,
        /// Whether the context takes part in an experiment.
        in_experiment: bool,
    },
    /// A prerequisite flag is off or returned another variation.
    PrerequisiteFailed {
        /// The key of the prerequisite flag.
        prerequisite_key: T,
    },
    /// The evaluation failed; the value is the default.
    Error(EvalErrorKind),
}

/// A reason that borrows from the flag.
pub type Verdict<'a> = ReasonKind<&'a Text>;

/// Why an evaluation failed.
///
/// ```
/// use vexil_eval::{EvalErrorKind, Reason};
///
/// let retry = |reason: &Reason| match reason.error() {
///     None => false,
///     Some(EvalErrorKind::ClientNotReady | EvalErrorKind::Exception) => true,
///     Some(_) => false,
/// };
/// assert!(retry(&EvalErrorKind::ClientNotReady.into()));
/// assert!(!retry(&EvalErrorKind::WrongType.into()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum EvalErrorKind {
    /// The client has no data yet, or is offline.
    ClientNotReady,
    /// The flag does not exist.
    FlagNotFound,
    /// The context is invalid.
    UserNotSpecified,
    /// The flag is inconsistent: a variation index out of range, a cycle of prerequisites or
    /// segments, a clause without an attribute.
    MalformedFlag,
    /// The value of the flag does not have the requested type.
    WrongType,
    /// The flag could not be looked up or evaluated because of an error.
    Exception,
}

/// How reliable the big-segment memberships of an evaluation are, from best to worst.
///
/// ```
/// use vexil_eval::BigSegmentsStatus;
///
/// let worst = BigSegmentsStatus::Healthy.max(BigSegmentsStatus::StoreError);
/// assert_eq!(worst, BigSegmentsStatus::StoreError);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum BigSegmentsStatus {
    /// The store was queried and is up to date.
    Healthy,
    /// The store was queried and may be out of date.
    Stale,
    /// The query failed.
    StoreError,
    /// No big-segment store is configured, or the segment was never synchronised.
    NotConfigured,
}

impl Reason {
    /// Creates a reason from its parts, for event processors and tests. The flag is not an
    /// override.
    #[must_use]
    pub fn new(kind: ReasonKind, big_segments_status: Option<BigSegmentsStatus>) -> Self {
        Self {
            kind,
            big_segments_status,
            is_override: false,
        }
    }

    /// Returns the error if the evaluation failed.
    ///
    /// ```
    /// use vexil_eval::{EvalErrorKind, Reason, ReasonKind};
    ///
    /// let reason = Reason::from(EvalErrorKind::MalformedFlag);
    /// assert_eq!(reason.error(), Some(EvalErrorKind::MalformedFlag));
    /// assert_eq!(Reason::from(ReasonKind::Off).error(), None);
    /// ```
    #[must_use]
    pub fn error(&self) -> Option<EvalErrorKind> {
        self.kind.error()
    }

    /// Whether the context takes part in an experiment.
    ///
    /// ```
    /// use vexil_eval::{Reason, ReasonKind};
    ///
    /// let served = Reason::from(ReasonKind::Fallthrough { in_experiment: true });
    /// assert!(served.is_in_experiment());
    /// // A context outside the experiment's share has the same kind of reason.
    /// assert!(!Reason::from(ReasonKind::Fallthrough { in_experiment: false }).is_in_experiment());
    /// ```
    #[must_use]
    pub fn is_in_experiment(&self) -> bool {
        self.kind.is_in_experiment()
    }
}

impl<T> ReasonKind<T> {
    /// Returns the error if the evaluation failed.
    #[must_use]
    pub fn error(&self) -> Option<EvalErrorKind> {
        match self {
            Self::Error(kind) => Some(*kind),
            _ => None,
        }
    }

    /// Whether the context takes part in an experiment.
    #[must_use]
    pub fn is_in_experiment(&self) -> bool {
        matches!(
            self,
            Self::Fallthrough {
                in_experiment: true
            } | Self::RuleMatch {
                in_experiment: true,
                ..
            }
        )
    }

    /// Whether `flag`, evaluated with this verdict, sends a full event with the reason.
    #[must_use]
    pub fn is_experiment(&self, flag: &Flag) -> bool {
        let tracked = match self {
            Self::Fallthrough { .. } => flag.track_events_fallthrough,
            Self::RuleMatch { rule_index, .. } => flag
                .rules
                .get(*rule_index)
                .is_some_and(|rule| rule.track_events),
            _ => false,
        };
        tracked || self.is_in_experiment()
    }
}

impl Verdict<'_> {
    /// Converts to the owned form.
    #[must_use]
    pub fn to_kind(self) -> ReasonKind {
        match self {
            Self::Off => ReasonKind::Off,
            Self::Fallthrough { in_experiment } => ReasonKind::Fallthrough { in_experiment },
            Self::TargetMatch => ReasonKind::TargetMatch,
            Self::RuleMatch {
                rule_index,
                rule_id,
                in_experiment,
            } => ReasonKind::RuleMatch {
                rule_index,
                rule_id: rule_id.clone(),
                in_experiment,
            },
            Self::PrerequisiteFailed { prerequisite_key } => ReasonKind::PrerequisiteFailed {
                prerequisite_key: prerequisite_key.clone(),
            },
            Self::Error(kind) => ReasonKind::Error(kind),
        }
    }
}

impl From<ReasonKind> for Reason {
    fn from(kind: ReasonKind) -> Self {
        Self::new(kind, None)
    }
}

impl From<EvalErrorKind> for Reason {
    fn from(kind: EvalErrorKind) -> Self {
        ReasonKind::Error(kind).into()
    }
}

/// One sentence without a full stop, for logs and messages.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ReasonKind::Off => f.write_str("the flag is off")?,
            ReasonKind::Fallthrough { .. } => f.write_str("no target or rule matched")?,
            ReasonKind::TargetMatch => f.write_str("the context is targeted by its key")?,
            ReasonKind::RuleMatch {
                rule_index,
                rule_id,
                ..
            } if rule_id.is_empty() => {
                write!(f, "matched rule {rule_index}")?;
            }
            ReasonKind::RuleMatch {
                rule_index,
                rule_id,
                ..
            } => write!(f, "matched rule {rule_index} ({rule_id})")?,
            ReasonKind::PrerequisiteFailed { prerequisite_key } => {
                write!(f, "prerequisite \"{prerequisite_key}\" failed")?;
            }
            ReasonKind::Error(kind) => f.write_str(match kind {
                EvalErrorKind::ClientNotReady => "error: the client has no data",
                EvalErrorKind::FlagNotFound => "error: there is no such flag",
                EvalErrorKind::UserNotSpecified => "error: the context is invalid",
                EvalErrorKind::MalformedFlag => "error: the flag is malformed",
                EvalErrorKind::WrongType => "error: the flag's value has another type",
                EvalErrorKind::Exception => "error: the flag could not be read or evaluated",
            })?,
        }
        if self.is_in_experiment() {
            f.write_str(", in an experiment")?;
        }
        if self.is_override {
            f.write_str("; the flag is overridden")?;
        }
        match self.big_segments_status {
            Some(BigSegmentsStatus::Stale) => f.write_str("; big segments may be out of date"),
            Some(BigSegmentsStatus::StoreError) => {
                f.write_str("; big segments could not be queried")
            }
            Some(BigSegmentsStatus::NotConfigured) => f.write_str("; big segments are not set up"),
            Some(BigSegmentsStatus::Healthy) | None => Ok(()),
        }
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_struct("Reason", 6)?;
        members.serialize_field(
            "kind",
            match &self.kind {
                ReasonKind::Off => "OFF",
                ReasonKind::Fallthrough { .. } => "FALLTHROUGH",
                ReasonKind::TargetMatch => "TARGET_MATCH",
                ReasonKind::RuleMatch { .. } => "RULE_MATCH",
                ReasonKind::PrerequisiteFailed { .. } => "PREREQUISITE_FAILED",
                ReasonKind::Error(_) => "ERROR",
            },
        )?;
        match &self.kind {
            ReasonKind::RuleMatch {
                rule_index,
                rule_id,
                ..
            } => {
                members.serialize_field("ruleIndex", rule_index)?;
                if !rule_id.is_empty() {
                    members.serialize_field("ruleId", rule_id)?;
                }
            }
            ReasonKind::PrerequisiteFailed { prerequisite_key } => {
                members.serialize_field("prerequisiteKey", prerequisite_key)?;
            }
            ReasonKind::Error(kind) => members.serialize_field("errorKind", kind)?,
            ReasonKind::Off | ReasonKind::Fallthrough { .. } | ReasonKind::TargetMatch => {}
        }
        if self.is_in_experiment() {
            members.serialize_field("inExperiment", &true)?;
        }
        if let Some(status) = self.big_segments_status {
            members.serialize_field("bigSegmentsStatus", &status)?;
        }
        if self.is_override {
            members.serialize_field("isOverride", &true)?;
        }
        members.end()
    }
}

/// The result of one evaluation, borrowed from the flag.
///
/// ```
/// use vexil_eval::model::{DataSet, Flag, Segment};
/// use vexil_eval::{Context, Found, Lookup, Outcome, evaluate};
///
/// struct Data(DataSet);
///
/// impl Lookup for Data {
///     fn flag(&self, key: &str) -> Found<&Flag> {
///         let flag = self.0.flags.iter().find(|entry| entry.key() == key);
///         flag.and_then(|entry| entry.present()).map(AsRef::as_ref).into()
///     }
///
///     fn segment(&self, _: &str) -> Found<&Segment> {
///         Found::Absent
///     }
/// }
///
/// let data = Data(DataSet::from_json(
///     br#"{"flags": {
///         "base": {"on": false, "variations": ["old", "new"], "offVariation": 0},
///         "top": {"on": true, "variations": ["a", "b"], "offVariation": 1,
///             "prerequisites": [{"key": "base", "variation": 1}]}}}"#,
/// )?);
/// let context = Context::new("ada")?;
/// let Found::Present(flag) = data.flag("top") else { unreachable!() };
/// let Outcome::Done(evaluation) = evaluate(flag, &context, &data) else { unreachable!() };
///
/// assert_eq!(evaluation.variation, Some((1, &"b".into())));
/// assert_eq!(evaluation.reason().to_string(), "prerequisite \"base\" failed");
/// assert_eq!(evaluation.prerequisites()[0].variation, Some((0, &"old".into())));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Evaluation<'a> {
    /// The index and value of the variation; `None` means the caller's default.
    pub variation: Option<(usize, &'a Value)>,
    /// The reason.
    pub verdict: Verdict<'a>,
    /// The status of the big-segment query; `None` if the evaluation needed none.
    pub big_segments_status: Option<BigSegmentsStatus>,
    /// Whether the flag is an [override](Flag::is_override).
    pub(crate) is_override: bool,
    /// The prerequisites that were evaluated, the deepest first.
    pub(crate) prerequisites: SmallVec<[PrerequisiteEvaluation<'a>; 2]>,
}

impl Default for Evaluation<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl Evaluation<'_> {
    /// Creates an empty result for [`evaluate_into`](crate::evaluate_into).
    #[inline]
    #[must_use]
    pub fn new() -> Self {
        Self {
            variation: None,
            verdict: Verdict::Off,
            big_segments_status: None,
            is_override: false,
            prerequisites: SmallVec::new(),
        }
    }

    /// Returns the prerequisites that were evaluated, the deepest first.
    #[inline]
    #[must_use]
    pub fn prerequisites(&self) -> &[PrerequisiteEvaluation<'_>] {
        &self.prerequisites
    }

    /// Returns the reason in its owned form.
    #[must_use]
    pub fn reason(&self) -> Reason {
        Reason {
            kind: self.verdict.to_kind(),
            big_segments_status: self.big_segments_status,
            is_override: self.is_override,
        }
    }
}

/// The result of a prerequisite flag.
///
/// ```
/// use vexil_eval::model::{Flag, Segment};
/// use vexil_eval::{Context, Found, Lookup, Outcome, evaluate};
///
/// /// One flag that others depend on.
/// struct Base(Flag);
///
/// impl Lookup for Base {
///     fn flag(&self, key: &str) -> Found<&Flag> {
///         Some(&self.0).filter(|flag| flag.key() == key).into()
///     }
///     fn segment(&self, _: &str) -> Found<&Segment> {
///         Found::Absent
///     }
/// }
///
/// let base = r#"{"key": "premium", "on": true, "variations": [false, true], "fallthrough": {"variation": 0}}"#;
/// let flag: Flag = serde_json::from_str(
///     r#"{"key": "export", "on": true, "variations": ["csv"], "fallthrough": {"variation": 0},
///         "prerequisites": [{"key": "premium", "variation": 1}]}"#,
/// )?;
/// let (data, context) = (Base(serde_json::from_str(base)?), Context::new("ada")?);
/// let Outcome::Done(evaluation) = evaluate(&flag, &context, &data) else { unreachable!() };
/// let [premium] = evaluation.prerequisites() else { panic!("one prerequisite") };
/// assert_eq!((premium.flag.key().as_str(), premium.variation), ("premium", Some((0, &false.into()))));
/// assert!(evaluation.reason().to_string().contains("premium"), "it is the wrong variation");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PrerequisiteEvaluation<'a> {
    /// The prerequisite.
    pub flag: &'a Flag,
    /// The key of the dependent flag.
    pub prerequisite_of: &'a Text,
    /// The index and value of the variation; `None` if the flag has no value for the context.
    pub variation: Option<(usize, &'a Value)>,
    /// The reason.
    pub verdict: Verdict<'a>,
}
