//! Converts the detail of an evaluation to OpenFeature's resolution or error.

use open_feature::provider::ResolutionDetails;
use open_feature::{
    EvaluationError, EvaluationErrorCode, EvaluationReason, EvaluationResult, FlagMetadata,
};
use vexil::ContextError;
use vexil::eval::{Detail, EvalErrorKind, Reason, ReasonKind};

/// Converts an evaluation. The value is `None` if the evaluation returned none, or if the flag's
/// value is null, which OpenFeature cannot represent. `context` is the error of the context, if
/// any.
pub(crate) fn resolve<T>(
    mut detail: Detail<Option<T>>,
    context: Option<&ContextError>,
) -> EvaluationResult<ResolutionDetails<T>> {
    let Some(value) = detail.value.take() else {
        return Err(error(&detail, context));
    };
    Ok(ResolutionDetails {
        value,
        variant: detail.variation_index.map(|index| index.to_string()),
        reason: Some(reason(&detail.reason)),
        flag_metadata: Some(metadata(&detail.reason, detail.variation_index)),
    })
}

fn reason(reason: &Reason) -> EvaluationReason {
    match reason.kind {
        _ if reason.is_in_experiment() => EvaluationReason::Split,
        ReasonKind::Off => EvaluationReason::Disabled,
        ReasonKind::Fallthrough { .. } => EvaluationReason::Default,
        ReasonKind::TargetMatch | ReasonKind::RuleMatch { .. } => EvaluationReason::TargetingMatch,
        ReasonKind::PrerequisiteFailed { .. } => {
            EvaluationReason::Other("PREREQUISITE_FAILED".to_owned())
        }
        ReasonKind::Error(_) => EvaluationReason::Error,
        _ => EvaluationReason::Unknown,
    }
}

fn error<T>(detail: &Detail<T>, context: Option<&ContextError>) -> EvaluationError {
    let Detail {
        reason,
        variation_index: variation,
        ..
    } = detail;
    let (code, message) = match (reason.error(), context) {
        (Some(EvalErrorKind::UserNotSpecified), Some(error @ ContextError::EmptyKey)) => {
            (EvaluationErrorCode::TargetingKeyMissing, error.to_string())
        }
        (Some(EvalErrorKind::UserNotSpecified), Some(error)) => {
            (EvaluationErrorCode::InvalidContext, error.to_string())
        }
        (Some(EvalErrorKind::ClientNotReady), _) => (
            EvaluationErrorCode::ProviderNotReady,
            "the client has no data".to_owned(),
        ),
        (Some(EvalErrorKind::FlagNotFound), _) => (
            EvaluationErrorCode::FlagNotFound,
            "there is no such flag".to_owned(),
        ),
        (Some(EvalErrorKind::MalformedFlag), _) => (
            EvaluationErrorCode::ParseError,
            "the flag is malformed".to_owned(),
        ),
        (Some(EvalErrorKind::WrongType), _) => {
            (EvaluationErrorCode::TypeMismatch, mismatch(detail))
        }
        (None, _) if variation.is_some() => (
            EvaluationErrorCode::TypeMismatch,
            "the flag's value is null".to_owned(),
        ),
        (None, _) => (
            general(),
            format!("{reason}, and the caller's default applies"),
        ),
        _ => (
            general(),
            "the flag could not be read or evaluated".to_owned(),
        ),
    };
    EvaluationError {
        code,
        message: Some(message),
    }
}

/// Describes a type mismatch.
fn mismatch<T>(detail: &Detail<T>) -> String {
    let Some(mismatch) = detail.type_mismatch() else {
        return "the flag's value is of another type".to_owned();
    };
    let error = mismatch
        .error
        .as_deref()
        .unwrap_or("another type was requested");
    format!("the flag's value is {}: {error}", mismatch.found)
}

/// OpenFeature's code for errors without a specific code.
fn general() -> EvaluationErrorCode {
    EvaluationErrorCode::General("GENERAL".to_owned())
}

/// Converts the members of the reason's JSON to metadata. `kind` is renamed to `reasonKind`, which
/// is unambiguous among other metadata.
fn metadata(reason: &Reason, variation: Option<usize>) -> FlagMetadata {
    let mut metadata = FlagMetadata::default();
    let mut add = |name: &str, value: &serde_json::Value| match value {
        serde_json::Value::Bool(value) => metadata.add_value(name, *value),
        serde_json::Value::Number(number) => {
            if let Some(number) = number.as_i64() {
                metadata.add_value(name, open_feature::FlagMetadataValue::Int(number));
            }
        }
        serde_json::Value::String(text) => metadata.add_value(name, text.as_str()),
        // A reason has no members of other types.
        _ => {}
    };
    if let Ok(serde_json::Value::Object(members)) = serde_json::to_value(reason) {
        for (name, value) in &members {
            add(if name == "kind" { "reasonKind" } else { name }, value);
        }
    }
    if let Some(variation) = variation {
        add("variationIndex", &variation.into());
    }
    metadata
}
