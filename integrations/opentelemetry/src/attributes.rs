//! Names and values of an evaluation's attributes in the trace.
//!
//! The names are those of the semantic conventions for feature flags. The two in camel case are
//! taken from the vendor's SDKs.

use opentelemetry::KeyValue;
use vexil::eval::{Detail, EvalErrorKind, Reason, ReasonKind};
use vexil::hooks::EvaluationSeriesContext;
use vexil::{ContextError, Text, Value};

/// The flag provider: the vendor, whichever SDK evaluates the flags (requirement 1.2.2.4 of the
/// vendor's OTEL spec).
const PROVIDER: &str = "LaunchDarkly";

/// Attributes available before the evaluation: the flag, and the context if it is valid.
pub(crate) fn of_flag(series: &EvaluationSeriesContext<'_>) -> Vec<KeyValue> {
    let key = KeyValue::new("feature_flag.key", series.flag_key.to_owned());
    let id = |context: &vexil::Context| {
        KeyValue::new(
            "feature_flag.context.id",
            context.fully_qualified_key().to_owned(),
        )
    };
    [key]
        .into_iter()
        .chain(series.context.ok().map(id))
        .collect()
}

/// All attributes, available after the evaluation. `set` is the environment.
pub(crate) fn of_result(
    series: &EvaluationSeriesContext<'_>,
    detail: &Detail<Value>,
    include_value: bool,
    set: Option<&Text>,
) -> Vec<KeyValue> {
    let mut attributes = of_flag(series);
    attributes.push(KeyValue::new("feature_flag.provider.name", PROVIDER));
    if let Some(index) = detail.variation_index {
        attributes.push(KeyValue::new(
            "feature_flag.result.variant",
            index.to_string(),
        ));
        // The number of variations of a flag always fits.
        attributes.push(KeyValue::new(
            "feature_flag.result.variationIndex",
            i64::try_from(index).unwrap_or(i64::MAX),
        ));
    }
    attributes.push(KeyValue::new(
        "feature_flag.result.reason",
        reason(&detail.reason),
    ));
    if detail.reason.is_in_experiment() {
        attributes.push(KeyValue::new(
            "feature_flag.result.reason.inExperiment",
            true,
        ));
    }
    if include_value {
        attributes.push(KeyValue::new(
            "feature_flag.result.value",
            detail.value.to_string(),
        ));
    }
    if let Some(set) = set {
        attributes.push(KeyValue::new(
            "feature_flag.set.id",
            set.as_str().to_owned(),
        ));
    }
    if let Some(error) = detail.reason.error() {
        attributes.push(KeyValue::new(
            "error.type",
            error_type(error, series.context.err()),
        ));
    }
    attributes
}

/// A well-known value, except for a failed prerequisite, for which there is none.
fn reason(reason: &Reason) -> &'static str {
    match reason.kind {
        _ if reason.is_in_experiment() => "split",
        ReasonKind::Off => "disabled",
        ReasonKind::Fallthrough { .. } => "default",
        ReasonKind::TargetMatch | ReasonKind::RuleMatch { .. } => "targeting_match",
        ReasonKind::PrerequisiteFailed { .. } => "prerequisite_failed",
        ReasonKind::Error(_) => "error",
        _ => "unknown",
    }
}

fn error_type(error: EvalErrorKind, context: Option<&ContextError>) -> &'static str {
    match (error, context) {
        (EvalErrorKind::ClientNotReady, _) => "provider_not_ready",
        (EvalErrorKind::FlagNotFound, _) => "flag_not_found",
        (EvalErrorKind::UserNotSpecified, Some(ContextError::EmptyKey)) => "targeting_key_missing",
        (EvalErrorKind::UserNotSpecified, _) => "invalid_context",
        (EvalErrorKind::MalformedFlag, _) => "parse_error",
        (EvalErrorKind::WrongType, _) => "type_mismatch",
        _ => "general",
    }
}
